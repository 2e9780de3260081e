"""Who vouches for a client certificate: a chain to the authorities a realm names, valid at this moment.

Does not: look anything up on the network. No revocation list, no OCSP, no AIA fetching: short lives and the client's
registration are how a certificate is taken back (decision 0035).
Spec: RFC 5280 section 6, RFC 8705 section 2.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    ClientVerifier,
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from keystead.core.decisions import Allowed, Denied
from keystead.core.values import EpochSeconds

_LONGEST_CHAIN = 8
_USAGES = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


class X509Trust:
    """The `CertificateTrust` over `cryptography`'s path validation."""

    def vouched_for(
        self, certificate: bytes, chain: tuple[bytes, ...], authorities: str, now: EpochSeconds
    ) -> Allowed | Denied:
        """Return whether a chain of the certificates shown leads to one of the authorities (PEM)."""
        store = _store(authorities)
        if store is None:
            return Denied("certificate.no_authorities", "the realm names no client_certificate_authorities")
        try:
            leaf = x509.load_der_x509_certificate(certificate)
            between = [x509.load_der_x509_certificate(one) for one in chain]
            _verifier(store, now).verify(leaf, between)
        except (VerificationError, ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            return Denied("certificate.not_trusted", f"no chain to the realm's authorities: {error}")
        return Allowed()

    def valid_now(self, certificate: bytes, now: EpochSeconds) -> Allowed | Denied:
        """Return whether a certificate can be read and its time has come and not passed."""
        try:
            read = x509.load_der_x509_certificate(certificate)
            valid = read.not_valid_before_utc.timestamp() <= now <= read.not_valid_after_utc.timestamp()
        except ValueError as error:
            return Denied("certificate.malformed", f"not an X.509 certificate: {error}")
        return Allowed() if valid else Denied("certificate.expired", "the certificate is expired or not valid yet")


def read_authorities(pem: str) -> list[x509.Certificate]:
    """Return the certificates of a PEM text. Raises: ValueError when there is none, or one cannot be read."""
    return x509.load_pem_x509_certificates(pem.encode())


@lru_cache(maxsize=64)
def _store(authorities: str) -> Store | None:
    return Store(read_authorities(authorities)) if authorities else None


def _verifier(store: Store, now: EpochSeconds) -> ClientVerifier:
    builder = PolicyBuilder().store(store).time(datetime.fromtimestamp(now, UTC)).max_chain_depth(_LONGEST_CHAIN)
    return builder.extension_policies(ca_policy=_AUTHORITY, ee_policy=_CLIENT).build_client_verifier()


def _must_be_authority(policy: Policy, certificate: x509.Certificate, constraints: x509.BasicConstraints) -> None:
    if not constraints.ca:
        raise ValueError("an issuer in the chain is no authority")


def _must_sign_certificates(policy: Policy, certificate: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("an issuer in the chain may not sign certificates")


def _must_be_for_clients(policy: Policy, certificate: x509.Certificate, usage: x509.ExtendedKeyUsage | None) -> None:
    if usage is not None and not _USAGES.intersection(usage):
        raise ValueError("the certificate is not meant for clients (extendedKeyUsage lacks clientAuth)")


def _must_be_no_authority(
    policy: Policy, certificate: x509.Certificate, constraints: x509.BasicConstraints | None
) -> None:
    if constraints is not None and constraints.ca:
        raise ValueError("an authority's own certificate authenticates nobody")


_ANY = Criticality.AGNOSTIC
_AUTHORITY = (
    ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, _ANY, _must_be_authority)
    .may_be_present(x509.KeyUsage, _ANY, _must_sign_certificates)
)
_CLIENT = (
    ExtensionPolicy.permit_all()
    .may_be_present(x509.ExtendedKeyUsage, _ANY, _must_be_for_clients)
    .may_be_present(x509.BasicConstraints, _ANY, _must_be_no_authority)
)
