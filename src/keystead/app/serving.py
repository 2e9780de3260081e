"""Runs servers until a signal: several listeners in one event loop, and background work beside them.

Flow: sockets are bound first, so that a busy port fails before anything else -> background work starts -> the servers
serve -> SIGTERM or SIGINT -> open requests are finished -> background work is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from keystead.app.http_server.server import HttpServer

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


async def serve_until_signal(
    servers: Sequence[HttpServer],
    background: Sequence[Coroutine[Any, Any, None]],
    ready: Callable[[], None],
    parent: int = -1,
) -> None:
    """Serve. `ready` is called once every listener answers; the end of the pipe `parent` stops like a signal.

    Raises: whatever background work raises; it ends the servers, for nothing may fail without being noticed.
    """
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.stop()

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop)
    if parent >= 0:
        loop.add_reader(parent, stop)
    running = [asyncio.create_task(server.run_until_stopped()) for server in servers]
    beside = [asyncio.create_task(work) for work in background]
    for task in beside:
        task.add_done_callback(lambda task: None if task.cancelled() or task.exception() is None else stop())
    try:
        started = asyncio.create_task(_all_serving(servers))
        await asyncio.wait([started, *running], return_when=asyncio.FIRST_COMPLETED)
        if started.done() and not any(server.should_exit for server in servers):
            ready()
        started.cancel()
        await asyncio.gather(*running)
    finally:
        for task in beside:
            task.cancel()
        outcomes = await asyncio.gather(*beside, return_exceptions=True)
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
        if parent >= 0:
            loop.remove_reader(parent)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


async def _all_serving(servers: Sequence[HttpServer]) -> None:
    for server in servers:
        await server.serving.wait()


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on uvloop where there is one."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


async def until_signal() -> None:
    """Return at the first SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    try:
        await stopped.wait()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
