"""The names tuples are made of: `order:17`, `user:alice`, `user:*`, `group:staff#member`.

Identifiers are compared as they are: no case folding, no Unicode normalisation, so that `user:alice` and
`user:Alice` are two people, as are any two names that merely look alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.authz.errors import InvalidRelationship
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

WILDCARD: Final = "*"
MAX_USER: Final = 512
MAX_OBJECT: Final = 256

_canonical: Final = msgspec.json.Encoder(order="sorted")
_NAME: Final = r"[^:#@*\s\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_ID: Final = r"[^:#\s\x00-\x1f\x7f-\x9f\ud800-\udfff]"
_OBJECT: Final = re.compile(rf"({_NAME}{{1,254}}):((?!\*\Z){_ID}+)")
_USER: Final = re.compile(rf"({_NAME}{{1,254}}):(?:(\*)|((?!\*(?:#|\Z)){_ID}+)(?:#({_NAME}{{1,50}}))?)")
_RELATION: Final = re.compile(rf"{_NAME}{{1,50}}")


class Subject(msgspec.Struct, frozen=True):
    """Who a tuple or a question names: an object, everybody of a type (`id` is `*`), or a userset (`relation`)."""

    type: str
    id: str
    relation: str = ""

    @property
    def object(self) -> str:
        """The name without its relation."""
        return f"{self.type}:{self.id}"


def parse_object(text: str) -> tuple[str, str]:
    """Split `type:id`. Raises: InvalidRelationship."""
    match = _OBJECT.fullmatch(text) if _fits(text, MAX_OBJECT) else None
    if match is None:
        raise InvalidRelationship(f"{_shown(text)} is not an object: write `type:id`, without spaces, `#` or `*`")
    return match[1], match[2]


def object_name(type: str, id: str) -> str:
    """Put together `type:id`, and demand that it reads as exactly these two.

    For parts that come from outside: no id can name another type, a relation (`#`) or everybody (`*`).
    Raises: InvalidRelationship.
    """
    name = f"{type}:{id}"
    if parse_object(name) != (type, id):
        raise InvalidRelationship(f"{name[:MAX_OBJECT]!r} does not name an object of type {type[:MAX_OBJECT]!r}")
    return name


def parse_user(text: str) -> Subject:
    """Take apart `type:id`, `type:*` or `type:id#relation`. Raises: InvalidRelationship."""
    match = _USER.fullmatch(text) if _fits(text, MAX_USER) else None
    if match is None:
        raise InvalidRelationship(f"{_shown(text)} is not a user: write `user:alice`, `user:*` or `group:staff#member`")
    return Subject(match[1], match[2] or match[3], match[4] or "")


def parse_relation(text: str) -> str:
    """Return a relation name that is well formed. Raises: InvalidRelationship."""
    if _RELATION.fullmatch(text) is None:
        raise InvalidRelationship(f"{text[:60]!r} is not a relation name")
    return text


def relationship(
    text: str, *, condition: str = "", context: Mapping[str, object] | None = None, expires_at: int = 0
) -> Relationship:
    """Read a tuple written `object#relation@user`: `order:17#owner@user:alice`.

    It counts while `condition`, a condition of the model, holds; `context` are those of its parameters that the tuple
    brings along, and they win over what a question brings. From `expires_at` (seconds since 1970) on it counts no more.
    Raises: InvalidRelationship.
    """
    head, hash_mark, tail = text.partition("#")
    relation, at_mark, user = tail.partition("@")
    if not (hash_mark and at_mark):
        raise InvalidRelationship(f"{text[:MAX_USER]!r} is not a tuple: write `order:17#owner@user:alice`")
    parse_object(head)
    parse_user(user)
    if not isinstance(expires_at, int):
        raise InvalidRelationship("`expires_at` is whole seconds since 1970: write `int(time.time()) + 3600`")
    try:
        stored = context_text(context)
    except TypeError as error:
        raise InvalidRelationship(f"the context of {text[:MAX_USER]!r} cannot be JSON: {error}") from error
    return Relationship(head, parse_relation(relation), user, condition, stored, EpochSeconds(expires_at))


def context_text(context: Mapping[str, object] | None) -> str:
    """Write the context of a tuple as it is kept: JSON that is the same for the same values, empty for none.

    Raises: TypeError for what JSON cannot say.
    """
    return _canonical.encode(context).decode() if context else ""


def _fits(text: object, most: int) -> bool:
    return isinstance(text, str) and len(text) <= most


def _shown(text: object) -> str:
    return repr(text)[:MAX_USER]


def text_of(tuple: Relationship) -> str:
    """Write a tuple as `object#relation@user`."""
    return f"{tuple.object}#{tuple.relation}@{tuple.user}"
