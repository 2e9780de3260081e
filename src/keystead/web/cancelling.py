"""Cancelling: the one thing a person may write into a pending request before they are anybody.

Does not: bound what people do who are signed in.
"""

from __future__ import annotations

from typing import Final

from keystead.core.http import Request
from keystead.core.records.interaction import Interaction
from keystead.oauth.caller_allowance import CallerAllowance
from keystead.oauth.context import ServerContext
from keystead.web.returning import mark

WAIT: Final = 60
_anonymous: Final = CallerAllowance(per_minute=3_000, per_network=60)


async def cancel(request: Request, interaction: Interaction, cx: ServerContext, *, anonymous: bool) -> bool:
    """Write down that the person wants none of it. False: too many from this network did within the minute."""
    if anonymous and not _anonymous.take(request, cx.sealer):
        return False
    await mark(cx, interaction, request.now, denied=True)
    return True
