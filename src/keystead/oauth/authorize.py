"""The browser dispatcher: one question, asked again after every step. What is still missing for this request?

    authorize ──checks──▶ dispatch ──nothing missing──▶ one write: code offered, consent remembered ──303──▶ client
                             │  ▲
                     sign-in │  │ authorize/resume          pages never route to each other: each does its part,
                     consent ▼  │                           writes it down, and returns here
                             page

Flow: `oauth.endpoints.authorize` and `oauth.endpoints.authorize_resume` bring a validated request (an `Interaction`)
and a `Situation`; `dispatch` makes the reply.
Does not: check request parameters (`oauth.checks`), show pages (`web`) or check passwords (`identity`).
Spec: RFC 6749 section 4.1, OpenID Connect Core section 3.1.2, RFC 9207, RFC 9700 section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from keystead.core.cookies import cookie_name, set_cookie
from keystead.core.decisions import Check
from keystead.core.errors import OAuthError
from keystead.core.http import Headers, Reply, Request
from keystead.core.pages import Problem
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.grant import new_grant_id
from keystead.core.records.interaction import Interaction
from keystead.core.records.session import Session
from keystead.core.redirects import see_other
from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.oauth import authorize_journal as journal
from keystead.oauth.asked import Asked
from keystead.oauth.authorization_details import Details, is_within
from keystead.oauth.catalogue import outcomes
from keystead.oauth.challenge_memory import ChallengeMemory
from keystead.oauth.codes import offer_code
from keystead.oauth.context import ServerContext
from keystead.oauth.interactions import begin_interaction, end_interaction
from keystead.oauth.levels import reported, wanted_levels
from keystead.oauth.missing import Refused, Step, what_is_missing
from keystead.oauth.outcome import Outcome
from keystead.oauth.pushed_requests import spend
from keystead.oauth.response_modes import RESPONSE_MODES
from keystead.oauth.response_modes.mode import AuthorizationResponse
from keystead.oauth.session_state import session_state, state_cookie
from keystead.oauth.session_use import note_use
from keystead.oauth.situation import Person
from keystead.storage.ports import Write, get, put

BROWSER_PREFIX: Final = "ksb_"
LONGEST_CODE_LIFETIME: Final = 60
_REMEMBERED_DETAILS: Final = 32
_challenges: Final = ChallengeMemory()


async def dispatch(asked: Asked, cx: ServerContext) -> Reply:
    """Answer with the next thing this request needs: a page to visit, an error, or the code."""
    answer = what_is_missing(asked.interaction, asked.situation)
    if isinstance(answer, Refused):
        return await _refuse(asked, answer.error, cx)
    if answer.step is not None:
        return await _send_to(asked, answer.step, answer.checks, cx)
    return await _finish(asked, answer.checks, cx)


async def _send_to(asked: Asked, step: Step, checks: tuple[Check, ...], cx: ServerContext) -> Reply:
    """Send the browser to a page, having written the request down for it to come back to."""
    handle: str = asked.handle
    headers: Headers = ()
    if not handle:
        handle, headers = await _begin(asked, cx)
    journal.step_needed(asked, step, checks, cx)
    query = urlencode({"interaction": handle})
    return see_other(f"{cx.issuer(asked.request.realm)}/{step.value}?{query}", headers)


async def _begin(asked: Asked, cx: ServerContext) -> tuple[str, Headers]:
    """Begin an interaction, bound to this browser by a cookie."""
    digest = asked.browser.browser_digest
    headers: Headers = ()
    if not digest:
        cookie = BROWSER_PREFIX + new_handle()
        digest = handle_digest(cookie)
        headers = (set_cookie(cookie_name("browser", asked.request.realm, secure=cx.secure), cookie),)
    return await begin_interaction(asked.interaction, digest, cx, asked.request.now), headers


async def _refuse(asked: Asked, error: OAuthError, cx: ServerContext) -> Reply:
    """Send an error to the client, or show it here when the client may not be redirected to unattended."""
    outcome = outcomes().get(asked.interaction.outcome)
    if outcome is not None:
        await cx.store.write(lambda: _abandon(asked, error, outcome, cx))
        journal.refused(asked, error, cx)
        return outcome.refused(asked, error, cx)
    if asked.interaction.id or asked.interaction.pushed:
        await cx.store.write(lambda: _end(asked))
    return await refuse(asked, error, cx, attended=bool(asked.handle))


def _end(asked: Asked) -> Write[None]:
    """End the interaction, and the pushed request it came from: an error is an answer too."""
    interaction = asked.interaction
    yield from end_interaction(interaction, asked.request.now)
    yield from spend(interaction.realm, interaction.pushed, asked.request.now)


def _abandon(asked: Asked, error: OAuthError, outcome: Outcome, cx: ServerContext) -> Write[None]:
    """End the interaction, and tell whoever waits for it where the error means no."""
    yield from end_interaction(asked.interaction, asked.request.now)
    yield from outcome.abandon(asked, error, cx)


async def refuse(asked: Asked, error: OAuthError, cx: ServerContext, *, attended: bool) -> Reply:
    """Answer with an error once the redirect URI is proven.

    Nobody vouched for a client that registered itself, so it gets no redirect before a person has acted: the
    browser would otherwise be bounced, unseen, to wherever a stranger wants it.
    Spec: RFC 6749 section 4.1.2.1, RFC 9207 section 2, RFC 9700 section 4.11.2.
    """
    journal.refused(asked, error, cx)
    if asked.client.self_registered and not attended:
        return cx.pages.problem(
            Problem(
                realm=asked.request.realm,
                realm_name=asked.situation.realm.display_name,
                title="This application asked for something we cannot do",
                message=error.description,
                advice="Close this page. If it keeps happening, tell whoever runs the application.",
                code=error.code,
                reference=asked.request.trace.trace_id,
            )
        )
    return await respond(asked, (("error", error.code), ("error_description", error.description)), cx)


async def respond(asked: Asked, answer: Sequence[tuple[str, str]], cx: ServerContext) -> Reply:
    """Send an authorization response to the client, with its `state` and our `iss`.

    Spec: RFC 6749 section 4.1.2, RFC 9207 section 2.
    """
    interaction = asked.interaction
    state = () if interaction.state is None else (("state", interaction.state),)
    response = AuthorizationResponse(
        realm=interaction.realm,
        realm_name=asked.situation.realm.display_name,
        client=asked.client,
        redirect_uri=interaction.redirect_uri,
        parameters=(*answer, *state, ("iss", cx.issuer(interaction.realm))),
        now=asked.request.now,
        trace=asked.request.trace,
        after_form=bool(asked.handle) and _holds_form_action(asked.request),
    )
    return await RESPONSE_MODES[interaction.response_mode].reply(response, cx)


def _holds_form_action(request: Request) -> bool:
    """Return whether this is a browser of today, by the header that all of them send and no other program does."""
    return any(name == b"sec-fetch-mode" and value == b"navigate" for name, value in request.headers)


async def obtain_code(asked: Asked, checks: tuple[Check, ...], cx: ServerContext) -> str | None:
    """Offer a code outside of the browser: for a request of which nothing is missing. None: it was spent before."""
    person = asked.situation.person
    if person is None:
        raise RuntimeError("nothing is missing, but nobody is signed in")
    code = _authorization_code(asked, person)
    handle = await cx.store.write(lambda: _settle(asked, code, person.session, None, cx))
    if handle is not None:
        journal.code_offered(asked, code, checks, cx)
    return handle


async def _finish(asked: Asked, checks: tuple[Check, ...], cx: ServerContext) -> Reply:
    """Offer the code, in one write with everything that goes with it."""
    interaction, person = asked.interaction, asked.situation.person
    if person is None:
        raise RuntimeError("nothing is missing, but nobody is signed in")
    code = _authorization_code(asked, person)
    outcome = outcomes().get(interaction.outcome)
    handle = await cx.store.write(lambda: _settle(asked, code, person.session, outcome, cx))
    if handle is None:
        return finished_elsewhere(asked.request, cx)
    if outcome is not None:
        journal.decided(asked, code, checks, cx)
        return outcome.allowed(asked, cx)
    journal.code_offered(asked, code, checks, cx)
    if _challenges.is_reused(cx.issuer(interaction.realm), code.client_id, code.code_challenge, code.sid):
        journal.challenge_reused(asked, cx)
    return await _with_session_state(asked, person.session, handle, cx)


async def _with_session_state(asked: Asked, session: Session, code: str, cx: ServerContext) -> Reply:
    """Answer with the code, and for OpenID Connect with what tells the client when the sign-in changes."""
    interaction = asked.interaction
    state = ""
    if "openid" in interaction.scopes:
        state = session_state(interaction.client_id, interaction.redirect_uri, session, cx)
    if not state:
        return await respond(asked, (("code", code),), cx)
    reply = await respond(asked, (("code", code), ("session_state", state)), cx)
    return Reply(reply.status, (*reply.headers, *state_cookie(asked.request, session, cx)), reply.body)


def _authorization_code(asked: Asked, person: Person) -> AuthorizationCode:
    interaction, situation, now = asked.interaction, asked.situation, asked.request.now
    return AuthorizationCode(
        client_id=interaction.client_id,
        redirect_uri=interaction.redirect_uri,
        code_challenge=interaction.code_challenge,
        subject=person.account.id,
        grant_id=new_grant_id(),
        expires_at=EpochSeconds(now + min(situation.realm.code_lifetime, LONGEST_CODE_LIFETIME)),
        sid=person.session.id,
        scopes=situation.scope_map.allowed_by_roles(interaction.scopes, person.account.roles),
        resources=interaction.resources,
        nonce=interaction.nonce,
        acr=reported(wanted_levels(interaction), person.assurance.acr, situation.realm.acr_names),
        amr=person.assurance.amr,
        auth_time=person.assurance.auth_time,
        authority_epoch=person.account.authority_epoch,
        authorization_details=interaction.authorization_details,
        claims=interaction.claims,
        binding=interaction.binding,
    )


def _settle(
    asked: Asked, code: AuthorizationCode, session: Session, outcome: Outcome | None, cx: ServerContext
) -> Write[str | None]:
    """Spend the interaction, remember consent, note that the session was used, offer the code, or give the decision to
    the outcome that waits for it. None: spent before, or nobody waits any more."""
    interaction, now = asked.interaction, asked.request.now
    if not (yield from end_interaction(interaction, now)):
        return None
    if not (yield from spend(interaction.realm, interaction.pushed, now)):
        return None
    if interaction.consented_scopes is not None and interaction.consented_by == code.subject:
        yield from _remember_consent(code, interaction, now)
    yield from note_use(session, asked.client, now)
    if outcome is not None:
        return "" if (yield from outcome.keep(asked, code, cx)) else None
    return (yield from offer_code(interaction.realm, code))


def _remember_consent(code: AuthorizationCode, interaction: Interaction, now: EpochSeconds) -> Write[None]:
    id = consent_id(code.subject, code.client_id)
    before = yield from get(Consent, interaction.realm, id, now)
    consent = before or Consent(realm=interaction.realm, id=id, subject=code.subject, client_id=code.client_id)
    yield from put(
        msgspec.structs.replace(
            consent,
            scopes=_merged(consent.scopes, interaction.consented_scopes or ()),
            resources=_merged(consent.resources, interaction.resources),
            authorization_details=_merged_details(consent.authorization_details, interaction.consented_details),
            granted_at=now,
        ),
        now,
    )


def _merged(first: Iterable[str], second: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))


def _merged_details(before: Details, allowed: Details) -> Details:
    """Return what was allowed, the latest last, each once and not without end."""
    kept = [detail for detail in before if not any(is_within(detail, one) for one in allowed)]
    return (*kept, *allowed)[-_REMEMBERED_DETAILS:]


def finished_elsewhere(request: Request, cx: ServerContext) -> Reply:
    """Return the page for an interaction that is spent, expired, or was begun in another browser."""
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="This sign-in is over",
            message="It was finished already, took too long, or was begun in another browser.",
            advice="Go back to the application and start again from there.",
            code="interaction_expired",
            reference=request.trace.trace_id,
        )
    )
