"""Pairwise names under attack: a client that slips into another's sector would know its people by the same names."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keystead.core.records.client import Client
from keystead.core.records.registration import RegistrationPolicy
from keystead.core.sealing import AesGcmSealer
from keystead.oauth.subjects import subject_for
from tests.harness.documents import DocumentServer, document_server
from tests.issuer import KEY, Issuer
from tests.registrar import open_registrar

pytestmark = pytest.mark.attack("G8")

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
POLLING = RegistrationPolicy(grant_types=("authorization_code", "refresh_token", DEVICE))


@pytest.fixture
async def victim() -> AsyncIterator[DocumentServer]:
    """The web server of another application, with the document of its sector."""
    async with document_server() as server:
        server.put("/sector.json", ["https://victim.test/cb"])
        yield server


async def test_a_client_without_redirect_uris_does_not_slip_into_a_sector(
    issuer: Issuer, victim: DocumentServer
) -> None:
    """No redirect URI has to be named by the victim's document when there is none, but nothing vouches then."""
    registrar = await open_registrar(issuer, policy=POLLING)
    metadata = {
        "redirect_uris": ...,
        "grant_types": [DEVICE],
        "subject_type": "pairwise",
        "sector_identifier_uri": victim.url + "/sector.json",
        "token_endpoint_auth_method": "none",
    }
    assert await registrar.refused(**metadata) == "invalid_client_metadata"


async def test_a_redirect_uri_it_never_needs_gives_no_sector(issuer: Issuer) -> None:
    """It polls for its tokens, so it does not matter that the redirect URI is somebody else's."""
    registrar = await open_registrar(issuer, policy=POLLING)
    metadata = {
        "redirect_uris": ["https://victim.test/cb"],
        "grant_types": ["authorization_code", DEVICE],
        "subject_type": "pairwise",
    }
    assert await registrar.refused(**metadata) == "invalid_client_metadata"


async def test_a_poller_whose_keys_the_document_names_belongs(issuer: Issuer, victim: DocumentServer) -> None:
    registrar = await open_registrar(issuer, policy=POLLING)
    victim.put("/sector.json", ["https://own.test/keys"])
    metadata = {
        "redirect_uris": [],
        "grant_types": [DEVICE],
        "subject_type": "pairwise",
        "sector_identifier_uri": victim.url + "/sector.json",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks_uri": "https://own.test/keys",
    }
    assert (await registrar.registered(**metadata))["subject_type"] == "pairwise"


def test_a_scheme_is_no_host() -> None:
    """`victim.test:/cb` is a scheme any app may claim, and nothing of whoever has the host `victim.test`."""

    def told(redirect_uri: str) -> str:
        client = Client(realm="acme", id="c", subject_type="pairwise", redirect_uris=(redirect_uri,))
        return subject_for(AesGcmSealer(KEY), client, "usr_alice")

    assert told("victim.test:/cb") != told("https://victim.test/cb")
    assert told("https://victim.test/cb") == told("https://victim.test/other")
