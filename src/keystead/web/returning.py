"""What every page of an interaction does alike: find it, write down what happened, go back to the dispatcher."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.http import Headers, Reply, Request
from keystead.core.records.interaction import Interaction
from keystead.core.redirects import see_other
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.interactions import change_interaction
from keystead.oauth.situation import Situation, gather, gather_again, place_of, read_browser


async def look_up(request: Request, handle: str, cx: ServerContext) -> Situation | None:
    """Return the situation of an interaction of this browser, or with an empty handle that of no interaction.

    None: the interaction is over, or belongs to another browser.
    """
    browser, place = read_browser(request, cx), place_of(request, cx)
    if not handle:
        return await cx.store.read(gather(place, "", browser.session_digest, request.now))
    return await cx.store.read(gather_again(place, handle, browser, request.now))


async def mark(cx: ServerContext, interaction: Interaction, now: EpochSeconds, **changes: Any) -> None:
    """Write down what the person did. When another tab was first, its word stands and the dispatcher asks again."""
    changed = msgspec.structs.replace(interaction, **changes)
    await cx.store.write(lambda: change_interaction(changed, now))


def come_back(request: Request, handle: str, cx: ServerContext, headers: Headers = ()) -> Reply:
    """Send the browser back to the dispatcher, or to the page that says who is signed in."""
    issuer = cx.issuer(request.realm)
    if not handle:
        return see_other(f"{issuer}/signed-in", headers)
    return see_other(f"{issuer}/authorize/resume?interaction={handle}", headers)
