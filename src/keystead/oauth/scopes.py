"""Scopes and resources: which API owns which scope, what of an authority may be given, and for whom.

Flow: `ScopeMap` is built from a realm's enabled APIs (and kept while they do not change); `clamp` turns what was
proved, what is asked and what the person's roles allow into scopes and audiences.
Does not: read the store. Everything here is a function of its arguments.
Spec: RFC 6749 section 3.3, RFC 8707 section 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Final

import msgspec

from keystead.core.errors import InvalidScope, InvalidTarget
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.values import Seconds
from keystead.oauth.authorization_api import AUTHZ_SCOPES, api_behind, authorization_api

IDENTITY_SCOPES: Final = ("openid", "profile", "email", "address", "phone", "offline_access")
"""Scopes every realm has. They belong to the issuer itself, whose userinfo endpoint is what they open."""

SSF_READ: Final = "ssf.read"
SSF_MANAGE: Final = "ssf.manage"
GLOBAL_REVOCATION_SCOPE: Final = "global_token_revocation"
SERVICE_SCOPES: Final = (SSF_READ, SSF_MANAGE, GLOBAL_REVOCATION_SCOPE)
"""Scopes of the issuer's own endpoints for services. An operator gives them to a client by its `scope`."""

_RESERVED: Final = frozenset((*IDENTITY_SCOPES, *SERVICE_SCOPES, *AUTHZ_SCOPES))
_SCOPE_LIST: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*", re.ASCII)


def split_scope(scope: str) -> tuple[str, ...]:
    """Return the scopes of a space-separated list, in order, each once.

    Spec: RFC 6749 section 3.3. Raises: InvalidScope when it is not such a list.
    """
    if not scope:
        return ()
    if not _SCOPE_LIST.fullmatch(scope):
        raise InvalidScope("scope must be names separated by single spaces", reason="scope.malformed")
    return tuple(dict.fromkeys(scope.split(" ")))


