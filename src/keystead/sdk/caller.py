"""Who called: what a verified token says about its bearer, in words a service can use."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.decisions import Check, Credential
from keystead.core.tokens import AccessClaims
from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds, Secret


class VerifiedCaller(msgspec.Struct, frozen=True, kw_only=True):
    """A caller whose token was checked in every respect that was asked for.

    `subject` is whose rights these are (a person `usr_...`, a workload, a client); identify people by `issuer` and
    `subject` together, never by a name or an address. `actors` are those who act for the subject, nearest first;
    `client_id` is whom the token was issued to. `acr`, `amr` and `auth_time` say how and when the person signed in.
    `token` is for exchanging onwards, never for sending to another audience. `claims` holds everything the token says.
    `next_nonce` goes into the reply's DPoP-Nonce header, where it is not empty.
    """

    issuer: str
    subject: str
    client_id: str
    audience: tuple[str, ...]
    scopes: frozenset[str]
    actors: tuple[str, ...]
    acr: str
    amr: tuple[str, ...]
    auth_time: EpochSeconds
    roles: tuple[str, ...]
    session: str
    grant: str
    token_id: str
    issued_at: EpochSeconds
    expires_at: EpochSeconds
    of_person: bool
    token: Secret
    trace: TraceContext
    claims: dict[str, Any]
    checks: tuple[Check, ...] = ()
    next_nonce: str = ""

    def credential(self) -> Credential:
        """Return what was shown, for a log line."""
        return Credential(
            kind="jwt_access_token",
            issuer=self.issuer,
            audience=self.audience,
            subject=self.subject,
            actors=self.actors,
            client_id=self.client_id,
            scope=tuple(sorted(self.scopes)),
            acr=self.acr,
            lifetime=self.expires_at - self.issued_at,
            expires_at=self.expires_at,
            token_id=self.token_id,
        )


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may not go on, with everything needed to answer it.

    Shape: HTTP `status`, the value of `WWW-Authenticate` (empty for 503), the registered `error` code (empty when no
    token was shown), a public `description`, a stable `reason` slug for logs, each check that ran, and `dpop_nonce`
    for the DPoP-Nonce header, where one is due.
    Spec: RFC 6750 section 3, RFC 9470 section 3.
    """

    reason: str
    status: int
    error: str = ""
    description: str = ""
    www_authenticate: str = ""
    checks: tuple[Check, ...] = ()
    credential: Credential | None = None
    dpop_nonce: str = ""


def caller_of(claims: AccessClaims, said: dict[str, Any], token: str, trace: TraceContext) -> VerifiedCaller:
    """Return the caller a checked token stands for."""
    return VerifiedCaller(
        issuer=claims.iss,
        subject=claims.sub,
        client_id=claims.client_id,
        audience=claims.audiences,
        scopes=frozenset(claims.scopes),
        actors=claims.actors,
        acr=claims.acr,
        amr=claims.amr,
        auth_time=claims.auth_time,
        roles=claims.roles,
        session=claims.sid,
        grant=claims.gid,
        token_id=claims.jti,
        issued_at=claims.iat,
        expires_at=claims.exp,
        of_person=claims.of_person,
        token=Secret(token),
        trace=trace,
        claims=said,
    )
