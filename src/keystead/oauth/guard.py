"""What every posted form must show: that it comes from a page of ours, at the browser it was made for.

Three fences, each enough alone: the browser says the post is same-origin (Sec-Fetch-Site or Origin), the form carries
a value only our page knows, and that value belongs to a SameSite=Lax cookie of this browser.
Spec: RFC 9700 section 4.7 (CSRF), Fetch Metadata, OWASP ASVS 3.5.
"""

from __future__ import annotations

import hashlib
import hmac

from keystead.core.cookies import cookie_name, read_cookie
from keystead.core.decisions import Allowed, Denied
from keystead.core.http import Reply, Request
from keystead.core.pages import Problem
from keystead.oauth.context import ServerContext

_SAME_SITE = frozenset({b"same-origin", b"none"})


def came_from_here(request: Request, base_url: str) -> Allowed | Denied:
    """Return whether the browser says that this post came from our own origin.

    Our pages send no Referer, so browsers post them with `Origin: null`; then only Sec-Fetch-Site can speak for it.
    """
    try:
        site, origin = request.header(b"sec-fetch-site"), request.header(b"origin")
    except ValueError:
        return Denied("form.repeated_header", "Origin or Sec-Fetch-Site is repeated")
    if site is not None and site not in _SAME_SITE:
        return Denied("form.cross_site", "Sec-Fetch-Site says another site posted this form")
    if origin is not None and origin != _origin_of(base_url) and not (origin == b"null" and site is not None):
        return Denied("form.cross_origin", "Origin says another origin posted this form")
    return Allowed()


def refuse_foreign_post(request: Request, cx: ServerContext) -> Reply | None:
    """Return the refusal of a form that another site posted, or None."""
    verdict = came_from_here(request, cx.base_url)
    if isinstance(verdict, Allowed):
        return None
    return cx.pages.problem(
        Problem(
            realm=request.realm,
            title="This form came from another site",
            message="Your browser says that the form was sent by a page that is not ours, so nothing was done.",
            advice="Go back to the application and start again from there.",
            code=verdict.reason,
            status=403,
            reference=request.trace.trace_id,
        )
    )


def form_token(handle: str, purpose: str) -> str:
    """Return the value a form carries to prove which browser it was made for: a digest of that browser's cookie."""
    return hashlib.sha256(f"form:{purpose}:{handle}".encode()).hexdigest()


def is_form_token(token: str, handle: str, purpose: str) -> bool:
    """Return whether a form was made for the browser with this cookie. An absent cookie proves nothing."""
    return bool(handle) and hmac.compare_digest(token.encode(), form_token(handle, purpose).encode())


def browser_handle(request: Request, cx: ServerContext) -> str:
    """Return the browser's own cookie, empty when it has none yet."""
    return read_cookie(request.headers, cookie_name("browser", request.realm, secure=cx.secure))


def session_handle(request: Request, cx: ServerContext) -> str:
    """Return the session cookie, empty when there is none."""
    return read_cookie(request.headers, cookie_name("session", request.realm, secure=cx.secure))


def _origin_of(base_url: str) -> bytes:
    scheme, _, rest = base_url.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}".encode()
