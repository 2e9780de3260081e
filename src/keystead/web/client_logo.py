"""The picture of an application, fetched once by us and served from our own address.

Does not: let the browser fetch it, which would tell the application who is about to sign in, and from where; or serve
anything but a bitmap that is what it says (an SVG can carry script).
Spec: OpenID Connect Dynamic Client Registration section 2 (`logo_uri`), CSP level 3.
"""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.errors import InvalidRequest
from keystead.core.forms import parse_parameters
from keystead.core.http import Headers, Reply, Request
from keystead.core.protocols import OutboundRefused
from keystead.core.records.client import Client
from keystead.core.spec import OIDC_REGISTRATION, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.fetch_allowance import FetchAllowance
from keystead.storage.ports import get

_LARGEST: Final = 262_144
_KEPT: Final = 64
_FRESH: Final = 3600
_AGAIN: Final = 60
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", b"image/png"),
    (b"\xff\xd8\xff", b"image/jpeg"),
    (b"GIF87a", b"image/gif"),
    (b"GIF89a", b"image/gif"),
)
_HEADERS: Final[Headers] = (
    (b"cache-control", b"private, max-age=3600"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_allowance: Final = FetchAllowance(per_minute=240, per_host=30, at_once=4)
_NONE: Final = Reply(404, ((b"cache-control", b"private, max-age=60"), (b"x-content-type-options", b"nosniff")))


class ClientLogoEndpoint(EndpointPlugin):
    """Serves the logo of a client, at `client-logo?client_id=...`; 404 where there is none that can be shown."""

    path: ClassVar[str] = "client-logo"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    specs: ClassVar[tuple[Section, ...]] = (OIDC_REGISTRATION["2"],)

    def __init__(self) -> None:
        self._kept: dict[str, tuple[EpochSeconds, Reply]] = {}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with the picture."""
        try:
            named = parse_parameters(request.query).get("client_id", "")
        except InvalidRequest:
            return _NONE
        client = await cx.store.read(get(Client, request.realm, str(named), request.now))
        if client is None or not client.enabled or not client.logo_uri:
            return _NONE
        return await self._picture(client.logo_uri, request.now, cx)

    async def _picture(self, address: str, now: EpochSeconds, cx: ServerContext) -> Reply:
        """Return what is kept; fetch anew at most once a minute, whoever asks."""
        until, reply = self._kept.get(address, (EpochSeconds(0), _NONE))
        if now < until:
            return reply
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        self._kept[address] = EpochSeconds(now + _AGAIN), reply
        fetched = await _fetch(address, now, cx)
        if fetched is None:
            return reply
        self._kept[address] = EpochSeconds(now + _FRESH), fetched
        return fetched


async def _fetch(address: str, now: EpochSeconds, cx: ServerContext) -> Reply | None:
    try:
        with _allowance.one(address, cx.outbound, now):
            fetched = await cx.outbound.get(
                address, maximum=_LARGEST, accept="image/png, image/jpeg, image/gif, image/webp"
            )
    except OutboundRefused:
        return None
    kind = _kind(fetched.body)
    if fetched.status != 200 or not kind:
        return None
    return Reply(200, ((b"content-type", kind), *_HEADERS), fetched.body)


def _kind(picture: bytes) -> bytes:
    """Return the media type a picture's first octets say, empty when it is none we show."""
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return b"image/webp"
    return next((kind for signature, kind in _SIGNATURES if picture.startswith(signature)), b"")
