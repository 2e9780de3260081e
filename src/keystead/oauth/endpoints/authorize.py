"""The authorization endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import msgspec

from keystead.core.assurance import acr_values_supported
from keystead.core.decisions import Check
from keystead.core.errors import InvalidRequest, OAuthError
from keystead.core.forms import Parameters, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.jose import jwe
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.key_set import KeySet
from keystead.core.pages import Problem
from keystead.core.records.realm import Realm
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, RFC6749, RFC7636, RFC8707, RFC9207, Section
from keystead.oauth import authorize_journal as journal
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import dispatch, refuse
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.interaction import prompt_values
from keystead.oauth.checks.matrix import AUTHORIZE, UNRESOLVED, examine
from keystead.oauth.client_authentication import URL_SCHEMES
from keystead.oauth.context import ServerContext
from keystead.oauth.decryption import opened_hint
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.registration.metadata_documents import welcome
from keystead.oauth.request_sources import Resolved, refers, resolve
from keystead.oauth.response_modes import RESPONSE_MODES
from keystead.oauth.situation import Browser, Situation, gather, place_of, read_browser

_LONGEST_QUERY: Final = 6_000
"""A POST that fits a URL of this length is turned into a GET, so that the browser shows its cookies."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to the endpoint, by which browser, and what stands."""

    request: Request
    browser: Browser
    situation: Situation


