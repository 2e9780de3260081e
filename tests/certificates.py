"""Certificates for tests: authorities, clients under them, and self-signed ones. Time is the tests' own unless told."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from keystead.oauth.bindings.certificate import thumbprint_of


@dataclass
class Holder:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def thumbprint(self) -> str:
        """Its `x5t#S256`."""
        return thumbprint_of(self.der)

    def write(self, folder: Path, name: str) -> tuple[str, str]:
        """Write certificate and key as files and return their names."""
        certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
        certificate.write_text(self.pem)
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return str(certificate), str(key)

    def tls(self, folder: Path, name: str, server: Holder) -> ssl.SSLContext:
        """Return a client context that shows this certificate and trusts a server's."""
        context = ssl.create_default_context(cadata=server.pem)
        context.load_cert_chain(*self.write(folder, name))
        return context


def holder(
    name: str,
    *,
    issuer: Holder | None = None,
    authority: bool = False,
    now: float | None = None,
    days: int = 30,
    names: tuple[x509.GeneralName, ...] = (),
    subject: x509.Name | None = None,
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Holder:
    """Return a certificate: self-signed, or signed by `issuer`. `days` may be negative: expired."""
    key = ec.generate_private_key(ec.SECP256R1())
    moment = datetime.now(UTC) if now is None else datetime.fromtimestamp(now, UTC)
    own = subject or x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(issuer.certificate.subject if issuer else own)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - timedelta(days=40))
        .not_valid_after(moment + timedelta(days=days))
    )
    added: list[tuple[x509.ExtensionType, bool]] = [(extension, False) for extension in extensions]
    if authority:
        added.append((x509.BasicConstraints(ca=True, path_length=None), True))
    if names:
        added.append((x509.SubjectAlternativeName(names), False))
    for extension, critical in added:
        builder = builder.add_extension(extension, critical)
    return Holder(builder.sign(issuer.key if issuer else key, SHA256()), key)


def server_holder(name: str = "localhost", **more: Any) -> Holder:
    """Return the certificate of a server at loopback."""
    return holder(name, names=(x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))), **more)
