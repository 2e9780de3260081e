"""Whose certificate is it? The one name a client registered, held against the names in the certificate.

Does not: look at the common name where a SAN is registered, or know wildcards. Who vouches for the certificate is asked
elsewhere. Spec: RFC 8705 section 2.1.2, RFC 4514.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from keystead.core.decisions import Allowed, Denied
from keystead.core.records.client import Client

SUBJECT: Final = "tls_client_auth_subject_dn"
NAMES: Final = (
    SUBJECT,
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""The members of a client, of which exactly one says what its certificate is named."""

_MORE_NAMES: Final[dict[str, x509.ObjectIdentifier]] = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "E": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "SN": NameOID.SURNAME,
    "GN": NameOID.GIVEN_NAME,
    "title": NameOID.TITLE,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
    "businessCategory": NameOID.BUSINESS_CATEGORY,
    "jurisdictionC": NameOID.JURISDICTION_COUNTRY_NAME,
    "postalCode": NameOID.POSTAL_CODE,
}


def read_subject(text: str) -> x509.Name:
    """Return the subject a text of RFC 4514 stands for. Raises: ValueError."""
    return x509.Name.from_rfc4514_string(text, _MORE_NAMES)


def names_client(certificate: bytes, client: Client) -> Allowed | Denied:
    """Return whether a certificate carries the one name the client registered."""
    registered = [(member, getattr(client, member)) for member in NAMES if getattr(client, member)]
    if len(registered) != 1:
        return Denied("certificate.other_name", f"exactly one of {', '.join(NAMES)} must be registered")
    member, expected = registered[0]
    try:
        read = x509.load_der_x509_certificate(certificate)
        found = _same_subject(read, expected) if member == SUBJECT else _carries(read, member, expected)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        return Denied("certificate.other_name", f"the names cannot be read: {error}")
    return Allowed() if found else Denied("certificate.other_name", f"the certificate's names do not match {member}")


def _same_subject(certificate: x509.Certificate, expected: str) -> bool:
    return certificate.subject == read_subject(expected)


def _carries(certificate: x509.Certificate, member: str, expected: str) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return _MATCHES[member](names, expected)


def _has_dns(names: x509.SubjectAlternativeName, expected: str) -> bool:
    return expected.lower() in [name.lower() for name in names.get_values_for_type(x509.DNSName)]


def _has_uri(names: x509.SubjectAlternativeName, expected: str) -> bool:
    return expected in names.get_values_for_type(x509.UniformResourceIdentifier)


def _has_address(names: x509.SubjectAlternativeName, expected: str) -> bool:
    return ip_address(expected) in names.get_values_for_type(x509.IPAddress)


def _has_email(names: x509.SubjectAlternativeName, expected: str) -> bool:
    return expected in names.get_values_for_type(x509.RFC822Name)


_MATCHES: Final[dict[str, Callable[[x509.SubjectAlternativeName, str], bool]]] = {
    "tls_client_auth_san_dns": _has_dns,
    "tls_client_auth_san_uri": _has_uri,
    "tls_client_auth_san_ip": _has_address,
    "tls_client_auth_san_email": _has_email,
}