class AuthorizeEndpoint(EndpointPlugin):
    """Where clients send browsers: checks the request, then asks the dispatcher.

    Shape: GET with a query or POST with a form; 303 to a page of ours or to the client, or an error page (400).
    Does not: allow CORS, keep anything for a request that needs no page, or trust a redirect URI before it matched.
    Spec: RFC 6749 section 4.1.1, RFC 9700 section 2.1.
    """

    path: ClassVar[str] = "authorize"
    methods: ClassVar[frozenset[str]] = frozenset({"GET", "POST"})
    page: ClassVar[bool] = True
    specs: ClassVar[tuple[Section, ...]] = (
        RFC6749["3.1"],
        RFC6749["4.1.1"],
        RFC7636["4.3"],
        RFC8707["2"],
        RFC9207["2"],
        OIDC_CORE["3.1.2"],
    )
    fast: ClassVar[bool] = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return what a client must know to send a request that is accepted."""
        return {
            "authorization_endpoint": f"{issuer}/authorize",
            "response_types_supported": ["code"],
            "response_modes_supported": sorted(RESPONSE_MODES),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "claims_parameter_supported": True,
            "request_parameter_supported": True,
            "request_uri_parameter_supported": True,
            "require_request_uri_registration": True,
            "require_signed_request_object": False,
            "request_object_signing_alg_values_supported": sorted(ALGORITHMS),
            "request_object_encryption_enc_values_supported": list(jwe.CONTENT_ENCRYPTIONS),
            "authorization_encryption_alg_values_supported": list(jwe.ALL_KEY_ALGORITHMS),
            "authorization_encryption_enc_values_supported": list(jwe.CONTENT_ENCRYPTIONS),
        }

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return which levels and types of authorization details can be asked for, and what may encrypt a request."""
        ours = [name for name in jwe.KEY_ALGORITHMS if jwe.key_type_of(name) in realm.encryption_key_types]
        types = sorted(realm.authorization_details_types)
        return {
            "acr_values_supported": list(acr_values_supported(realm.acr_names)),
            "prompt_values_supported": list(prompt_values(realm)),
            "request_object_encryption_alg_values_supported": ours,
            **({"authorization_details_types_supported": types} if types else {}),
        }

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one authorization request."""
        try:
            parameters = read_body(request) if request.method == "POST" else parse_parameters(request.query)
            form = read_form(parameters, AuthorizationForm)
        except InvalidRequest as error:
            return _show(request, error, (), cx)
        browser = read_browser(request, cx)
        if request.method == "POST" and not browser.known and len(request.body) <= _LONGEST_QUERY:
            # A form posted from the client's site carries no SameSite=Lax cookie; the GET it becomes does.
            return see_other(f"{cx.issuer(request.realm)}/authorize?{_query(parameters)}")
        if form.client_id.startswith(URL_SCHEMES):
            await welcome(form.client_id, request, cx)
        situation = await cx.store.read(
            gather(place_of(request, cx), form.client_id, browser.session_digest, request.now)
        )
        visit = Visit(request, browser, situation)
        if not refers(form):
            return await _answer(visit, Resolved(form=form), cx)
        try:
            resolved = await _resolved(form, visit, cx)
        except OAuthError as error:
            return await _unresolved(visit, form, error, cx)
        return await _answer(visit, resolved, cx)


async def _resolved(form: AuthorizationForm, visit: Visit, cx: ServerContext) -> Resolved:
    client = visit.situation.client
    if client is None or not client.enabled:
        return Resolved(form=form)  # the checks say so, in the words they have for it
    return await resolve(form, client, visit.request, cx)


async def _answer(visit: Visit, resolved: Resolved, cx: ServerContext) -> Reply:
    """Check the request, wherever it stood, and ask the dispatcher."""
    request, form = visit.request, resolved.form
    keys = None
    if form.id_token_hint:
        keys = await cx.keys.key_set(request.realm, request.now)
        opened = await opened_hint(form.id_token_hint, request.realm, request.now, cx)
        resolved = msgspec.structs.replace(resolved, form=msgspec.structs.replace(form, id_token_hint=opened))
    draft = _draft(visit, resolved, keys, cx)
    checks, refusal = examine(draft, AUTHORIZE)
    if refusal is not None and refusal.here:
        return _show(request, refusal.error, checks, cx, draft)
    asked = _asked(visit, draft, checks)
    if refusal is not None:
        return await refuse(asked, refusal.error, cx, attended=False)
    return await dispatch(asked, cx)


async def _unresolved(visit: Visit, form: AuthorizationForm, error: OAuthError, cx: ServerContext) -> Reply:
    """Tell the client that what it refers to is no request, where the parameters beside it say safely where to.

    Spec: RFC 9101 section 7. Does not: use anything of an object that was not believed.
    """
    draft = _draft(visit, Resolved(form=form), None, cx)
    checks, refusal = examine(draft, UNRESOLVED)
    failed = (*checks, Check(error.reason, False, error.detail or error.description))
    if refusal is not None and refusal.here:
        return _show(visit.request, error, failed, cx, draft)
    return await refuse(_asked(visit, draft, failed), error, cx, attended=False)


def _asked(visit: Visit, draft: Draft, checks: tuple[Check, ...]) -> Asked:
    return Asked(
        request=visit.request,
        interaction=draft.interaction("", ""),
        situation=visit.situation,
        browser=visit.browser,
        checks=checks,
    )


def _draft(visit: Visit, resolved: Resolved, keys: KeySet | None, cx: ServerContext) -> Draft:
    situation, request = visit.situation, visit.request
    facts = Facts(
        situation.realm,
        cx.issuer(request.realm),
        request.now,
        situation.client,
        situation.scope_map,
        keys,
        pushed=resolved.pushed,
        signed=resolved.signed,
        binding=resolved.binding,
    )
    return Draft(resolved.form, facts)


def _query(parameters: Parameters) -> str:
    return urlencode(list(parameters.items()), doseq=True)


def _show(
    request: Request, error: OAuthError, checks: tuple[Check, ...], cx: ServerContext, draft: Draft | None = None
) -> Reply:
    """Return the error on a page of ours, with no way for the browser to be sent on."""
    journal.unproven(request, draft.form.client_id if draft else "", error, checks, cx)
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            realm_name=draft.facts.realm.display_name if draft else "",
            title="This sign-in link does not work",
            message=error.description,
            advice="Go back to the application and try again. If it keeps happening, tell whoever runs it.",
            code=error.code,
            reference=request.trace.trace_id,
        )
    )
