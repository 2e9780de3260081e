"""The document at `sector_identifier_uri`: it must name every redirect URI of a client that wants to belong.

Spec: OpenID Connect Registration section 5, OpenID Connect Core section 8.1.
"""

from __future__ import annotations

from typing import Final

from keystead.core.protocols import Outbound, OutboundRefused
from keystead.core.records.client import Client
from keystead.core.registration_errors import InvalidClientMetadata
from keystead.core.strict_json import NotStrictJson, parse
from keystead.oauth.registration.metadata import metadata_refused

_MAXIMUM: Final = 65_536


async def require_sector(client: Client, outbound: Outbound) -> None:
    """Fetch the document and demand that it names the client's redirect URIs. Raises: InvalidClientMetadata."""
    if not client.sector_identifier_uri:
        return
    try:
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
    missing = [uri for uri in client.redirect_uris if uri not in named]
    if missing:
        raise metadata_refused("the document at sector_identifier_uri does not name all redirect_uris", "sector")
