"""What the gateway itself answers: refusals, in a form that suits a script or a person, never with a secret.

Shape: scripts get `{"error", "error_description", "login_url"?}`; navigations get a small page.
"""

from __future__ import annotations

import html
from base64 import b64encode
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import msgspec

from keystead.core.http import JSON, NO_STORE, Headers, Reply

LOGIN_PATH: Final = "/bff/login"
LOGIN_HEADER: Final = b"x-keystead-login"
PAGE: Final = (b"content-type", b"text/html; charset=utf-8")
SECURITY_HEADERS: Final[Headers] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:34rem;margin:15vh auto;padding:0 1rem;color:#1b2330}"
    "h1{font-size:1.4rem}a{color:#1d4ed8}"
    "@media(prefers-color-scheme:dark){body{background:#10151d;color:#e6eaf0}a{color:#8ab4ff}}"
)
_STYLE_HASH: Final = b64encode(sha256(_STYLE.encode()).digest())
OWN_PAGE_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'sha256-%b'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    % _STYLE_HASH,
)


class Refusal(msgspec.Struct, frozen=True):
    """A request that goes no further. `reason` is for the journal, `error` and `description` for the caller.

    `onward`: where a small page of ours leads the browser, so that the request comes from our own site.
    `close`: the connection cannot be used again, because we do not know where the next request would begin.
    """

    status: int
    reason: str
    error: str
    description: str
    close: bool = False
    headers: Headers = ()
    login_url: str = ""
    onward: str = ""


def refuse(status: int, reason: str, description: str, *, close: bool = False) -> Refusal:
    """Return a refusal whose public error code is the name of its status."""
    return Refusal(status, reason, HTTPStatus(status).phrase.lower().replace(" ", "_"), description, close)


def render(refusal: Refusal, *, for_person: bool) -> Reply:
    """Return a refusal as a reply."""
    headers = (*refusal.headers, *NO_STORE, *SECURITY_HEADERS)
    if refusal.login_url:
        headers = ((LOGIN_HEADER, refusal.login_url.encode()), *headers)
    if refusal.onward:
        return onward_page(refusal.onward, headers)
    if for_person:
        title = HTTPStatus(refusal.status).phrase
        return Reply(refusal.status, (PAGE, OWN_PAGE_POLICY, *headers), page(title, html.escape(refusal.description)))
    body = {"error": refusal.error, "error_description": refusal.description}
    if refusal.login_url:
        body["login_url"] = refusal.login_url
    return Reply(refusal.status, (JSON, *headers), msgspec.json.encode(body))


def onward_page(to: str, headers: Headers = (*NO_STORE, *SECURITY_HEADERS)) -> Reply:
    """Return a page that goes on to a path of ours by itself: a navigation from our own site, with Strict cookies."""
    where = html.escape(to, quote=True)
    body = page("One moment", f'<a href="{where}">Go on</a>', f'<meta http-equiv="refresh" content="0;url={where}">')
    return Reply(200, (PAGE, OWN_PAGE_POLICY, *headers), body)


def page(title: str, body: str, head: str = "") -> bytes:
    """Return a small page. `body` and `head` are HTML already; `title` is text."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>{head}'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head>'
        f"<body><main><h1>{html.escape(title)}</h1><p>{body}</p></main></body></html>"
    ).encode()


def serialize(reply: Reply, *, keep_alive: bool, with_body: bool = True) -> bytes:
    """Return a reply as bytes on the wire."""
    lines = [b"HTTP/1.1 %d %b\r\n" % (reply.status, HTTPStatus(reply.status).phrase.encode())]
    lines += [b"%b: %b\r\n" % header for header in reply.headers]
    if not keep_alive:
        lines.append(b"connection: close\r\n")
    lines.append(b"content-length: %d\r\n\r\n" % len(reply.body))
    if with_body:
        lines.append(reply.body)
    return b"".join(lines)
