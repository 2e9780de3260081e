"""Scopes in plain words, for the person who is asked to allow them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from keystead.core.records.api import Api

_IDENTITY: Final = {
    "openid": "Recognise you when you come back",
    "profile": "See your name",
    "email": "See your email address",
    "address": "See your postal address",
    "phone": "See your phone number",
    "offline_access": "Stay connected after you sign out",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing the client wants to be allowed: the scope and what it means."""

    scope: str
    words: str


@dataclass(frozen=True, slots=True)
class WishGroup:
    """What the client wants of one API; an empty audience stands for the person's own profile."""

    audience: str
    name: str
    wishes: tuple[Wish, ...]


def put_into_words(scopes: Sequence[str], apis: Iterable[Api]) -> tuple[WishGroup, ...]:
    """Return the scopes grouped by what they open, in words where the operator gave any, else by name."""
    identity = tuple(Wish(scope, _IDENTITY[scope]) for scope in scopes if scope in _IDENTITY)
    groups = [WishGroup("", "Your profile", identity)] if identity else []
    for api in apis:
        wishes = tuple(
            Wish(scope, api.scope_descriptions.get(scope) or scope)
            for scope in scopes
            if scope in api.scopes and scope not in _IDENTITY
        )
        if api.enabled and wishes:
            name = _host(api.id) if api.name in ("", api.id) else api.name
            groups.append(WishGroup(api.id, name, wishes))
    return tuple(groups)


def lifetime_in_words(seconds: int) -> str:
    """Return a duration as a person says it: the largest unit that fits, rounded up."""
    for unit, size in (("day", 86_400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            amount = -(-seconds // size)
            return f"{amount} {unit}{'s' * (amount != 1)}"
    return "a minute"


def _host(audience: str) -> str:
    return audience.partition("://")[2].partition("/")[0] or audience
