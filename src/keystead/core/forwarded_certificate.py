"""The certificate a TLS-terminating proxy saw: read from the one header the settings name, and from nobody but it.

Flow: whoever serves takes every certificate header out of the request before anything else sees it -> when the peer is
a trusted proxy, and the settings say that it sends one, `read_forwarded` reads it.
Does not: know peers, guess which header a proxy uses, or take a certificate from a header that is there twice.
Spec: RFC 9440 sections 2 and 3 (`Client-Cert`), Envoy's `x-forwarded-client-cert` (XFCC).
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from keystead.core.http import Headers

CLIENT_CERT: Final = "client-cert"
XFCC: Final = "x-forwarded-client-cert"
FORMATS: Final = (CLIENT_CERT, XFCC)

CERTIFICATE_HEADERS: Final = frozenset({b"client-cert", b"client-cert-chain", b"x-forwarded-client-cert"})
"""Headers that are never part of a request: whoever sent them."""

_LARGEST: Final = 16_384
_LONGEST_CHAIN: Final = 8


class NotOneCertificate(ValueError):
    """A proxy's header does not say whose certificate it saw."""


class ForwardedCertificate(msgspec.Struct, frozen=True):
    """A certificate and what was sent along to vouch for it, in DER. Empty when the client showed none."""

    certificate: bytes = b""
    chain: tuple[bytes, ...] = ()


NOTHING: Final = ForwardedCertificate()


def read_forwarded(headers: Headers, format: str) -> ForwardedCertificate:
    """Return what a trusted proxy says of the client's certificate.

    Raises: NotOneCertificate when a header is repeated or malformed: then nobody knows whose request this is.
    """
    found = [value for name, value in headers if name == format.encode()]
    if not found:
        return NOTHING
    if len(found) > 1:
        raise NotOneCertificate("the proxy sent several client certificates")
    try:
        if format == XFCC:
            return _read_xfcc(found[0].decode("ascii"))
        return ForwardedCertificate(_byte_sequence(found[0]), _chain(headers))
    except ValueError as error:
        raise NotOneCertificate(f"the proxy's certificate header cannot be read: {error}") from None


def _byte_sequence(text: bytes) -> bytes:
    """Return what an RFC 9651 byte sequence holds: `:base64:`, without parameters."""
    text = text.strip(b" ")
    if len(text) < 2 or text[:1] != b":" or text[-1:] != b":" or len(text) > 2 * _LARGEST:
        raise ValueError("not a byte sequence")
    der = b64decode(text[1:-1], validate=True)
    if not der.startswith(b"\x30") or len(der) > _LARGEST:
        raise ValueError("not a certificate")
    return der


def _chain(headers: Headers) -> tuple[bytes, ...]:
    """Return the `Client-Cert-Chain`, a list of byte sequences, which may be spread over several headers."""
    texts = [item for name, value in headers if name == b"client-cert-chain" for item in value.split(b",")]
    if len(texts) > _LONGEST_CHAIN:
        raise ValueError("too long a chain")
    return tuple(_byte_sequence(text) for text in texts)


def _read_xfcc(text: str) -> ForwardedCertificate:
    """Return the certificate of the last element: the one the nearest proxy saw itself."""
    elements = _split(text, ",")
    fields: dict[str, str] = {}
    for pair in _split(elements[-1], ";"):
        key, equals, value = pair.strip(" ").partition("=")
        if not equals or (key.lower() in fields and key.lower() in ("cert", "chain")):
            raise ValueError("not a key and a value, or a certificate twice")
        fields[key.lower()] = _unquoted(value)
    if not fields.get("cert"):
        raise ValueError("the element carries no certificate: let the proxy set Cert")
    chain = _pem(fields["chain"]) if fields.get("chain") else ()
    certificate = _pem(fields["cert"])[0]
    return ForwardedCertificate(certificate, tuple(one for one in chain if one != certificate)[:_LONGEST_CHAIN])


def _split(text: str, separator: str) -> list[str]:
    """Split at a separator outside of double quotes."""
    parts, quoted, start = [], False, 0
    for found in re.finditer(rf'\\.|[{separator}"]', text, re.DOTALL):
        if found[0] == '"':
            quoted = not quoted
        elif found[0][-1] == separator and not quoted:
            parts.append(text[start : found.end() - 1])
            start = found.end()
    if quoted:
        raise ValueError("a quote is not closed")
    return [*parts, text[start:]]


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    if len(value) < 2 or not value.endswith('"'):
        raise ValueError("a quote is not closed")
    return value[1:-1].replace('\\"', '"').replace("\\\\", "\\")


def _pem(text: str) -> tuple[bytes, ...]:
    from cryptography import x509  # only Envoy writes PEM
    from cryptography.hazmat.primitives.serialization import Encoding

    pem = unquote_to_bytes(text)
    if len(pem) > _LARGEST * (_LONGEST_CHAIN + 1):
        raise ValueError("too large")
    return tuple(one.public_bytes(Encoding.DER) for one in x509.load_pem_x509_certificates(pem))
