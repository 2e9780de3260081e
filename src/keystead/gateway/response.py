"""An upstream's response head, made fit for the browser: nothing in it may speak for our origin.

Does not: touch the body.
Spec: RFC 9110 section 7.6 (what a proxy removes), RFC 9470 section 3 (the step-up challenge passes through).
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

from keystead.gateway.cookies import is_ours
from keystead.gateway.head import ResponseHead
from keystead.gateway.hygiene import (
    AUTHENTICATE,
    CACHE_CONTROL,
    CONNECTION,
    CONTENT_LENGTH,
    CONTENT_TYPE,
    DPOP_NONCE,
    LOCATION,
    SECURITY,
    SET_COOKIE,
    nominated,
)
from keystead.gateway.refusals import LOGIN_HEADER, LOGIN_PATH
from keystead.gateway.routes import Route

STATUS_LINES: Final = {s.value: b"HTTP/1.1 %d %b\r\n" % (s.value, s.phrase.encode()) for s in HTTPStatus}
NOSNIFF: Final = b"x-content-type-options: nosniff\r\ncross-origin-resource-policy: same-origin\r\n"
NO_STORE_LINE: Final = b"cache-control: no-store\r\n"
_PAGE_DEFAULTS: Final = {
    b"x-content-type-options": b"nosniff",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"referrer-policy": b"same-origin",
    b"content-security-policy": b"frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
}
_COLON: Final = b": "
_CRLF: Final = b"\r\n"
_ALWAYS: Final = (b"x-content-type-options", b"cross-origin-resource-policy")
_STEP_UP: Final = re.compile(rb'(?i)\berror="?insufficient_user_authentication\b')
_STEP_UP_PARAMETER: Final = re.compile(rb'(?i)\b(acr_values|max_age)=(?:"([^"\\]*)"|([^\s",]+))')


def render_response(head: ResponseHead, length: int, route: Route, lines: bytes) -> bytes:
    """Return the head to send to the browser. `lines` are finished ones of ours (framing, trace)."""
    seen, status = head.seen, head.status
    parts = [STATUS_LINES.get(status) or b"HTTP/1.1 %d Unassigned\r\n" % status]
    if CONNECTION in seen:
        _drop_nominated(head)
    parts += head.kept
    for kind, name, value in head.several:
        parts += _judged_line(kind, name, value, head, route)
    if SECURITY in seen or seen.get(CONTENT_TYPE, b"")[:9].lower() == b"text/html":
        parts.append(_security_lines(head))
    else:
        parts.append(NOSNIFF)
    if CACHE_CONTROL not in seen and not route.public:
        parts.append(NO_STORE_LINE)
    if length >= 0 and CONTENT_LENGTH in seen and status >= 200 and status != 204:
        parts += (b"content-length: ", seen[CONTENT_LENGTH].strip(), _CRLF)
    parts += (lines, _CRLF)
    return b"".join(parts)


def _judged_line(kind: int, name: bytes, value: bytes, head: ResponseHead, route: Route) -> tuple[bytes, ...]:
    """Return one line of those that are looked at: as it is, rewritten, or not at all."""
    if kind == DPOP_NONCE or (kind == SET_COOKIE and (not route.cookies or is_ours(value))):
        return ()
    if kind == LOCATION:
        value = rewrite_location(value, route)
    elif kind == AUTHENTICATE and head.status == 401 and _STEP_UP.search(value):
        return (LOGIN_HEADER, _COLON, step_up_url(value), _CRLF, name, _COLON, value, _CRLF)
    return (name, _COLON, value, _CRLF)


def render_interim(head: ResponseHead) -> bytes:
    """Return a 1xx head: its status and, for Early Hints, its links."""
    status_line = STATUS_LINES.get(head.status) or b"HTTP/1.1 %d Interim\r\n" % head.status
    kept = head.kept
    links = [b"".join(kept[i : i + 4]) for i in range(0, len(kept), 4) if kept[i].lower() == b"link"]
    return b"".join((status_line, *links, b"\r\n"))


def rewrite_location(value: bytes, route: Route) -> bytes:
    """Map a Location that points into this route's upstream to our own path; leave any other as it is."""
    scheme = "https" if route.origin.secure else "http"
    base = f"{scheme}://{route.origin.authority}"
    text = value.decode("latin-1")
    if not text.startswith(("/", "http:", "https:")):
        return value  # relative to the page, and so below our own path already
    try:
        parts = urlsplit(urljoin(f"{base}/", text))
    except ValueError:
        return value
    if f"{parts.scheme}://{parts.netloc}".lower() != base.lower():
        return value
    prefix, upstream_base = route.prefix.decode(), route.base.decode()
    if parts.path != upstream_base and not parts.path.startswith(f"{upstream_base}/"):
        return value if text.startswith("/") and not text.startswith("//") else b"/"
    # one slash at the front: `//host` would leave our origin
    local = "/" + (prefix + parts.path[len(upstream_base) :]).lstrip("/\\")
    query = f"?{parts.query}" if parts.query else ""
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{local}{query}{fragment}".encode("latin-1")


def step_up_url(challenge: bytes) -> bytes:
    """Return the sign-in URL that satisfies a step-up challenge."""
    wanted = [
        f"{match[1].decode().lower()}={quote((match[2] or match[3] or b'').decode('latin-1'), safe='')}"
        for match in _STEP_UP_PARAMETER.finditer(challenge)
    ]
    return "?".join(filter(None, (LOGIN_PATH, "&".join(wanted)))).encode()


def _security_lines(head: ResponseHead) -> bytes:
    present = {name.lower() for kind, name, _ in head.several if kind == SECURITY}
    is_page = head.seen.get(CONTENT_TYPE, b"").lower().startswith(b"text/html")
    wanted = _PAGE_DEFAULTS if is_page else _ALWAYS
    return b"".join(b"%b: %b\r\n" % (name, _PAGE_DEFAULTS[name]) for name in wanted if name not in present)


def _drop_nominated(head: ResponseHead) -> None:
    names = nominated(head.seen[CONNECTION])
    if names:
        kept = head.kept
        lines = [kept[i : i + 4] for i in range(0, len(kept), 4) if kept[i].lower() not in names]
        head.kept = [part for line in lines for part in line]
        head.several = [item for item in head.several if item[1].lower() not in names]
