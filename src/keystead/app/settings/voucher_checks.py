"""Who vouches for clients: SPIFFE trust domains and client attesters, and the clients that count on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from keystead.app.settings.credential_checks import jwks_problems
from keystead.app.settings.document import Document, Place
from keystead.app.settings.realm import RealmSettings
from keystead.core.uris import wrong_web_uri

SCHEME = "spiffe://"


def require_vouchers(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that each has keys, and that every client's are there."""
    for index, domain in enumerate(realm.spiffe_trust_domains):
        place: Place = ("spiffe_trust_domains", index)
        if not domain.name or "/" in domain.name or ":" in domain.name or domain.name != domain.name.lower():
            yield place, "`name` is the trust domain alone, in lower case, such as example.org"
        if sum((domain.bundle is not None, bool(domain.bundle_file), bool(domain.bundle_url))) != 1:
            yield place, "write its keys in one of `bundle`, `bundle_file` and `bundle_url`"
        if domain.bundle_url and (wrong := wrong_web_uri(domain.bundle_url)):
            yield (*place, "bundle_url"), wrong
    for index, attester in enumerate(realm.client_attesters):
        place = ("client_attesters", index)
        if (attester.jwks is None) == (not attester.jwks_uri):
            yield place, "write its keys in `jwks`, or their address in `jwks_uri`"
        if attester.jwks is not None:
            yield from ((place, problem) for problem in jwks_problems(attester.jwks))
    yield from _clients(realm)


def _clients(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    domains = {domain.name for domain in realm.spiffe_trust_domains}
    attesters = {attester.name for attester in realm.client_attesters}
    for index, client in enumerate(realm.clients):
        if client.spiffe_id:
            place: Place = ("clients", index, "spiffe_id")
            domain, _, path = client.spiffe_id.removeprefix(SCHEME).partition("/")
            if not client.spiffe_id.startswith(SCHEME) or not domain or not path:
                yield place, "a SPIFFE ID is spiffe://TRUST-DOMAIN/PATH"
            elif client.token_endpoint_auth_method == "spiffe_jwt" and domain not in domains:  # noqa: S105 - a method
                yield place, f"`{domain}` is none of this realm's spiffe_trust_domains"
        unknown = [name for name in client.client_attesters if name not in attesters]
        if unknown:
            yield ("clients", index, "client_attesters"), f"`{unknown[0]}` is none of this realm's client_attesters"


def with_bundles(document: Document, place: Place, realm: RealmSettings) -> RealmSettings:
    """Read the trust bundles that stand in files. Raises: ConfigurationError."""
    domains = []
    for index, domain in enumerate(realm.spiffe_trust_domains):
        if domain.bundle_file and domain.bundle is None:
            where = (*place, "spiffe_trust_domains", index, "bundle_file")
            bundle = _read(document, where, document.path.parent / domain.bundle_file)
            domain = msgspec.structs.replace(domain, bundle=bundle, bundle_file="")
        domains.append(domain)
    return msgspec.structs.replace(realm, spiffe_trust_domains=tuple(domains))


def _read(document: Document, where: Place, path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise document.error(where, f"cannot read {path}: {error.strerror or error}") from error
    except msgspec.DecodeError as error:
        raise document.error(where, f"{path} is not a JSON Web Key Set: {error}") from error
