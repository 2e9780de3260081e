"""Drives a handler's coroutine by hand: no task, and no event-loop turn unless the handler really waits.

Flow: `drive` runs the coroutine until it returns (the usual case: reads never suspend) or yields the future of a
commit; then the reply is parked on that future's done callback and the coroutine goes on from there.
Does not: offer a current task. A fast handler awaits futures only; it uses no timeout, no lock, no task group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

Finish = Callable[[object, BaseException | None], None]


def drive(coroutine: Coroutine[Any, Any, object], finish: Finish) -> None:
    """Run the coroutine to its end, now or when what it waits for is done; then call `finish(result, error)`."""
    try:
        waited = coroutine.send(None)
    except StopIteration as done:
        finish(done.value, None)
    except BaseException as error:  # noqa: BLE001 - handed on, as a task would
        finish(None, error)
    else:
        _park(coroutine, finish, waited)


def _park(coroutine: Coroutine[Any, Any, object], finish: Finish, waited: object) -> None:
    if isinstance(waited, asyncio.Future):
        # What `asyncio.Task` does: the flag says that the future was awaited and not merely yielded.
        waited._asyncio_future_blocking = False
        waited.add_done_callback(lambda _: drive(coroutine, finish))
    elif waited is None:
        asyncio.get_running_loop().call_soon(drive, coroutine, finish)
    else:
        coroutine.close()
        finish(None, TypeError(f"a fast handler may await futures only, not {type(waited).__name__}"))
