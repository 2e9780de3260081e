"""device: what was allowed in the browser goes to the device that polls for it."""

from __future__ import annotations

from keystead.core.errors import AccessDenied, InvalidScope, OAuthError
from keystead.core.http import Reply
from keystead.core.pages import Notice
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.spec import RFC8628
from keystead.oauth.asked import Asked
from keystead.oauth.awaited import decide, deny
from keystead.oauth.context import ServerContext
from keystead.oauth.grants.device_code import GRANT_TYPE
from keystead.oauth.outcome import Outcome
from keystead.storage.ports import Write


class DeviceOutcome(Outcome):
    """A device gets the decision. Whoever holds its code may say no, signed in or not.

    Spec: RFC 8628 section 3.3.
    """

    name = "device"
    grant_type = GRANT_TYPE
    specs = (RFC8628["3.3"],)

    def keep(self, asked: Asked, decided: AuthorizationCode, cx: ServerContext) -> Write[bool]:
        """Give the decision to the device."""
        reference, now = asked.interaction.reference, asked.request.now
        return (yield from decide(asked.interaction.realm, reference, decided, now)) is not None

    def abandon(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Write[None]:
        """Tell the device of a no; anything else can still be mended by signing in as somebody who may."""
        if isinstance(error, AccessDenied | InvalidScope):
            yield from deny(asked.interaction.realm, asked.interaction.reference, asked.request.now)

    def allowed(self, asked: Asked, cx: ServerContext) -> Reply:
        """Return the page that sends the person back to the device."""
        return cx.pages.notice(
            Notice(
                realm=asked.request.realm,
                realm_name=asked.situation.realm.display_name,
                title="Your device is connected",
                message=f"{_name(asked)} goes on by itself on your device. You can close this page.",
            )
        )

    def refused(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Reply:
        """Return the page after a no."""
        return cx.pages.notice(
            Notice(
                realm=asked.request.realm,
                realm_name=asked.situation.realm.display_name,
                title="Your device was not connected",
                message=f"{_name(asked)} got no access. You can close this page.",
                good=False,
            )
        )


def _name(asked: Asked) -> str:
    return asked.client.client_name or asked.client.id
