"""Parties that vouch for clients of a realm: SPIFFE trust domains and client attesters, known by their keys."""

from __future__ import annotations

from typing import Any

import msgspec


class SpiffeTrustDomain(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A SPIFFE trust domain whose JWT-SVIDs are believed.

    `name` is the trust domain, such as `example.org`. Its bundle (a JWK Set) stands in `bundle`, in the file
    `bundle_file`, or at `bundle_url`, where it is fetched and kept.
    Spec: SPIFFE Trust Domain and Bundle section 4.
    """

    name: str
    bundle: dict[str, Any] | None = None
    bundle_file: str = ""
    bundle_url: str = ""


class ClientAttester(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A client attester: the backend of an app that vouches for instances of it.

    `name` is yours, for a client's `client_attesters`. `issuer` is what its attestations say as `iss`; left out, they
    say nothing. Its keys stand in `jwks` or at `jwks_uri`.
    Spec: draft-ietf-oauth-attestation-based-client-auth section 5.1.
    """

    name: str
    issuer: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
