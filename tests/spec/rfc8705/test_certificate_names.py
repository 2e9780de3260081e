"""The name a client registered, and the names in its certificate."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from keystead.core.decisions import Allowed
from keystead.core.records.client import Client
from keystead.oauth.certificate_names import names_client
from tests.certificates import holder

SUBJECT = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme, Inc."),
        x509.NameAttribute(NameOID.COMMON_NAME, "orders"),
    ]
)
NAMES = (
    x509.DNSName("orders.acme.example"),
    x509.UniformResourceIdentifier("https://orders.acme.example/"),
    x509.IPAddress(ip_address("2001:db8::1")),
    x509.RFC822Name("orders@acme.example"),
)
CERTIFICATE = holder("", subject=SUBJECT, names=NAMES)

pytestmark = pytest.mark.spec("RFC 8705 section 2.1.2")


def carries(**registered: Any) -> bool:
    """Return whether the certificate is this client's."""
    return isinstance(names_client(CERTIFICATE.der, Client(realm="acme", id="orders", **registered)), Allowed)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("subject_dn", r"CN=orders,O=Acme\, Inc.,C=DE"),
        ("subject_dn", r"CN=orders,O=Acme\2c Inc.,C=DE"),
        ("subject_dn", r"2.5.4.3=orders,O=Acme\, Inc.,C=DE"),
        ("san_dns", "orders.acme.example"),
        ("san_uri", "https://orders.acme.example/"),
        ("san_ip", "2001:0db8:0:0::1"),
        ("san_email", "orders@acme.example"),
    ],
)
def test_the_registered_name_is_found(member: str, value: str) -> None:
    assert carries(**{f"tls_client_auth_{member}": value})


@pytest.mark.attack("A2")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("subject_dn", "CN=orders"),
        ("subject_dn", r"C=DE,O=Acme\, Inc.,CN=orders"),
        ("subject_dn", r"CN=Orders,O=Acme\, Inc.,C=DE"),
        ("subject_dn", r"CN=orders,O=Acme\, Inc.,C=DE,L=Bonn"),
        ("subject_dn", "not a name"),
        ("san_dns", "acme.example"),
        ("san_dns", "*.acme.example"),
        ("san_dns", "orders"),
        ("san_uri", "https://orders.acme.example"),
        ("san_uri", "orders.acme.example"),
        ("san_ip", "2001:db8::2"),
        ("san_ip", "orders.acme.example"),
        ("san_email", "Orders@acme.example"),
        ("san_email", "acme.example"),
    ],
)
def test_another_name_is_not(member: str, value: str) -> None:
    assert not carries(**{f"tls_client_auth_{member}": value})


def test_exactly_one_name_is_registered() -> None:
    assert not carries()
    assert not carries(tls_client_auth_san_dns="orders.acme.example", tls_client_auth_san_email="orders@acme.example")
