"""What the file says about client certificates holds together, or the file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from keystead.app.convergence.desired import desired_records
from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError
from keystead.core.records.realm import Realm
from tests.certificates import holder

PEM = holder("Root", authority=True).pem
TLS = {"certificate": "chain.pem", "key": "key.pem"}
SERVER: dict[str, Any] = {"base_url": "https://id.example.com", "tls": TLS}
GOOD = {"listen": "127.0.0.1:8443", "base_url": "https://mtls.example.com"}
MACHINE: dict[str, Any] = {"client_id": "app", "grant_types": ["client_credentials"]}
BY_NAME = {**MACHINE, "token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "app.example.com"}


def file(server: dict[str, Any], client: dict[str, Any] | None = None, authorities: str = "") -> str:
    """Return a file with one realm. JSON is YAML."""
    realm = {"clients": [client] if client else [], "client_certificate_authorities": authorities}
    return msgspec.json.encode({"server": server, "realms": {"acme": realm}}).decode()


@pytest.mark.parametrize(
    ("server", "message"),
    [
        ({}, "give `listen`"),
        ({"base_url": "https://mtls.example.com"}, "give `listen`"),
        ({"listen": "127.0.0.1:8443"}, "needs the `base_url`"),
        ({**GOOD, "listen": "8443"}, "no address and port"),
        ({**GOOD, "base_url": "http://mtls.example.com"}, "write an https URL"),
        ({**GOOD, "base_url": "https://mtls.example.com/other"}, "the paths are the same"),
        ({**GOOD, "base_url": "https://id.example.com"}, "another host or port"),
        ({"proxy_header": "client-cert"}, "name the proxies"),
        ({"proxy_header": "x-ssl-cert"}, "write client-cert or x-forwarded-client-cert"),
        ({**GOOD, "trust_everybody": True}, "trust_everybody"),
    ],
    ids=str,
)
def test_the_server_section_says_one_thing(server: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings_from_text(file({**SERVER, "client_certificates": server}))


def test_a_listener_needs_tls() -> None:
    plain = {"base_url": "http://localhost:8080", "client_certificates": GOOD}
    with pytest.raises(ConfigurationError, match="serves TLS itself"):
        settings_from_text(file(plain))


@pytest.mark.parametrize(
    ("client", "authorities", "message"),
    [
        (BY_NAME, "", "needs the realm's `client_certificate_authorities`"),
        ({**BY_NAME, "tls_client_auth_san_dns": ""}, PEM, "exactly one of"),
        ({**BY_NAME, "tls_client_auth_san_uri": "https://app"}, PEM, "exactly one of"),
        ({**BY_NAME, "tls_client_auth_san_dns": "", "tls_client_auth_subject_dn": "app"}, PEM, "RFC 4514"),
        ({**BY_NAME, "token_endpoint_auth_method": "none"}, PEM, "says nothing without"),
        (
            {**BY_NAME, "dpop_bound_access_tokens": True, "tls_client_certificate_bound_access_tokens": True},
            PEM,
            "keep one",
        ),
        ({**MACHINE, "token_endpoint_auth_method": "self_signed_tls_client_auth"}, "", "`jwks`"),
    ],
    ids=["authorities", "no name", "two names", "no DN", "no method", "two bindings", "no jwks"],
)
def test_a_client_with_a_certificate_is_whole(client: dict[str, Any], authorities: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        settings_from_text(file({**SERVER, "client_certificates": GOOD}, client, authorities))


def test_a_client_that_cannot_show_its_certificate_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"server\.client_certificates"):
        settings_from_text(file(SERVER, BY_NAME, PEM))


def test_authorities_are_a_file_or_written_out(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    (tmp_path / "empty.pem").write_text("nothing")
    server = {**SERVER, "client_certificates": GOOD}
    path = tmp_path / "keystead.yaml"
    for written in ("ca.pem", PEM):
        settings = settings_from_text(file(server, BY_NAME, written), path)
        realm = desired_records("acme", settings.realms["acme"])[0]
        assert isinstance(realm, Realm)
        assert realm.client_certificate_authorities == PEM
    for missing, message in (("none.pem", "cannot read"), ("empty.pem", "no certificates in PEM")):
        with pytest.raises(ConfigurationError, match=message):
            settings_from_text(file(server, BY_NAME, missing), path)
