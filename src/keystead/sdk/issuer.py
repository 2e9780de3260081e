"""An issuer as others see it: what its discovery document says, believed only where it names exactly that issuer.

Spec: RFC 8414 section 3, OpenID Connect Discovery 1.0 section 4.3 (the issuer must be identical).
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from keystead.core.errors import ConfigurationError
from keystead.core.jose.key_set import KeySet
from keystead.sdk.addresses import require_safe_url
from keystead.sdk.errors import IssuerUnavailable
from keystead.sdk.http_channel import ChannelError, HttpChannel

_DISCOVERY: Final = "/.well-known/openid-configuration"
_OK: Final = 200


class Issuer:
    """The documents of one issuer. Fetches when asked; whoever asks decides how often."""

    def __init__(
        self,
        url: str,
        *,
        channel: HttpChannel | None = None,
        tls: ssl.SSLContext | None = None,
        danger_allow_plain_http: bool = False,
    ) -> None:
        parts = require_safe_url(url, "issuer", danger_allow_plain_http=danger_allow_plain_http)
        if parts.query or url.endswith("/"):
            raise ConfigurationError("issuer must be written exactly as the issuer writes it: no query, no final slash")
        self.url = url
        self._channel = channel or HttpChannel(tls=tls)
        self._plain_http = danger_allow_plain_http
        self._endpoints: dict[str, str] = {}

    async def endpoint(self, name: str) -> str:
        """Return one URL of the discovery document, such as `token_endpoint`. Fetched once.

        Raises: IssuerUnavailable.
        """
        if name not in self._endpoints:
            await self._discover(name)
        return self._endpoints[name]

    async def fetch_keys(self, algorithms: frozenset[str]) -> tuple[dict[str, Any], KeySet]:
        """Return the key document as it is published now, and the keys in it that are for us.

        Raises: IssuerUnavailable, also when the document has no usable key.
        """
        url = await self.endpoint("jwks_uri")
        try:
            document = await self._get(url)
            keys = KeySet.from_jwks(document, algorithms=algorithms)
        except (IssuerUnavailable, ValueError) as error:
            self._endpoints.clear()
            raise IssuerUnavailable(f"no usable keys from {url}: {error}") from error
        if not keys.keys:
            raise IssuerUnavailable(f"{url} publishes no key for {', '.join(sorted(algorithms))}")
        return document, keys

    async def close(self) -> None:
        """Let go of open connections."""
        await self._channel.close()

    async def _discover(self, name: str) -> None:
        document = await self._get(self.url + _DISCOVERY)
        if document.get("issuer") != self.url:
            raise IssuerUnavailable(f"the discovery document at {self.url} names another issuer")
        endpoint = document.get(name)
        if not isinstance(endpoint, str):
            raise IssuerUnavailable(f"the discovery document of {self.url} has no {name}")
        try:
            require_safe_url(endpoint, name, danger_allow_plain_http=self._plain_http)
        except ConfigurationError as error:
            raise IssuerUnavailable(str(error)) from None
        self._endpoints[name] = endpoint

    async def _get(self, url: str) -> dict[str, Any]:
        try:
            status, document, _ = await self._channel.get(url)
        except ChannelError as error:
            raise IssuerUnavailable(f"{url}: {error}") from error
        if status != _OK:
            raise IssuerUnavailable(f"{url} answered {status}")
        return document