class ScopeMap:
    """Which audience owns which scope, in one realm. The issuer is an audience and owns the identity scopes.

    So is the server's authorization API, which is there without being written down.
    """

    __slots__ = ("_onward", "apis", "issuer", "owners")

    def __init__(self, issuer: str, apis: Iterable[Api]) -> None:
        self.issuer = issuer
        own = authorization_api(issuer)
        self.apis = {api.id: api for api in apis if api.enabled} | ({own.id: own} if own is not None else {})
        self._onward: dict[tuple[str, int], frozenset[str]] = {}
        self.owners: dict[str, tuple[str, ...]] = dict.fromkeys((*IDENTITY_SCOPES, *SERVICE_SCOPES), (issuer,))
        for api in self.apis.values():
            for scope in api.scopes:
                if scope not in _RESERVED or api is own:
                    self.owners[scope] = (*self.owners.get(scope, ()), api.id)

    def knows(self, audience: str) -> bool:
        """Return whether the audience is an enabled API or the issuer."""
        return audience == self.issuer or api_behind(audience) in self.apis

    def owned(self, scopes: Iterable[str], audiences: Collection[str]) -> tuple[str, ...]:
        """Return those scopes that one of the audiences owns."""
        among = {api_behind(audience) for audience in audiences}
        return tuple(scope for scope in scopes if not among.isdisjoint(self.owners.get(scope, ())))

    def audiences_of(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Return the owners of the scopes, each once, APIs before the issuer."""
        owners = dict.fromkeys(owner for scope in scopes for owner in self.owners.get(scope, ()))
        apis = tuple(owner for owner in owners if owner != self.issuer)
        return (*apis, self.issuer) if self.issuer in owners else apis

    def allowed_by_roles(self, scopes: Iterable[str], roles: Collection[str]) -> tuple[str, ...]:
        """Return those scopes that no owner reserves for roles the person does not have."""
        return tuple(scope for scope in scopes if self._role_allows(scope, roles))

    def longest_lifetime(self, realm: Realm) -> Seconds:
        """Return how long an access token of this realm can live at most."""
        return Seconds(max(realm.access_token_lifetime, *(api.access_token_lifetime for api in self.apis.values()), 0))

    def onward(self, audience: str, depth: int) -> frozenset[str]:
        """Return the scopes that can be of use behind an audience: its own, and of every API its service may reach
        by exchange, up to `depth` hops on."""
        known = self._onward.get((audience, depth))
        if known is None:
            known = self._onward[audience, depth] = self._walk(audience, depth)
        return known

    def _walk(self, audience: str, depth: int) -> frozenset[str]:
        scopes: set[str] = set()
        seen: set[str] = set()
        level = [audience]
        while level and depth >= 0:
            seen.update(level)
            reached = [self.apis[one] for one in level if one in self.apis]
            scopes.update(scope for api in reached for scope in api.scopes)
            services = {api.served_by for api in reached if api.served_by}
            level = [
                api.id for api in self.apis.values() if api.id not in seen and services & set(api.exchange.sources)
            ]
            depth -= 1
        return frozenset(scopes)

    def _role_allows(self, scope: str, roles: Collection[str]) -> bool:
        for owner in self.owners.get(scope, ()):
            api = self.apis.get(owner)
            needed = api.scope_roles.get(scope) if api is not None else None
            if needed and not set(needed) & set(roles):
                return False
        return True


class Ask(msgspec.Struct, frozen=True):
    """What a request asks for. No scopes: all that may be given. No resources: whatever owns the scopes."""

    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()


class Bounds(msgspec.Struct, frozen=True):
    """How far an authority goes: these scopes at most, and (unless empty) only for these resources.

    `bare` are audiences that may be named even when no scope is given for them. `target` is the one audience that a
    policy decided on; the scopes are then bounded by that policy and may be of use behind the audience.
    """

    scopes: tuple[str, ...]
    resources: tuple[str, ...] = ()
    bare: tuple[str, ...] = ()
    target: str = ""


class Given(msgspec.Struct, frozen=True):
    """What it gets: these scopes, for these audiences."""

    scopes: tuple[str, ...]
    audiences: tuple[str, ...]


def clamp(ask: Ask, bounds: Bounds, scope_map: ScopeMap) -> Given:
    """Return what is given: never a scope and never an audience beyond the bounds.

    A resource that is asked for must be good; one that was granted once and is gone since, or for which nothing is
    left, drops out as long as another remains.
    Raises: InvalidScope, InvalidTarget.
    """
    require_within(ask.scopes, bounds.scopes)
    wanted = ask.scopes or bounds.scopes
    if bounds.target:
        return Given(wanted, (bounds.target,))
    named = tuple(dict.fromkeys(ask.resources))
    if not named and not bounds.resources:
        scopes = tuple(scope for scope in wanted if scope in scope_map.owners)
        return Given(scopes, scope_map.audiences_of(scopes) or (scope_map.issuer,))
    for resource in named:
        _require_granted(resource, bounds, scope_map)
    useful = tuple(one for one in named or bounds.resources if one in bounds.bare or scope_map.owned(wanted, (one,)))
    if not useful or (named and useful != named):
        raise InvalidTarget("none of the scopes belongs to the resource", reason="resource.without_scope")
    scopes = scope_map.owned(wanted, useful)
    foreign = set(ask.scopes) - set(scopes) - set(IDENTITY_SCOPES)
    if foreign:
        raise InvalidScope(f"no named resource owns {_listed(foreign)}", reason="scope.of_other_resource")
    return Given(scopes, useful)


def _require_granted(resource: str, bounds: Bounds, scope_map: ScopeMap) -> None:
    require_known(resource, scope_map)
    if bounds.resources and resource not in bounds.resources:
        raise InvalidTarget("the resource was not part of the authorization", reason="resource.not_granted")


def require_known(resource: str, scope_map: ScopeMap) -> None:
    """Demand that the resource is an API of this realm. Raises: InvalidTarget."""
    if not scope_map.knows(resource):
        raise InvalidTarget(
            "the resource is unknown: it must be the audience of an API of this realm", reason="resource.unknown"
        )


def require_within(scopes: Collection[str], ceiling: Collection[str]) -> None:
    """Demand that nothing beyond the ceiling is asked for. Raises: InvalidScope."""
    beyond = set(scopes) - set(ceiling)
    if beyond:
        raise InvalidScope(f"{_listed(beyond)} may not be granted here", reason="scope.beyond_ceiling")


def require_one_api(given: Given, scope_map: ScopeMap) -> None:
    """Demand a single API, as a JWT is for one. Raises: InvalidTarget."""
    if sum(audience != scope_map.issuer for audience in given.audiences) > 1:
        raise InvalidTarget(
            "the scopes belong to several APIs, and a JWT access token is for one: name one resource",
            reason="resource.ambiguous",
        )


def _listed(scopes: Iterable[str]) -> str:
    return ", ".join(sorted(scopes)[:5])[:200]
