"""The document at `sector_identifier_uri`: it must name every redirect URI of a client that wants to belong.

A client that gets tokens without being redirected to must be named by its `jwks_uri` as well: a redirect URI it never
needs may be anybody's.
Spec: OpenID Connect Registration section 5, OpenID Connect Core section 8.1, CIBA Core section 4.
"""

from __future__ import annotations

from typing import Final

from keystead.core.protocols import Outbound, OutboundRefused
from keystead.core.records.client import Client
from keystead.core.registration_errors import InvalidClientMetadata
from keystead.core.strict_json import NotStrictJson, parse
from keystead.core.values import EpochSeconds
from keystead.oauth.fetch_allowance import FetchAllowance
from keystead.oauth.registration.metadata import metadata_refused

REDIRECTED: Final = frozenset({"authorization_code", "refresh_token", "client_credentials"})
"""Grants whose tokens about people go to nobody but whoever has the redirect URI."""

_MAXIMUM: Final = 65_536
_allowance: Final = FetchAllowance(per_minute=120, per_host=10, at_once=8)


async def require_sector(client: Client, outbound: Outbound, now: EpochSeconds) -> None:
    """Fetch the document and demand that it names the client. Raises: InvalidClientMetadata."""
    if not client.sector_identifier_uri:
        return
    try:
        with _allowance.one(client.sector_identifier_uri, outbound, now):
            fetched = await outbound.get(client.sector_identifier_uri, maximum=_MAXIMUM)
        if fetched.status != 200:
            raise OutboundRefused(f"the answer has status {fetched.status}, not 200")
        named = parse(fetched.body, maximum_bytes=_MAXIMUM)
    except (OutboundRefused, NotStrictJson) as error:
        raise InvalidClientMetadata(
            "sector_identifier_uri cannot be fetched as JSON by this server",
            reason="registration.sector",
            detail=f"sector_identifier_uri: {error}",
        ) from None
    if not isinstance(named, list) or not all(isinstance(uri, str) for uri in named):
        raise metadata_refused("sector_identifier_uri must hold a JSON array of redirect URIs", "sector")
    vouched = client.redirect_uris if REDIRECTED.issuperset(client.grant_types) else _and_keys(client)
    if any(uri not in named for uri in vouched):
        raise metadata_refused(
            "the document at sector_identifier_uri does not name all redirect_uris, or the jwks_uri of a client that "
            "has other grants than authorization_code",
            "sector",
        )


def _and_keys(client: Client) -> tuple[str, ...]:
    return (*client.redirect_uris, client.jwks_uri)
