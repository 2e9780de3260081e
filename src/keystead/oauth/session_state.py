"""Session state: what lets a client's page notice, without asking us, that the sign-in here is not what it was.

Flow: every authorization response of OpenID Connect carries `session_state`, a digest over the client, its origin and
the browser state -> the browser state lives in a cookie that the check-session page may read -> that page makes the
digest again whenever the client's page asks, and says whether it is the same.
The browser state is made from the session by our key, so it tells nothing and opens nothing.
Spec: OpenID Connect Session Management 1.0 sections 2, 3.1 and 3.2.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Final
from urllib.parse import urlsplit

from keystead.core.cookies import cookie_name, read_cookie
from keystead.core.http import Headers, Request
from keystead.core.records.session import Session
from keystead.oauth.context import ServerContext

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_PURPOSE: Final = "state"


def state_cookie_name(realm: str, *, secure: bool) -> str:
    """Return the name of the cookie that holds the browser state."""
    return cookie_name(_PURPOSE, realm, secure=secure)


def browser_state(session: Session, cx: ServerContext) -> str:
    """Return the browser state of a session."""
    mac = cx.sealer.mac(session.realm, "browser_state", session.id.encode())
    return urlsafe_b64encode(mac).rstrip(b"=").decode()


def session_state(client_id: str, redirect_uri: str, session: Session, cx: ServerContext) -> str:
    """Return the `session_state` of an answer, or an empty text where the client has no page that could ask."""
    origin = origin_of(redirect_uri)
    if not origin:
        return ""
    salt = secrets.token_urlsafe(12)
    return f"{_digest(client_id, origin, browser_state(session, cx), salt)}.{salt}"


def state_cookie(request: Request, session: Session, cx: ServerContext) -> Headers:
    """Return the header that sets the browser state, unless the browser has it already.

    Pages of other sites ask for it in a frame, so over https it is `SameSite=None`; script must read it, so it is not
    HttpOnly.
    """
    name, state = state_cookie_name(request.realm, secure=cx.secure), browser_state(session, cx)
    return () if read_cookie(request.headers, name) == state else (_set(name, state, cx),)


def forget_state_cookie(realm: str, cx: ServerContext) -> tuple[bytes, bytes]:
    """Return the header that makes the browser forget the state: signed out."""
    name, value = _set(state_cookie_name(realm, secure=cx.secure), "", cx)
    return name, value + b"; Max-Age=0"


def origin_of(redirect_uri: str) -> str:
    """Return the origin of a web address as browsers write it; empty for an app's own scheme."""
    parts = urlsplit(redirect_uri)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _digest(client_id: str, origin: str, state: str, salt: str) -> str:
    return hashlib.sha256(f"{client_id} {origin} {state} {salt}".encode()).hexdigest()


def _set(name: str, value: str, cx: ServerContext) -> tuple[bytes, bytes]:
    site = "SameSite=None; Secure" if cx.secure else "SameSite=Lax"
    return b"set-cookie", f"{name}={value}; Path=/; {site}".encode("ascii")
