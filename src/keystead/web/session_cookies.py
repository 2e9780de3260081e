"""What a browser is given when somebody has signed in at it, by whichever page."""

from __future__ import annotations

from keystead.core.cookies import cookie_name, set_cookie
from keystead.core.http import Headers
from keystead.identity.known_browsers import KNOWN_BROWSER_LIFETIME, know_browser
from keystead.identity.sessions import SignedIn
from keystead.web.sign_in_page import Visit


def session_cookies(visit: Visit, signed_in: SignedIn, username: str) -> Headers:
    """Return the headers that give the browser its session, and the mark that it is known for this account."""
    realm, cx = visit.request.realm, visit.cx
    known = know_browser(cx.sealer, realm, username)
    return (
        set_cookie(cookie_name("session", realm, secure=cx.secure), signed_in.handle),
        set_cookie(cookie_name("known", realm, secure=cx.secure), known, KNOWN_BROWSER_LIFETIME),
    )
