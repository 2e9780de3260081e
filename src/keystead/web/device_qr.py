"""The QR code of a device's link, as a picture."""

from __future__ import annotations

import io
from typing import ClassVar

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, parse_parameters, read_form
from keystead.core.http import Reply, Request
from keystead.core.spec import RFC8628, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.user_codes import read_user_code


class QrQuery(Form, frozen=True, kw_only=True):
    """The code to link to."""

    user_code: str


class DeviceQrEndpoint(EndpointPlugin):
    """Draws `verification_uri_complete` for a user code, for devices that can show a picture but not draw one.

    Shape: GET `user_code`; an SVG. Does not: say whether there is such a code; any well-formed one is drawn.
    Spec: RFC 8628 section 3.3.1.
    """

    path: ClassVar[str] = "device/qr"
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    specs: ClassVar[tuple[Section, ...]] = (RFC8628["3.3.1"],)

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Draw one."""
        query = read_form(parse_parameters(request.query), QrQuery)
        user_code = read_user_code(query.user_code)
        if not user_code:
            raise InvalidRequest("that is no user code", reason="device.malformed_code")
        return Reply(
            200,
            (
                (b"content-type", b"image/svg+xml"),
                (b"cache-control", b"no-store"),
                (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
                (b"x-content-type-options", b"nosniff"),
            ),
            draw(f"{cx.issuer(request.realm)}/device?user_code={user_code}"),
        )


def draw(text: str) -> bytes:
    """Return a QR code of a text as SVG, dark on white, with its quiet zone."""
    import segno  # only who shows a code needs it

    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="svg", scale=4, border=4, dark="#0a3023", light="#fff")
    return picture.getvalue()
