"""The realm a request is about, and its APIs: read on every request, rebuilt only when they change."""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.scopes import ScopeMap
from keystead.storage.ports import MAX_PAGE, Read, find, get

_KEPT: Final = 1024
_maps: dict[str, tuple[list[Api], ScopeMap]] = {}


class Landscape(msgspec.Struct, frozen=True):
    """A realm and the scopes of its APIs."""

    realm: Realm
    scope_map: ScopeMap


async def landscape(cx: ServerContext, realm: str, now: EpochSeconds) -> Landscape:
    """Look around in a realm."""
    return await cx.store.read(survey(realm, cx.issuer(realm), now))


def survey(realm: str, issuer: str, now: EpochSeconds) -> Read[Landscape]:
    """Look around in a realm, as a part of a transaction."""
    record = yield from get(Realm, realm, realm, now)
    if record is None:
        raise InvalidRequest("there is no such realm", reason="realm.unknown")
    apis = yield from _apis(realm, now)
    return Landscape(record, _scope_map(issuer, apis))


def _apis(realm: str, now: EpochSeconds) -> Read[list[Api]]:
    apis = yield from find(Api, realm, now)
    page = apis
    while len(page) == MAX_PAGE:
        page = yield from find(Api, realm, now, after=page[-1].id)
        apis = [*apis, *page]
    return apis


def _scope_map(issuer: str, apis: list[Api]) -> ScopeMap:
    """Return the map of exactly these records. Records are compared, not trusted to be the same."""
    kept = _maps.get(issuer)
    if kept is not None and kept[0] == apis:
        return kept[1]
    if len(_maps) >= _KEPT:
        _maps.clear()
    scope_map = ScopeMap(issuer, apis)
    _maps[issuer] = (apis, scope_map)
    return scope_map
