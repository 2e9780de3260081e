"""Whose certificate is vouched for: chains to the authorities a realm names."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from keystead.app.certificate_trust import X509Trust
from keystead.core.decisions import Allowed, Denied
from keystead.core.values import EpochSeconds
from tests.certificates import Holder, holder

VECTORS = Path(__file__).parents[2] / "vectors" / "x509"
NOW = EpochSeconds(1_800_000_000)
ROOT = holder("Root", authority=True, now=NOW)
BETWEEN = holder("Between", issuer=ROOT, authority=True, now=NOW)

pytestmark = [pytest.mark.spec("RFC 8705 section 2.1"), pytest.mark.attack("A2")]


def verdict(shown: Holder, *chain: Holder, authorities: str = "") -> Allowed | Denied:
    """Judge one certificate."""
    return X509Trust().vouched_for(shown.der, tuple(one.der for one in chain), authorities or ROOT.pem, NOW)


def test_a_chain_to_an_authority_is_enough() -> None:
    assert isinstance(verdict(holder("client", issuer=ROOT, now=NOW)), Allowed)
    assert isinstance(verdict(holder("client", issuer=BETWEEN, now=NOW), BETWEEN), Allowed)
    assert isinstance(verdict(holder("client", issuer=BETWEEN, now=NOW), authorities=BETWEEN.pem), Allowed)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    assert isinstance(verdict(holder("client", issuer=ROOT, now=NOW, extensions=(usage,))), Allowed)


def test_a_plain_certificate_of_version_one_is_as_good_as_its_authority() -> None:
    """Made with `openssl x509 -req`, as most people do: no extensions at all."""
    root, client, foreign = ((VECTORS / f"{name}.pem").read_text() for name in ("root", "client-v1", "foreign-v1"))
    trust, now = X509Trust(), EpochSeconds(1_800_000_000)
    der = x509.load_pem_x509_certificate(client.encode())
    assert der.version is x509.Version.v1
    assert isinstance(trust.vouched_for(der.public_bytes(Encoding.DER), (), root, now), Allowed)
    other = x509.load_pem_x509_certificate(foreign.encode()).public_bytes(Encoding.DER)
    assert isinstance(trust.vouched_for(other, (), root, now), Denied)


def test_what_no_authority_vouches_for_is_refused() -> None:
    other = holder("Root", authority=True, now=NOW)
    no_authority = holder("client", issuer=ROOT, now=NOW)
    for_servers = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    for shown, *chain in (
        (holder("client", now=NOW),),
        (holder("client", issuer=other, now=NOW),),
        (holder("client", issuer=other, now=NOW), other),
        (holder("client", issuer=BETWEEN, now=NOW),),
        (holder("client", issuer=ROOT, now=NOW, days=-1),),
        (holder("client", issuer=no_authority, now=NOW), no_authority),
        (holder("client", issuer=ROOT, now=NOW, extensions=(for_servers,)),),
        (ROOT,),
        (BETWEEN,),
    ):
        outcome = verdict(shown, *chain)
        assert isinstance(outcome, Denied), shown.certificate
        assert outcome.reason == "certificate.not_trusted"


def test_without_authorities_nobody_is_trusted() -> None:
    outcome = X509Trust().vouched_for(holder("client", issuer=ROOT, now=NOW).der, (), "", NOW)
    assert isinstance(outcome, Denied)
    assert isinstance(verdict(ROOT, authorities=holder("Other", authority=True, now=NOW).pem), Denied)


@pytest.mark.parametrize("text", [b"", b"0\x03\x02\x01\x01", b"not a certificate", bytes(5000)])
def test_what_is_no_certificate_is_refused(text: bytes) -> None:
    assert isinstance(X509Trust().vouched_for(text, (), ROOT.pem, NOW), Denied)
    assert isinstance(X509Trust().valid_now(text, NOW), Denied)


def test_validity_is_a_matter_of_time() -> None:
    assert isinstance(X509Trust().valid_now(holder("a", now=NOW).der, NOW), Allowed)
    assert isinstance(X509Trust().valid_now(holder("a", now=NOW, days=-1).der, NOW), Denied)
