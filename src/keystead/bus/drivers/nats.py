"""The NATS driver: admits by auth callout, ends connections through the system account."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

from nats.errors import Error as NatsError

from keystead.bus.driver import BusContext, BusDriver, RunningBus
from keystead.bus.nats.callout import Callout
from keystead.bus.nats.connection import Callbacks, KeyClient
from keystead.bus.nats.server import load_nats_keys
from keystead.bus.nats.warden import Warden
from keystead.bus.news import follow_revocations
from keystead.core.decisions import Decision
from keystead.sdk.bus_connection import require_private_transport
from keystead.sdk.ending import end_task

_COMPLAIN_EVERY: Final = 30.0
_RETRY: Final = 0.5


class NatsDriver(BusDriver):
    """NATS 2.10 and later, configured by `keystead.bus.nats.server`."""

    name = "nats"

    async def start(self, context: BusContext) -> RunningNats:
        """Begin to admit. The server may come later, or go and come back."""
        running = RunningNats(context)
        running.begin()
        return running


class RunningNats(RunningBus):
    """The driver at work: one connection that answers, one that looks after who is connected."""

    def __init__(self, context: BusContext) -> None:
        require_private_transport(context.settings.url)
        self._context = context
        self._keys = load_nats_keys(Path(context.settings.directory))
        self._callout = Callout(self._keys.issuer, context.admission, context.journal)
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._complained_at = -_COMPLAIN_EVERY
        self.ready = asyncio.Event()

    def begin(self) -> None:
        """Start the work that `close` ends."""
        self._closing = False
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop admitting and watching."""
        self._closing = True
        await end_task(self._task)
        await self._callout.close()

    async def _run(self) -> None:
        """Work over one pair of connections after the other, whenever the server closed one for good."""
        while not self._closing:
            answering, watching = KeyClient(self._keys.callout), KeyClient(self._keys.system)
            try:
                await self._work(answering, watching)
            except (NatsError, OSError) as error:
                await self._complain(error)
            finally:
                self.ready.clear()
                await answering.close()
                await watching.close()
            await asyncio.sleep(_RETRY)

    async def _work(self, answering: KeyClient, watching: KeyClient) -> None:
        context = self._context
        every = float(context.settings.reconcile_every)
        warden = Warden(watching, context.admission, context.journal, every)
        closed = asyncio.Event()

        async def hung_up() -> None:
            closed.set()

        async def returned() -> None:
            warden.alert()

        callbacks = Callbacks(self._complain, returned, hung_up)
        await answering.open(context.settings.url, "keystead callout", callbacks)
        await self._callout.listen(answering)
        await watching.open(context.settings.url, "keystead warden", callbacks)
        await answering.flush()
        self.ready.set()
        news = follow_revocations(context.store, context.settings.realm, warden.alert)
        tasks = [asyncio.create_task(work) for work in (news, warden.run(), closed.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                await end_task(task)
        for task in tasks:
            failure = None if task.cancelled() else task.exception()
            if isinstance(failure, Exception):
                await self._complain(failure)

    async def _complain(self, error: Exception) -> None:
        """Say that the server cannot be reached, once in a while: `nats-py` reports every attempt."""
        now = time.monotonic()
        if now - self._complained_at >= _COMPLAIN_EVERY:
            self._complained_at = now
            facts = {"url": self._context.settings.url, "detail": f"{type(error).__name__}: {error}"}
            self._context.journal.record(Decision("bus.connection", False, "bus.unreachable", facts=facts))
