"""What a browser is given when somebody has signed in at it, by whichever page."""

from __future__ import annotations

from keystead.core.cookies import cookie_name, set_cookie
from keystead.core.http import Headers, Request
from keystead.identity.known_browsers import KNOWN_BROWSER_LIFETIME, know_browser
from keystead.identity.sessions import SignedIn
from keystead.oauth.context import ServerContext
from keystead.web.sign_in_page import Visit


def session_cookies(visit: Visit, signed_in: SignedIn, username: str) -> Headers:
    """Return the headers that give the browser its session, and the mark that it is known for this account."""
    return cookies_for(visit.request, visit.cx, signed_in, username)


def cookies_for(request: Request, cx: ServerContext, signed_in: SignedIn, username: str) -> Headers:
    """Do the same for any page."""
    realm = request.realm
    known = know_browser(cx.sealer, realm, username)
    return (
        set_cookie(cookie_name("session", realm, secure=cx.secure), signed_in.handle),
        set_cookie(cookie_name("known", realm, secure=cx.secure), known, KNOWN_BROWSER_LIFETIME),
    )
