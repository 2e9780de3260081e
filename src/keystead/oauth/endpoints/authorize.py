"""The authorization endpoint."""

from __future__ import annotations

from typing import Any, ClassVar, Final
from urllib.parse import urlencode

from keystead.core.assurance import ACR_VALUES
from keystead.core.decisions import Check
from keystead.core.errors import InvalidRequest, OAuthError
from keystead.core.forms import Parameters, parse_parameters, read_body, read_form
from keystead.core.http import Reply, Request
from keystead.core.pages import Problem
from keystead.core.redirects import see_other
from keystead.core.spec import OIDC_CORE, RFC6749, RFC7636, RFC8707, RFC9207, Section
from keystead.oauth import authorize_journal as journal
from keystead.oauth.asked import Asked
from keystead.oauth.authorize import dispatch, refuse
from keystead.oauth.checks.draft import AuthorizationForm, Draft, Facts
from keystead.oauth.checks.interaction import PROMPT_VALUES
from keystead.oauth.checks.matrix import AUTHORIZE, examine
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.response_modes import RESPONSE_MODES
from keystead.oauth.situation import gather, place_of, read_browser

_LONGEST_QUERY: Final = 6_000
"""A POST that fits a URL of this length is turned into a GET, so that the browser shows its cookies."""


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
            "prompt_values_supported": list(PROMPT_VALUES),
            "acr_values_supported": list(ACR_VALUES),
            "authorization_response_iss_parameter_supported": True,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
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
        place = place_of(request, cx)
        situation = await cx.store.read(gather(place, form.client_id, browser.session_digest, request.now))
        keys = await cx.keys.key_set(request.realm, request.now) if form.id_token_hint else None
        facts = Facts(situation.realm, place.issuer, request.now, situation.client, situation.scope_map, keys)
        draft = Draft(form, facts)
        checks, refusal = examine(draft, AUTHORIZE)
        if refusal is not None and refusal.here:
            return _show(request, refusal.error, checks, cx, draft)
        asked = Asked(
            request=request,
            interaction=draft.interaction("", ""),
            situation=situation,
            browser=browser,
            checks=checks,
        )
        if refusal is not None:
            return await refuse(asked, refusal.error, cx, attended=False)
        return await dispatch(asked, cx)


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
