"""The revocation feed as it travels: what one page of it says, and how it names things without naming them.

Flow: the issuer turns each revocation into an `Entry` -> a follower turns each token it is shown into `marks` -> a
token one of whose marks was revoked is dead.
Shape: a mark is the first 16 bytes of a SHA-256 over issuer, kind and id. Who has a token can recognise its end; who
has none learns how many things ended, and nothing else. So the feed needs no authentication.
Does not: sign. The feed is believed as the issuer's keys are: because of the TLS connection it came over.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Final

import msgspec

from keystead.core.jose import base64url
from keystead.core.records.revocation import Revocation
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds, Seconds

RELATION: Final = "urn:keystead:revocations"
"""The link relation by which the replies of both discovery locations announce the feed. Spec: RFC 8288."""
LONGEST_WAIT: Final = 20
LARGEST_PAGE: Final = 1_000
LEAST_MEMORY: Final = Seconds(3_600)
CLOCK_MARGIN: Final = 1
"""Seconds by which the clocks of two issuer nodes may differ."""

TOKEN, GRANT, SESSION, ACCOUNT, PARTY, KEY, ISSUER = "token", "grant", "session", "account", "party", "key", "issuer"
Cursor = Annotated[str, msgspec.Meta(pattern="^[0-9a-z.]{0,64}$")]
Memory = Annotated[Seconds, msgspec.Meta(ge=LEAST_MEMORY)]
_FOR_EVER: Final = {"token": TOKEN, "grant": GRANT, "key": KEY}
_UNTIL_RENEWED: Final = {
    "session": SESSION,
    "account": ACCOUNT,
    "client": PARTY,
    "workload": PARTY,
    "realm": ISSUER,
}


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One thing that ended: its mark, when, and which tokens that concerns.

    `before` is 0 where every token with the mark is dead, whenever it was issued; else those issued before it are.
    """

    mark: str
    at: EpochSeconds
    before: EpochSeconds = EpochSeconds(0)


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of the feed.

    `cursor` is to be sent with the next question; `more` says that there is more at once. Revocations are remembered
    for `memory` seconds: the feed cannot speak for a token of a longer life. Every token issued before `floor` is
    dead: so the issuer bounds what it has to remember.
    """

    iss: str
    cursor: Cursor
    more: bool
    memory: Memory
    floor: EpochSeconds
    revoked: tuple[Entry, ...]


def mark(issuer: str, kind: str, id: str) -> bytes:
    """Return the mark of one thing."""
    return hashlib.sha256(f"{issuer}\n{kind}\n{id}".encode("utf-8", "surrogatepass")).digest()[:16]


def entry_of(issuer: str, revocation: Revocation, at: EpochSeconds) -> Entry | None:
    """Return what the feed says of a revocation; None for news that end no token (a changed role of a workload)."""
    id = "" if revocation.kind == "realm" else revocation.id
    if revocation.kind in _FOR_EVER:
        return Entry(_text(mark(issuer, _FOR_EVER[revocation.kind], id)), at)
    if revocation.kind in _UNTIL_RENEWED:
        marked = mark(issuer, _UNTIL_RENEWED[revocation.kind], id)
        return Entry(_text(marked), at, EpochSeconds(at + 1 + CLOCK_MARGIN))
    return None


def marks_of(claims: AccessClaims, kid: str) -> tuple[bytes, ...]:
    """Return the marks of everything a token stands and falls with, the signing key `kid` included."""
    issuer = claims.iss
    parties = {claims.client_id, *claims.actors}
    things = [(TOKEN, claims.jti), (KEY, kid), (ISSUER, "")]
    if claims.gid:
        things.append((GRANT, claims.gid))
    if claims.sid:
        things.append((SESSION, claims.sid))
    if claims.of_person:
        things.append((ACCOUNT, claims.sub))
    else:
        parties.add(claims.sub)
    things += [(PARTY, party) for party in parties]
    return tuple(mark(issuer, kind, id) for kind, id in things)


def _text(marked: bytes) -> str:
    return base64url.encode(marked).decode("ascii")
