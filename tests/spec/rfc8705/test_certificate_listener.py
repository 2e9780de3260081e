"""Certificates over real TLS and through a real proxy's header, at a started issuer."""

from __future__ import annotations

import asyncio
import ssl
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx2
import msgspec
import pytest
from cryptography import x509

from tests.certificates import Holder, holder, server_holder
from tests.dpop import Sender
from tests.harness.configuration import REALM, shop_configuration
from tests.harness.processes import Process, free_port

PROXY = "127.0.0.7"
ROOT = holder("Root", authority=True)
MACHINE = holder("machine", issuer=ROOT, names=(x509.DNSName("machine.acme.example"),))
OWN, OTHER, SERVER = holder("own"), holder("other"), server_holder()


class Running(NamedTuple):
    """A started issuer: where it is, and where certificates are asked for."""

    folder: Path
    plain: str
    certified: str

    def send(self, method: str, path: str, *, shown: Holder | None = None, source: str = "", **more: Any) -> Any:
        """Send one request: with a certificate to the TLS listener, or from an address to the plain one."""
        base, verify = self.plain, ssl.create_default_context()
        if not source:
            base = self.certified
            verify = shown.tls(self.folder, "shown", SERVER) if shown else _trusting_server()
        transport = httpx2.HTTPTransport(verify=verify, local_address=source or None, trust_env=False)
        with httpx2.Client(transport=transport, timeout=20) as client:
            return client.request(method, f"{base}/realms/{REALM}/{path}", **more)

    def token(self, client: str, **more: Any) -> Any:
        """Ask for a token of a client itself."""
        form = {"grant_type": "client_credentials", "client_id": client}
        return self.send("POST", "token", data=form, **more)


def _trusting_server() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=SERVER.pem)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An issuer with a listener for certificates and a trusted proxy."""
    folder = tmp_path_factory.mktemp("certified")
    port = free_port()
    plain, certified = f"http://127.0.0.1:{port}", f"https://localhost:{port + 1}"
    configuration = shop_configuration(plain, f"127.0.0.1:{port}")
    certificate, key = SERVER.write(folder, "server")
    configuration["server"] |= {
        "trusted_proxies": [PROXY],
        "client_certificates": {
            "listen": f"127.0.0.1:{port + 1}",
            "base_url": certified,
            "tls": {"certificate": certificate, "key": key},
            "proxy_header": "client-cert",
        },
    }
    (folder / "root.pem").write_text(ROOT.pem)
    realm = configuration["realms"][REALM]
    realm["client_certificate_authorities"] = "root.pem"
    usual = {"grant_types": ["client_credentials"], "scope": "catalog:read", "access_token_format": "jwt"}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    x5c = {"keys": [{"kty": "EC", "x5c": [b64encode(OWN.der).decode()]}]}
    realm["clients"] += [
        {
            "client_id": "machine",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "machine.acme.example",
            **bound,
            **usual,
        },
        {"client_id": "own", "token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": x5c, **usual},
    ]
    (folder / "keystead.yaml").write_bytes(msgspec.json.encode(configuration))  # JSON is YAML
    process = Process(["serve", "--config", str(folder / "keystead.yaml")], folder, "issuer")
    asyncio.run(process.start_and_wait())
    yield Running(folder, plain, certified)
    process.kill()


def header(shown: Holder) -> dict[str, str]:
    """Return the header of a proxy that saw a certificate."""
    return {"client-cert": f":{b64encode(shown.der).decode()}:"}


@pytest.mark.spec("RFC 8705 section 2.1")
@pytest.mark.spec("RFC 8705 section 2.2")
def test_certificates_authenticate_over_our_own_tls(running: Running) -> None:
    assert running.token("machine", shown=MACHINE).status_code == 200
    assert running.token("own", shown=OWN).status_code == 200
    for client, shown in (("machine", OWN), ("own", MACHINE), ("own", OTHER), ("own", None), ("machine", None)):
        answer = running.token(client, shown=shown)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("RFC 9440 section 4")
@pytest.mark.attack("A2")
def test_a_certificate_header_counts_from_the_proxy_alone(running: Running) -> None:
    assert running.token("own", source=PROXY, headers=header(OWN)).status_code == 200
    for source in ("127.0.0.1", "127.0.0.8"):
        for headers in (
            header(OWN),
            header(OWN) | {"x-forwarded-for": PROXY},
            {"x-ssl-cert": OWN.pem.replace("\n", "")},
        ):
            answer = running.token("own", source=source, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.attack("A2")
def test_a_header_changes_nothing_on_our_own_tls(running: Running) -> None:
    assert running.token("own", shown=OTHER, headers=header(OWN)).status_code == 401
    assert running.token("own", headers=header(OWN)).status_code == 401
    assert running.token("own", shown=OWN, headers=header(OTHER)).status_code == 200


@pytest.mark.spec("RFC 9440 section 3")
@pytest.mark.attack("A2")
def test_an_ambiguous_header_of_the_proxy_is_refused(running: Running) -> None:
    twice = [("client-cert", header(OWN)["client-cert"]), ("Client-Cert", header(OTHER)["client-cert"])]
    assert running.token("own", source=PROXY, headers=twice).status_code == 400
    assert running.token("own", source=PROXY, headers={"client-cert": "garbage"}).status_code == 400
    assert running.token("own", source="127.0.0.1", headers=twice).status_code == 401


@pytest.mark.spec("RFC 8705 section 5")
def test_the_aliases_are_where_clients_call(running: Running) -> None:
    document = running.send("GET", ".well-known/openid-configuration", source="127.0.0.1").json()
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{running.certified}/realms/{REALM}/token"
    assert {"userinfo_endpoint", "introspection_endpoint", "revocation_endpoint"} <= aliases.keys()
    assert not {"authorization_endpoint", "end_session_endpoint"} & aliases.keys()
    assert all(name.endswith("_endpoint") and url.startswith(running.certified) for name, url in aliases.items())
    assert running.send("GET", "authorize").status_code == 404
    assert running.send("GET", ".well-known/openid-configuration").json()["issuer"] == document["issuer"]


@pytest.mark.spec("RFC 9449 section 4.3")
def test_a_proof_may_name_the_alias(running: Running) -> None:
    sender = Sender()
    for base in (running.plain, running.certified):
        proof = sender.proof("POST", f"{base}/realms/{REALM}/token", int(time.time()))
        assert running.token("own", shown=OWN, headers={"dpop": proof}).json()["token_type"] == "DPoP"
    proof = sender.proof("POST", f"{running.certified}/realms/{REALM}/revoke", int(time.time()))
    assert running.token("own", shown=OWN, headers={"dpop": proof}).json()["error"] == "invalid_dpop_proof"


@pytest.mark.spec("RFC 9325 section 4.2")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_modern(running: Running, version: ssl.TLSVersion) -> None:
    context = _trusting_server()
    context.minimum_version = context.maximum_version = version
    with httpx2.Client(verify=context, trust_env=False) as client:
        assert client.get(f"{running.certified}/realms/{REALM}/jwks").status_code == 200
    weak = _trusting_server()
    weak.maximum_version = ssl.TLSVersion.TLSv1_2
    weak.set_ciphers("ECDHE+CHACHA20:ECDHE+AES+SHA:AES+SHA")
    with httpx2.Client(verify=weak, trust_env=False) as client, pytest.raises(httpx2.TransportError):
        client.get(f"{running.certified}/realms/{REALM}/jwks")
