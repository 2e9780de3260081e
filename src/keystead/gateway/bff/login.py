"""GET /bff/login: send the browser to the issuer.

Shape: `?return_to=/path` (a path of ours, default `/`), `&acr_values=`, `&max_age=`, `&prompt=` for step-up and for
choosing another account; 303 to the authorization endpoint.
Spec: RFC 6749 section 4.1.1, RFC 7636 section 4.3, OpenID Connect Core section 3.1.2.1, RFC 9470 section 4.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final
from urllib.parse import urlencode

from keystead.core.decisions import Check, Decision
from keystead.core.http import NO_STORE, Reply
from keystead.core.jose import base64url
from keystead.core.values import handle_digest
from keystead.gateway.bff.call import BffContext, Call, malformed
from keystead.gateway.bff.local_path import is_local_path
from keystead.gateway.bff.transactions import begin_login
from keystead.gateway.cookies import find_login, login_cookie
from keystead.gateway.hygiene import COOKIE, FETCH_DEST, FETCH_MODE
from keystead.gateway.refusals import SECURITY_HEADERS, refuse

LIFETIME: Final = 600
ACTION: Final = "gateway.login"
_PASSED_ON: Final[tuple[str, ...]] = ("acr_values", "max_age", "prompt", "login_hint", "ui_locales")
_LONGEST: Final = 512


class LoginEndpoint:
    """Begins a sign-in."""

    path = "/bff/login"
    methods = frozenset({b"GET"})

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """Seal the sign-in for this browser, and send the browser off."""
        seen = call.head.seen
        if seen.get(FETCH_MODE, b"navigate") != b"navigate" or seen.get(FETCH_DEST, b"document") != b"document":
            return cx.refuse(call, refuse(403, "login.not_a_navigation", "Send the browser itself here."), ACTION)
        parameters = call.parameters()
        return_to = str(parameters.get("return_to", "/"))
        if not is_local_path(return_to):
            return cx.refuse(call, malformed("login.return_to", "return_to is a path of this site."), ACTION)
        wanted: dict[str, str] = {name: str(parameters[name]) for name in _PASSED_ON if name in parameters}
        if any(len(value) > _LONGEST for value in wanted.values()):
            return cx.refuse(call, malformed("login.too_long", "A parameter is too long."), ACTION)
        metadata = await cx.issuer.directory.metadata()
        browser, under_way = find_login(seen.get(COOKIE, b"")) or (secrets.token_urlsafe(32), 0)
        replaces = handle_digest(call.handle) if call.handle else ""
        begun = begin_login(cx, browser=browser, return_to=return_to, replaces=replaces)
        query: dict[str, str] = {
            "response_type": "code",
            "client_id": cx.client_id,
            "redirect_uri": cx.redirect_uri,
            "scope": cx.scope,
            "state": begun.state,
            "nonce": begun.secrets.nonce,
            "code_challenge": challenge(begun.secrets.code_verifier),
            "code_challenge_method": "S256",
            **wanted,
        }
        cx.journal.record(
            Decision(ACTION, True, "login.begun", call.trace, client_id=cx.client_id, checks=_CHECKS, facts={**wanted})
        )
        location = f"{metadata.authorization_endpoint}?{urlencode(query)}"
        headers = (
            (b"location", location.encode("ascii")),
            (b"set-cookie", login_cookie(browser, under_way + 1, LIFETIME)),
            *NO_STORE,
            *SECURITY_HEADERS,
        )
        return Reply(303, headers)


_CHECKS: Final = (
    Check("navigation", True, "the browser itself asks"),
    Check("return_to", True, "a path of this site"),
    Check("transaction", True, "state, nonce and code verifier tied to this browser"),
)


def challenge(verifier: str) -> str:
    """Return the S256 code challenge of a verifier. Spec: RFC 7636 section 4.2."""
    return base64url.encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode("ascii")
