"""`htu` against the URL that was called: normalised, without query and fragment."""

from __future__ import annotations

import pytest

from keystead.core.jose.dpop import Arrived, Proof, ProofReader
from keystead.core.jose.request_uri import normalised
from keystead.core.values import EpochSeconds
from tests.dpop import Sender

NOW = 1_800_000_000
URL = "https://id.test/realms/acme/token"

SAME = [
    URL,
    "HTTPS://ID.Test/realms/acme/token",
    "https://id.test:443/realms/acme/token",
    "https://id.test:/realms/acme/token",
    "https://id.test/realms/acme/token?all=doors",
    "https://id.test/realms/acme/token#top",
    "https://id.test/realms/acme/token?a=1#b",
    "https://id.test/realms/%61cme/token",
    "https://id.test/realms/x/../acme/./token",
    "https://id.test/realms/acme/toke%6E",
]
OTHER = [
    "https://id.test/realms/acme/tokenohnonotagain",
    "https://id.test/realms/acme/token/",
    "https://id.test/realms/Acme/token",
    "https://id.test/realms/acme%2Ftoken",
    "https://id.test//realms/acme/token",
    "https://id.test/realms/acme/userinfo",
    "https://id.test/realms/other/token",
    "http://id.test/realms/acme/token",
    "https://id.test:8443/realms/acme/token",
    "https://id.test:0443/realms/acme/token",
    "https://id.test.evil.test/realms/acme/token",
    "https://evil.test/realms/acme/token",
    "https://user@id.test/realms/acme/token",
    "https://id.test@evil.test/realms/acme/token",
    "https://id.test\\@evil.test/realms/acme/token",
    "https://evil.test/https://id.test/realms/acme/token",
    "https://evil.test?https://id.test/realms/acme/token",
    "https://id.test./realms/acme/token",
    " https://id.test/realms/acme/token",
    "https://id.test/realms/acme/token ",
    "https://id.test/realms/acme/token\n",
    "https://id.test/realms/acme/to%zzken",
    "https:/id.test/realms/acme/token",
    "//id.test/realms/acme/token",
    "/realms/acme/token",
    "https://іd.test/realms/acme/token",
    "ftp://id.test/realms/acme/token",
    "",
]


def read(htu: str) -> bool:
    """Return whether a proof with this `htu` is good for the URL."""
    proof = Sender().proof("POST", htu, NOW)
    return isinstance(ProofReader().read(proof, Arrived("POST", (URL,), EpochSeconds(NOW))), Proof)


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.parametrize("htu", SAME)
def test_spellings_of_one_url_are_the_same(htu: str) -> None:
    assert read(htu)


@pytest.mark.spec("RFC 9449 section 4.3")
@pytest.mark.attack("A3")
@pytest.mark.parametrize("htu", OTHER)
def test_another_url_is_another_url(htu: str) -> None:
    assert not read(htu)


@pytest.mark.spec("RFC 3986 section 6.2.2")
def test_what_is_no_url_has_no_spelling() -> None:
    assert normalised("https://id.test") == "https://id.test/"
    assert normalised("https://[2001:DB8::1]:443/a%2fb/%7euser") == "https://[2001:db8::1]/a%2Fb/~user"
    assert normalised("https://id.test/" + "a" * 5000) == ""
    assert normalised("https://id.test/a/b/..") == "https://id.test/a/"
    assert normalised("https://id.test/../../a") == "https://id.test/a"
