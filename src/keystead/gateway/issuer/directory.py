"""Where the issuer's endpoints and keys are: found through its metadata, believed only if it names itself exactly.

Spec: OpenID Connect Discovery 1.0 section 4.3, RFC 8414 section 3.3, RFC 9207 section 3.
"""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.errors import UpstreamError
from keystead.core.jose.key_set import KeySet
from keystead.gateway.call import Callers

METADATA_LIFE: Final = 3_600.0
KEYS_LIFE: Final = 300.0
KEYS_PAUSE: Final = 10.0
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class IssuerMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """What we need of the metadata."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    userinfo_endpoint: str = ""
    authorization_response_iss_parameter_supported: bool = False


class IssuerDirectory:
    """The issuer's metadata and keys, fetched when needed and kept for a while."""

    def __init__(self, issuer: str, callers: Callers) -> None:
        self.issuer = issuer
        self._callers = callers
        self._metadata: IssuerMetadata | None = None
        self._metadata_until = 0.0
        self._keys: KeySet | None = None
        self._keys_at = 0.0

    async def metadata(self) -> IssuerMetadata:
        """Return the metadata, an hour old at most, or older when the issuer cannot be asked.

        Raises: UpstreamError when there is none, or it is another issuer's.
        """
        if self._metadata is not None and time.monotonic() < self._metadata_until:
            return self._metadata
        try:
            fetched = await self._fetch()
        except UpstreamError:
            if self._metadata is None:
                raise
            return self._metadata
        self._metadata, self._metadata_until = fetched, time.monotonic() + METADATA_LIFE
        return fetched

    async def keys(self, kid: str | None) -> KeySet:
        """Return the key set, fetched again for an unknown `kid`, but not more often than every ten seconds.

        Raises: UpstreamError.
        """
        age = time.monotonic() - self._keys_at
        known = self._keys
        if known is not None and (age < KEYS_PAUSE or (age < KEYS_LIFE and known.has(kid))):
            return known
        metadata = await self.metadata()
        caller, target = self._callers.of(metadata.jwks_uri)
        answer = await caller.call("GET", target)
        if answer.status != 200:
            raise UpstreamError(f"the issuer's key set answered {answer.status}")
        try:
            self._keys = KeySet.from_jwks(answer.document())
        except ValueError as error:
            raise UpstreamError(f"the issuer's key set cannot be used: {error}") from None
        self._keys_at = time.monotonic()
        return self._keys

    async def _fetch(self) -> IssuerMetadata:
        caller, target = self._callers.of(f"{self.issuer}/.well-known/openid-configuration")
        answer = await caller.call("GET", target)
        if answer.status != 200:
            raise UpstreamError(f"discovery at {self.issuer} answered {answer.status}")
        try:
            metadata = msgspec.convert(answer.document(), IssuerMetadata)
        except msgspec.ValidationError as error:
            raise UpstreamError(f"the metadata of {self.issuer} is not usable: {error}") from None
        if metadata.issuer != self.issuer:
            raise UpstreamError(f"the metadata found at {self.issuer} names another issuer")
        for url in (metadata.token_endpoint, metadata.jwks_uri, metadata.authorization_endpoint):
            if not is_protected(url):
                raise UpstreamError("an endpoint of the issuer is neither https nor on this machine")
        return metadata


def is_protected(url: str) -> bool:
    """Tell whether what goes to a URL cannot be read on the way: https, or this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
