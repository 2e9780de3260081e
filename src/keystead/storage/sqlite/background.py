"""The one thread of a store: does what may take long, and says on the event loop when it is done."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], None]
Then = Callable[[BaseException | None], None]


class Background:
    """Runs jobs one after another, off the event loop."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[tuple[Job, asyncio.AbstractEventLoop | None, Then] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Job, then: Then) -> None:
        """Run `job` on the thread, then call `then` on the calling loop with what the job raised, or None."""
        self._jobs.put((job, asyncio.get_running_loop(), then))

    def wait(self) -> None:
        """Block until everything asked for so far is done."""
        done = threading.Event()
        self._jobs.put((done.set, None, lambda error: None))
        done.wait()

    def close(self) -> None:
        """Let the thread finish and end. Blocks until it has."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (entry := self._jobs.get()) is not None:
            job, loop, then = entry
            error: BaseException | None = None
            try:
                job()
            except BaseException as raised:  # noqa: BLE001 - this thread must live; `then` hears of it
                error = raised
            if loop is not None:
                try:
                    loop.call_soon_threadsafe(then, error)
                except RuntimeError:
                    continue  # the loop is closed, and whoever waited is gone with it
