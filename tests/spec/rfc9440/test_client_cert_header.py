"""Certificates in proxy headers, read strictly: RFC 9440's `Client-Cert` and Envoy's XFCC."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_network
from urllib.parse import quote

import pytest

from keystead.app.http_server.application import Application
from keystead.app.metrics import Metrics
from keystead.core.forwarded_certificate import (
    CLIENT_CERT,
    NOTHING,
    XFCC,
    ForwardedCertificate,
    NotOneCertificate,
    read_forwarded,
)
from tests.certificates import holder

ROOT = holder("Root", authority=True)
CLIENT = holder("client", issuer=ROOT)
OTHER = holder("other")

pytestmark = pytest.mark.attack("A2")


def sequence(der: bytes) -> bytes:
    """Return an RFC 9651 byte sequence."""
    return b":" + b64encode(der) + b":"


@pytest.mark.spec("RFC 9440 section 2.2")
@pytest.mark.spec("RFC 9440 section 2.3")
def test_the_certificate_and_its_chain_are_read() -> None:
    headers = ((b"client-cert", sequence(CLIENT.der)), (b"client-cert-chain", sequence(ROOT.der)))
    assert read_forwarded(headers, CLIENT_CERT) == ForwardedCertificate(CLIENT.der, (ROOT.der,))
    listed = sequence(ROOT.der) + b", " + sequence(OTHER.der)
    spread = (headers[0], (b"client-cert-chain", listed), (b"client-cert-chain", sequence(OTHER.der)))
    assert read_forwarded(spread, CLIENT_CERT).chain == (ROOT.der, OTHER.der, OTHER.der)
    assert read_forwarded((), CLIENT_CERT) is NOTHING


@pytest.mark.spec("RFC 9440 section 2.2")
@pytest.mark.parametrize(
    "value",
    [
        b"",
        b":",
        b"::",
        b64encode(CLIENT.der),
        sequence(CLIENT.der)[:-1],
        sequence(CLIENT.der) + b"x",
        sequence(CLIENT.der) + b", " + sequence(OTHER.der),
        sequence(CLIENT.der) + b";a=1",
        b":" + b64encode(CLIENT.der)[:-1] + b":",
        b":" + b64encode(CLIENT.der).replace(b"A", b" ", 1) + b":",
        sequence(b"not a certificate"),
        b":" + b"A" * 50_000 + b":",
        quote(CLIENT.pem).encode(),
    ],
)
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(NotOneCertificate):
        read_forwarded(((b"client-cert", value),), CLIENT_CERT)


@pytest.mark.spec("RFC 9440 section 3")
def test_two_certificates_are_nobodys() -> None:
    twice = ((b"client-cert", sequence(CLIENT.der)), (b"client-cert", sequence(OTHER.der)))
    for format, headers in ((CLIENT_CERT, twice), (XFCC, ((b"x-forwarded-client-cert", b"Cert=x"),) * 2)):
        with pytest.raises(NotOneCertificate):
            read_forwarded(headers, format)


def xfcc(value: str) -> ForwardedCertificate:
    """Read one XFCC header."""
    return read_forwarded(((b"x-forwarded-client-cert", value.encode()),), XFCC)


def test_the_nearest_proxys_element_counts() -> None:
    subject = 'Subject="CN=a,b;c\\"d=,\\\\"'
    own, other = quote(CLIENT.pem, safe=""), quote(OTHER.pem, safe="")
    chain = quote(CLIENT.pem + ROOT.pem, safe="")
    assert xfcc(f"Hash=00;Cert={own}").certificate == CLIENT.der
    assert xfcc(f'By=spiffe://a;Hash=00;Cert="{own}";Chain="{chain}";{subject};URI=spiffe://b').chain == (ROOT.der,)
    assert xfcc(f'{subject};Cert="{other}",By=x;Cert="{own}"').certificate == CLIENT.der


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Hash=00",
        "Cert=",
        'Cert=""',
        "Cert=%zz",
        "Cert=MIIB",
        f'Cert="{quote(CLIENT.pem)}',
        f"Cert={quote(CLIENT.pem)};Cert={quote(OTHER.pem)}",
        f"Cert={quote(CLIENT.pem)};cert={quote(OTHER.pem)}",
        f"Cert={quote(CLIENT.pem)},Hash=00",
        f"Cert={quote(CLIENT.pem)},",
        "Cert",
        "é",
    ],
)
def test_an_element_without_one_certificate_is_refused(value: str) -> None:
    with pytest.raises(NotOneCertificate):
        xfcc(value)


@pytest.mark.spec("RFC 9440 section 4")
@pytest.mark.parametrize(
    ("peer", "header", "believed"),
    [
        ("10.0.0.1", CLIENT_CERT, True),
        ("10.0.0.2", CLIENT_CERT, False),
        ("10.0.0.1", "", False),
        ("10.0.0.1", XFCC, False),
        ("not an address", CLIENT_CERT, False),
    ],
)
def test_only_the_named_header_of_a_named_proxy_counts(peer: str, header: str, believed: bool) -> None:
    networks = (ip_network("10.0.0.1/32"),)
    application = Application(_NoRoutes(), meter=Metrics(), trusted_proxies=networks, certificate_header=header)
    headers = ((b"client-cert", sequence(CLIENT.der)),)
    assert bool(application.forwarded_certificate(peer, headers).certificate) is believed


class _NoRoutes:
    def find(self, path: str) -> None:
        """Find nothing."""
