"""Who vouches for a client certificate: a chain to the authorities a realm names, by OpenSSL's rules, at this moment.

Does not: look anything up on the network. No revocation list, no OCSP, no AIA fetching: short lives and the client's
registration are how a certificate is taken back (decision 0035).
Spec: RFC 5280 section 6, RFC 8705 section 2.1.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystead.core.decisions import Allowed, Denied
from keystead.core.values import EpochSeconds

_LONGEST_CHAIN: Final = 8
_USAGES: Final = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


class X509Trust:
    """The `CertificateTrust` over OpenSSL's path validation.

    Does not: demand what a web browser demands of a server: a client certificate of version 1, or without a SAN or a
    key usage, is as good as its authority.
    """

    def vouched_for(
        self, certificate: bytes, chain: tuple[bytes, ...], authorities: str, now: EpochSeconds
    ) -> Allowed | Denied:
        """Return whether a chain of the certificates shown leads to one of the authorities (PEM)."""
        if not authorities:
            return Denied("certificate.no_authorities", "the realm names no client_certificate_authorities")
        try:
            leaf = x509.load_der_x509_certificate(certificate)
            between = [x509.load_der_x509_certificate(one) for one in chain[:_LONGEST_CHAIN]]
            wrong = _unfit(leaf) or _unchained(leaf, between, read_authorities(authorities), now)
        except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
            wrong = f"a certificate cannot be read: {error}"
        return Denied("certificate.not_trusted", wrong) if wrong else Allowed()

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


def _unfit(leaf: x509.Certificate) -> str:
    """Say why a certificate is not one a client may authenticate with, empty when it is."""
    for extension in leaf.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return "an authority's own certificate authenticates nobody"
        if isinstance(value, x509.ExtendedKeyUsage) and not _USAGES.intersection(value):
            return "the certificate is not meant for clients (extendedKeyUsage lacks clientAuth)"
    return ""


def _unchained(
    leaf: x509.Certificate, between: list[x509.Certificate], authorities: list[x509.Certificate], now: EpochSeconds
) -> str:
    """Say why no chain leads from a certificate to an authority, empty when one does."""
    from OpenSSL import crypto  # only who is shown certificates has to load it

    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN | crypto.X509StoreFlags.CHECK_SS_SIGNATURE)
    store.set_time(datetime.fromtimestamp(now, UTC))
    for authority in authorities:
        store.add_cert(crypto.X509.from_cryptography(authority))
    chain = [crypto.X509.from_cryptography(one) for one in between]
    try:
        crypto.X509StoreContext(store, crypto.X509.from_cryptography(leaf), chain).verify_certificate()
    except crypto.X509StoreContextError as error:
        return f"no chain to the realm's authorities: {error}"
    return ""
