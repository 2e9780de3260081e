"""backchannel_logout: the logout token, signed for one client at the moment it is sent."""

from __future__ import annotations

import secrets
from typing import Any, ClassVar
from urllib.parse import urlencode

import msgspec

from keystead.core.logout import BACKCHANNEL_LOGOUT, LOGOUT_EVENT, LOGOUT_TOKEN_LIFETIME, LOGOUT_TOKEN_TYPE
from keystead.core.records.client import Client
from keystead.core.records.delivery import Delivery
from keystead.core.records.realm import Realm
from keystead.core.spec import OIDC_BACKCHANNEL, Section
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.message import Composed, Message
from keystead.oauth.protection import id_token_protection, protect
from keystead.oauth.subjects import subject_for
from keystead.storage.ports import get


class _Ended(msgspec.Struct, frozen=True):
    """What `keystead.identity.logout_messages` wrote down."""

    subject: str
    sid: str


class BackchannelLogout(Message):
    """A form with a `logout_token`, signed and encrypted as the client's ID tokens are.

    Fresh at every attempt, so that a late one is not stale.

    Does not: carry a nonce, which tells it from an ID token, or anything about the person but who they are here.
    """

    purpose: ClassVar[str] = BACKCHANNEL_LOGOUT
    specs: ClassVar[tuple[Section, ...]] = (OIDC_BACKCHANNEL["2.4"], OIDC_BACKCHANNEL["2.5"], OIDC_BACKCHANNEL["2.8"])

    async def compose(self, delivery: Delivery, cx: ServerContext, now: EpochSeconds) -> Composed | None:
        """Return the form. Nobody gets it whose client is gone, or wants it elsewhere by now."""
        client = await cx.store.read(get(Client, delivery.realm, delivery.client_id, now))
        realm = await cx.store.read(get(Realm, delivery.realm, delivery.realm, now))
        if realm is None or client is None or not client.enabled or client.backchannel_logout_uri != delivery.url:
            return None
        ended = msgspec.json.decode(delivery.body, type=_Ended)
        how = await id_token_protection(client, realm, now, cx)
        claims: dict[str, Any] = {
            "iss": cx.issuer(delivery.realm),
            "sub": subject_for(cx.sealer, client, ended.subject),
            "aud": client.id,
            "iat": now,
            "exp": now + LOGOUT_TOKEN_LIFETIME,
            "jti": secrets.token_urlsafe(16),
            "events": {LOGOUT_EVENT: {}},
            "sid": ended.sid,
        }
        how = msgspec.structs.replace(how, typ=LOGOUT_TOKEN_TYPE)
        token = await protect(claims, how, delivery.realm, now, cx)
        return Composed(urlencode({"logout_token": token}).encode())
