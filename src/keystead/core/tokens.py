"""The claims of an access token, the same whether it travels as a JWT (RFC 9068) or sealed as an opaque handle.

Does not: sign, seal, verify or judge. `keystead.oauth.issue` makes them, `keystead.sdk` and
`keystead.oauth.access_tokens` read them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from keystead.core.values import EpochSeconds

ACCESS_TOKEN_TYPE: Final = "at+jwt"  # noqa: S105 - a media type
TRANSACTION_TYPE: Final = "txntoken+jwt"
PERSON_PREFIX: Final = "usr_"


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who acts for the subject, and for whom that one acts: nearest first.

    Spec: RFC 8693 section 4.1.
    """

    sub: str
    act: Actor | None = None

    def chain(self) -> Iterator[str]:
        """Yield the actors, nearest first."""
        actor: Actor | None = self
        while actor is not None:
            yield actor.sub
            actor = actor.act


class MayAct(msgspec.Struct, frozen=True):
    """The only party that may become the next actor.

    Spec: RFC 8693 section 4.4.
    """

    sub: str


class Confirmation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The key whoever presents the token must prove to hold: a JWK thumbprint, or a certificate's.

    Spec: RFC 9449 section 6.1 (`jkt`), RFC 8705 section 3.1 (`x5t#S256`), RFC 7800.
    """

    jkt: str = ""
    x5t_s256: str = msgspec.field(default="", name="x5t#S256")


class AccessClaims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an access token says. `sid` and `gid` name the session and the grant it stands and falls with.

    `sub` is an account's id for a person, a name for a workload, the `client_id` for a client. `aud` is a text, or
    a list only when there are several. `scope` is space-separated; `gid` and `roles` are ours.
    `status` points into a Token Status List, and `cnf` names the key of the only sender who may present the token.
    Spec: RFC 9068 section 2.2, RFC 8693 sections 4.1 and 4.4, RFC 9470 section 6, RFC 9396 section 9.1, RFC 9449
    section 6, RFC 8705 section 3.1.
    """

    iss: str
    sub: str
    aud: str | tuple[str, ...]
    client_id: str
    exp: EpochSeconds
    iat: EpochSeconds
    jti: str
    scope: str = ""
    sid: str = ""
    gid: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: EpochSeconds = EpochSeconds(0)
    roles: tuple[str, ...] = ()
    act: Actor | None = None
    may_act: MayAct | None = None
    cnf: Confirmation | None = None
    authorization_details: tuple[dict[str, Any], ...] = ()
    status: dict[str, Any] = {}

    @property
    def audiences(self) -> tuple[str, ...]:
        """Return `aud` as a tuple."""
        return (self.aud,) if isinstance(self.aud, str) else self.aud

    @property
    def scopes(self) -> tuple[str, ...]:
        """Return `scope` as a tuple."""
        return tuple(self.scope.split())

    @property
    def actors(self) -> tuple[str, ...]:
        """Return the actors, nearest first; empty when nobody acts for the subject."""
        return tuple(self.act.chain()) if self.act is not None else ()

    @property
    def of_person(self) -> bool:
        """Return whether the subject is a person."""
        return self.sub.startswith(PERSON_PREFIX)


def audience_claim(audiences: tuple[str, ...]) -> str | tuple[str, ...]:
    """Return the `aud` value: a text for one audience, a list for several."""
    return audiences[0] if len(audiences) == 1 else audiences
