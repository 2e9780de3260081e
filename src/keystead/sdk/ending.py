"""Ending tasks that may swallow a cancellation.

`nats-py` catches `CancelledError` in the middle of a flush and goes on; a task that is cancelled right there would
never end.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

_ASK_AGAIN_AFTER: Final = 0.2


async def end_task(task: asyncio.Task[Any] | None) -> None:
    """Cancel a task, again and again, until it has ended. What it raises is not raised here."""
    while task is not None and not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=_ASK_AGAIN_AFTER)
