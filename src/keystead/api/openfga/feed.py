"""GET /stores/{store}/feed: for who keeps a copy of some types' tuples; ours, not OpenFGA's.

Shape: `?types=group,tenant&cursor=&wait=5` -> `{"cursor", "revision", "reset", "more", "tuples", "changes"}`, see
`keystead.authz.shared.page`. Without news the answer waits for some, `wait` seconds at most.
"""

from __future__ import annotations

import asyncio
import time
from typing import Final

import msgspec

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.api.openfga.paging import continuation_token, invalid_token, position_of
from keystead.api.openfga.queries import Query, query_of
from keystead.api.openfga.service import Call
from keystead.authz.served.feed import Cursor
from keystead.core.http import Reply

_MESSAGE: Final = "ReadFeedRequest"
_LONGEST_WAIT: Final = 20
_LOOK_SECONDS: Final = 0.1
_MOST_TYPES: Final = 50
_read: Final = msgspec.json.Decoder(Cursor).decode


async def feed(call: Call) -> Reply:
    """Give what follows a cursor. Raises: ApiFault."""
    query = query_of(call.request, _MESSAGE)
    types = _types(query)
    cursor = _cursor(call, query.text("cursor"), types)
    until = time.monotonic() + _wait(query)
    while True:
        page, following = await call.stores.facts(call.realm, call.store, types, cursor)
        if page.reset or page.more or page.changes or time.monotonic() >= until:
            break
        await asyncio.sleep(_LOOK_SECONDS)
    token = continuation_token("feed", call.store, ",".join(types), msgspec.json.encode(following).decode())
    return call.reply(msgspec.structs.replace(page, cursor=token))


def _types(query: Query) -> tuple[str, ...]:
    types = tuple(sorted(set(query.text("types").split(","))))
    if len(types) > _MOST_TYPES:
        raise ApiFault(VALIDATION, f"types: no more than {_MOST_TYPES} can be followed at once")
    for type in types:
        rules.require(rules.CHANGES_TYPE, f"{_MESSAGE}.Types", type)
    return types


def _cursor(call: Call, token: str, types: tuple[str, ...]) -> Cursor | None:
    position = position_of(token, "feed", call.store, 2)
    if not position:
        return None
    of, cursor = position
    if of != ",".join(types):
        raise invalid_token()
    try:
        return _read(cursor)
    except msgspec.DecodeError:
        raise invalid_token() from None


def _wait(query: Query) -> float:
    text = query.text("wait") or "0"
    if not (text.isascii() and text.isdecimal() and len(text) < 4):
        raise ApiFault(VALIDATION, f"wait: {text[:20]!r} is no number of seconds")
    return min(int(text), _LONGEST_WAIT)
