"""What the authorization endpoint tells the journal: one line per turn of the dispatcher."""

from __future__ import annotations

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.errors import OAuthError
from keystead.core.http import Request
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.oauth.asked import Asked
from keystead.oauth.context import ServerContext
from keystead.oauth.missing import Step

ACTION = "authorize.request"


def unproven(request: Request, client_id: str, error: OAuthError, checks: tuple[Check, ...], cx: ServerContext) -> None:
    """Record a request that failed before its redirect URI was proven."""
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=False,
            reason=error.reason,
            trace=request.trace,
            realm=request.realm,
            client_id=client_id,
            checks=checks,
        )
    )


def refused(asked: Asked, error: OAuthError, cx: ServerContext) -> None:
    """Record a request that ends with an error."""
    cx.journal.record(_decision(asked, error.reason, asked.checks, cx))


def step_needed(asked: Asked, step: Step, checks: tuple[Check, ...], cx: ServerContext) -> None:
    """Record that a person has to do something first."""
    cx.journal.record(_decision(asked, f"authorize.{step.name.lower()}_needed", (*asked.checks, *checks), cx))


def code_offered(asked: Asked, code: AuthorizationCode, checks: tuple[Check, ...], cx: ServerContext) -> None:
    """Record that the client gets a code, and what the code is bound to."""
    issuer = cx.issuer(asked.request.realm)
    issued = Credential(
        "authorization_code",
        issuer,
        (issuer,),
        code.subject,
        client_id=code.client_id,
        scope=code.scopes,
        acr=code.acr,
        lifetime=code.expires_at - asked.request.now,
        expires_at=code.expires_at,
    )
    cx.journal.record(_decision(asked, "authorize.code_offered", (*asked.checks, *checks), cx, issued))


def decided(asked: Asked, code: AuthorizationCode, checks: tuple[Check, ...], cx: ServerContext) -> None:
    """Record that a person allowed what waits elsewhere: at a device, or on the back channel."""
    reason = f"authorize.{asked.interaction.outcome}_allowed"
    cx.journal.record(_decision(asked, reason, (*asked.checks, *checks), cx))


def challenge_reused(asked: Asked, cx: ServerContext) -> None:
    """Record that a client sent two sessions the same code_challenge: its PKCE protects nobody."""
    request = asked.request
    cx.journal.record(
        Decision(
            action="authorize.challenge_reused",
            allowed=True,
            reason="pkce.challenge_reused",
            trace=request.trace,
            realm=request.realm,
            client_id=asked.interaction.client_id,
            checks=(Check("fresh_code_challenge", False, "another session came with the same code_challenge before"),),
        )
    )


def _decision(
    asked: Asked, reason: str, checks: tuple[Check, ...], cx: ServerContext, issued: Credential | None = None
) -> Decision:
    request, interaction, person = asked.request, asked.interaction, asked.situation.person
    return Decision(
        action=ACTION,
        allowed=issued is not None,
        reason=reason,
        trace=request.trace,
        realm=request.realm,
        subject=person.account.id if person is not None else "",
        client_id=interaction.client_id,
        credential=_session_cookie(asked, cx),
        issued=issued,
        checks=checks,
        facts={"redirect_uri": interaction.redirect_uri, "scope": " ".join(interaction.scopes)},
    )


def _session_cookie(asked: Asked, cx: ServerContext) -> Credential | None:
    person = asked.situation.person
    if person is None:
        return None
    issuer = cx.issuer(asked.request.realm)
    return Credential(
        "session_cookie",
        issuer,
        (issuer,),
        person.account.id,
        acr=person.assurance.acr,
        expires_at=person.session.expires_at or 0,
        token_id=person.session.id,
    )
