"""The judgement on every request: the checks, in one order, each saying why; and what a request must carry onwards.

Order: framing -> target -> host -> our own paths -> route -> method -> where the call comes from -> session -> token.
A public route skips the last three, and is scrubbed like any other. What `judge` admits is exactly what is sent on.
Does not: wait. What has to be fetched (a session, a token) is fetched by `door` and the request judged again.
Spec: draft-ietf-oauth-browser-based-apps section 6.1.3.3.2 (a header as CSRF defence), Fetch Metadata.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from urllib.parse import quote

import msgspec

from keystead.core.decisions import Check
from keystead.gateway.cookies import SESSION_COOKIE, find_handle
from keystead.gateway.head import HTTP_10, HTTP_11, BadFraming, HeaderBlock, RequestHead
from keystead.gateway.hygiene import (
    ACCEPT,
    CONTENT_LENGTH,
    COOKIE,
    CSRF,
    FETCH_MODE,
    FETCH_SITE,
    HOST,
    ORIGIN,
    TRANSFER_ENCODING,
    UPGRADE,
)
from keystead.gateway.refusals import LOGIN_PATH, Refusal, refuse
from keystead.gateway.routes import RESERVED, AmbiguousRoute, Route, RouteTable
from keystead.gateway.target import judge_path, judge_query

_BFF: Final = RESERVED.encode()
_BELOW_BFF: Final = _BFF + b"/"
_VERSIONS: Final = frozenset({HTTP_11, HTTP_10})
_NAVIGATING: Final = frozenset({b"navigate", None})
_REMEMBERED: Final = 4_096
_LONGEST_REMEMBERED: Final = 512
_TRUSTED_SITES: Final = frozenset({b"same-origin", b"none"})
_READS: Final = frozenset({b"GET", b"HEAD"})
CHALLENGE: Final = (b"www-authenticate", b'Cookie-Session realm="keystead", login_url="/bff/login"')


class Asked(msgspec.Struct, frozen=True):
    """A request that is well formed and allowed to ask: what it wants, and the handle it brought, if any.

    `path` is the judged one, `query` empty or with its `?`; `route` is None for our own paths.
    """

    path: bytes
    query: bytes
    length: int
    route: Route | None
    upgrade: bool
    handle: str | None


class Caller(msgspec.Struct, frozen=True):
    """What a block of headers says of who calls, whatever it calls for. None of it is believed by itself.

    `refusal`: nobody is served with such headers; `foreign`: no call with a session is. `own_read`: the browser says
    that our own page, or its address bar, asks. `wants_page`: a person can follow a redirect.
    """

    refusal: Refusal | None
    foreign: Refusal | None
    handle: str | None
    csrf: bool
    own_read: bool
    wants_page: bool


class Admission:
    """The checks that need nothing but the request and the configuration."""

    def __init__(self, routes: RouteTable, *, public_url: str, maximum_target: int) -> None:
        self._routes = routes
        self._known_place = lru_cache(maxsize=_REMEMBERED)(self._judge_place)
        self._public_url = public_url
        self._origin = public_url.encode()
        scheme, _, authority = public_url.partition("://")
        port = {"http": ":80", "https": ":443"}[scheme]
        self._hosts = frozenset({authority.encode(), (authority.removesuffix(port) + port).encode()})
        if ":" in authority:
            self._hosts = frozenset({authority.encode()})
        self._maximum_target = maximum_target

    def judge(self, head: RequestHead) -> Asked | Refusal:
        """Say whether the request may ask, and what for."""
        caller = head.block.caller or self._meet(head.block)
        if caller.refusal is not None:
            return caller.refusal
        length = 0
        if TRANSFER_ENCODING in head.seen or CONTENT_LENGTH in head.seen:
            try:
                length = head.body_length()
            except BadFraming as problem:
                return refuse(400, str(problem), "The length of the request is not clear.", close=True)
        if head.version not in _VERSIONS:
            return refuse(505, "framing.version", "Speak HTTP/1.1.", close=True)
        if len(head.target) > self._maximum_target:
            return refuse(414, "limit.target", "The address is too long.", close=True)
        path, mark, query = head.target.partition(b"?")
        place = self._known_place(path) if len(path) <= _LONGEST_REMEMBERED else self._judge_place(path)
        if isinstance(place, Refusal):
            return place
        if mark and (reason := judge_query(query)):
            return refuse(400, f"target.{reason}", "The address could be read in more than one way.")
        upgrade = False
        if place is not None:
            upgrade = head.upgrade and head.seen.get(UPGRADE, b"").lower() == b"websocket"
            refusal = self._judge_route(head, place, length, upgrade=upgrade)
            if refusal is None and not place.public:
                refusal = self._judge_caller(head, place, caller, upgrade=upgrade)
            if refusal is not None:
                return refusal
        return Asked(path, mark + query, length, place, upgrade, caller.handle)

    def is_navigation(self, head: RequestHead) -> bool:
        """Tell whether a person's browser asks for a page, and so can follow a redirect to the sign-in."""
        return head.method in _READS and (head.block.caller or self._meet(head.block)).wants_page

    def unauthenticated(self, head: RequestHead, reason: str) -> Refusal:
        """Return what somebody without a session gets: scripts a 401 that says where to sign in, people the way."""
        if self.is_navigation(head):
            to = f"{LOGIN_PATH}?return_to={quote(head.target.decode('latin-1'), safe='/')}"
            if head.seen.get(FETCH_SITE) == b"cross-site" and SESSION_COOKIE + b"=" not in head.seen.get(COOKIE, b""):
                # A Strict cookie is not sent with a link from another site. Asked again from ours, it is.
                onward = head.target.decode("latin-1")
                return Refusal(200, "session.held_back", "", "", onward=onward)
            return Refusal(303, reason, "login_required", "Sign in first.", headers=((b"location", to.encode()),))
        return Refusal(
            401,
            reason,
            "login_required",
            "Sign in first: send the browser to login_url.",
            headers=(CHALLENGE,),
            login_url=LOGIN_PATH,
        )

    def require_own_origin(self, head: RequestHead) -> Refusal | None:
        """Refuse what the browser marks as coming from another site, whatever else it brings."""
        return self._foreign(head.seen)

    def require_csrf_header(self, head: RequestHead) -> Refusal | None:
        """Refuse a call without the header that only our own pages can send (others would need CORS, and get none)."""
        if head.seen.get(CSRF) != b"1":
            return refuse(403, "csrf.header_missing", "Send the header X-CSRF: 1 with every call.")
        return None

    def _meet(self, block: HeaderBlock) -> Caller:
        """Look at a block of headers once, and keep with it what it says."""
        seen = block.seen
        refusal = None
        if block.repeated:
            refusal = refuse(400, "header.repeated", "A header that must be single is repeated.", close=True)
        elif seen.get(HOST) not in self._hosts:
            refusal = refuse(400, "host.unknown", f"This gateway answers at {self._public_url} only.")
        block.caller = Caller(
            refusal=refusal,
            foreign=self._foreign(seen),
            handle=find_handle(seen[COOKIE], SESSION_COOKIE) if COOKIE in seen else None,
            csrf=seen.get(CSRF) == b"1",
            own_read=seen.get(FETCH_SITE) in _TRUSTED_SITES,
            wants_page=seen.get(FETCH_MODE) in _NAVIGATING and b"text/html" in seen.get(ACCEPT, b"").lower(),
        )
        return block.caller

    def _foreign(self, seen: dict[int, bytes]) -> Refusal | None:
        """Refuse what the browser marks as coming from another site, whatever else it brings."""
        if ORIGIN in seen and seen[ORIGIN] != self._origin:
            return refuse(403, "origin.foreign", "Calls from other origins are not served.")
        if FETCH_SITE in seen and seen[FETCH_SITE] not in _TRUSTED_SITES:
            return refuse(403, "origin.cross_site", "Calls from other sites are not served.")
        return None

    def _judge_place(self, path: bytes) -> Route | Refusal | None:
        """Say where a path leads: a route, nowhere, or (None) to our own endpoints."""
        reason = judge_path(path)
        if reason:
            return refuse(400, f"target.{reason}", "The address could be read in more than one way.")
        if path.startswith(_BELOW_BFF) or path == _BFF:
            return None
        route = self._routes.find(path)
        if isinstance(route, AmbiguousRoute):
            return refuse(400, "route.ambiguous", "Another letter case of this address leads elsewhere.")
        return route or refuse(404, "route.unknown", "There is nothing here.")

    def _judge_route(self, head: RequestHead, route: Route, length: int, *, upgrade: bool) -> Refusal | None:
        if head.method not in route.methods:
            return _refuse_method(route)
        if head.upgrade and length:
            return refuse(400, "framing.upgrade", "An Upgrade request cannot have a body.", close=True)
        if upgrade and not route.websocket:
            return refuse(400, "route.no_websocket", "This address does not speak WebSocket.")
        if length > route.maximum_body:
            return refuse(413, "limit.body", "The request body is too large.", close=True)
        return None

    def _judge_caller(self, head: RequestHead, route: Route, caller: Caller, *, upgrade: bool) -> Refusal | None:
        if upgrade:
            if head.seen.get(ORIGIN) != self._origin:
                return refuse(403, "origin.websocket", "WebSockets are opened from our own origin only.")
        elif caller.foreign is not None and (caller.handle is not None or not self.is_navigation(head)):
            return caller.foreign
        if caller.handle is None:
            return self.unauthenticated(head, "session.missing")
        if caller.csrf or upgrade or (route.same_origin_reads and caller.own_read and head.method in _READS):
            return None
        return self.require_csrf_header(head)


def passed_checks(route: Route, *, upgrade: bool) -> tuple[Check, ...]:
    """Return the checks an admitted request has passed, for the journal."""
    checks = [
        Check("framing", True, "one reading of where the request ends"),
        Check("path", True, "one reading of the path, forwarded byte for byte"),
        Check("host", True, "our own"),
        Check("route", True, f"on the allow-list as {route.prefix.decode() or '/'}"),
        Check("method", True, "allowed on this route"),
    ]
    if route.public:
        return (*checks, Check("session", True, "not needed: a public route carries no identity"))
    if upgrade:
        checks.append(Check("origin", True, "exactly our own (WebSocket)"))
    else:
        checks.append(Check("origin", True, "not from another site"))
        checks.append(Check("csrf", True, "X-CSRF header" if not route.same_origin_reads else "own page or header"))
    return (*checks, Check("session", True, "live"), Check("token", True, f"exchanged for {route.audience}"))


def _refuse_method(route: Route) -> Refusal:
    refusal = refuse(405, "method.not_allowed", "This address does not take this method.")
    return msgspec.structs.replace(refusal, headers=((b"allow", b", ".join(sorted(route.methods))),))
