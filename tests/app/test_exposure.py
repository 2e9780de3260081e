"""What strangers can reach: TLS, proxies, and nothing by default."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from ipaddress import ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keystead.core.errors import ConfigurationError
from tests.app.bare_server import bare_server
from tests.harness.issuer import RunningIssuer


def write_certificate(folder: Path) -> None:
    """Write a self-signed certificate for localhost, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    names = x509.SubjectAlternativeName([x509.DNSName("localhost")])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, serialization.NoEncryption()))


async def ask(port: int, context: ssl.SSLContext, path: str) -> bytes:
    """Send one request over TLS and return the reply."""
    reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
    reply = await reader.read()
    writer.close()
    return reply


@pytest.mark.attack("T8")
async def test_the_issuer_serves_tls_itself(unserved: RunningIssuer) -> None:
    write_certificate(unserved.directory)
    server = unserved.configuration["server"]
    server |= {"base_url": f"https://localhost:{unserved.port}", "tls": {"certificate": "cert.pem", "key": "key.pem"}}
    await unserved.start()
    context = ssl.create_default_context(cafile=str(unserved.directory / "cert.pem"))
    reply = await ask(unserved.port, context, "/realms/acme/.well-known/openid-configuration")
    head, _, body = reply.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"strict-transport-security: max-age=63072000" in head
    assert json.loads(body)["token_endpoint"].startswith(f"https://localhost:{unserved.port}/")
    old = ssl.create_default_context(cafile=str(unserved.directory / "cert.pem"))
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await ask(unserved.port, old, "/")


@pytest.mark.attack("T8")
async def test_plain_http_off_loopback_refuses_to_start(unserved: RunningIssuer) -> None:
    unserved.configuration["server"]["listen"] = f"0.0.0.0:{unserved.port}"
    with pytest.raises(AssertionError, match=r"keystead\.yaml:\d+: plain http off loopback"):
        await unserved.start()


@pytest.mark.attack("T8")
async def test_behind_a_proxy_only_the_proxy_may_connect(unserved: RunningIssuer) -> None:
    server = unserved.configuration["server"]
    server |= {"base_url": "https://id.test", "listen": f"0.0.0.0:{unserved.port}", "trusted_proxies": ["192.0.2.0/24"]}
    await unserved.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", unserved.port)
    writer.write(b"GET /realms/acme/jwks HTTP/1.1\r\nHost: id.test\r\n\r\n")
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        pass
    writer.close()


@pytest.mark.attack("U1")
@pytest.mark.parametrize(
    ("trusted", "forwarded", "address"),
    [
        ((), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.0/8",), "203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8",), "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (("127.0.0.0/8", "203.0.113.0/24"), "198.51.100.1, 203.0.113.9", "198.51.100.1"),
        (("192.0.2.0/24",), "203.0.113.9", "127.0.0.1"),
        (("127.0.0.0/8",), "", "127.0.0.1"),
    ],
)
@pytest.mark.parametrize("path", ["/fast", "/slow"])
async def test_the_client_address_is_believed_from_trusted_proxies_only(
    trusted: tuple[str, ...], forwarded: str, address: str, path: str
) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    line = f"X-Forwarded-For: {forwarded}\r\n".encode() if forwarded else b""
    async with bare_server(trusted_proxies=tuple(ip_network(network) for network in trusted)) as bare:
        reply = await bare.exchange(head + line + b"\r\n")
    assert json.loads(reply.partition(b"\r\n\r\n")[2])["client_address"] == address


def test_a_configuration_error_says_where() -> None:
    assert str(ConfigurationError("mend it", where="file.yaml:3")) == "file.yaml:3: mend it"
