"""What the file says about keys, levels, answers and people: understood whole, or refused with what to write."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from keystead.app.convergence.desired import account_record, realm_record
from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError
from keystead.core.person_claims import claims_of

CLIENT: dict[str, Any] = {
    "client_id": "shop",
    "client_secret": "a secret of some length",
    "redirect_uris": ["https://shop.example/cb"],
}


def text(client: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **realm: Any) -> str:
    """Return a file with one client and one person. JSON is YAML."""
    people = [{"username": "alice", **(user or {})}]
    members = {"clients": [CLIENT | (client or {})], "users": people, **realm}
    return msgspec.json.encode({"realms": {"acme": members}}).decode()


def refused(document: str) -> str:
    """Return why a file is refused."""
    with pytest.raises(ConfigurationError) as caught:
        settings_from_text(document)
    return str(caught.value)


def test_by_default_clients_may_have_rs256_and_may_encrypt_to_two_kinds_of_key() -> None:
    realm = realm_record("acme", settings_from_text(text()).realms["acme"])
    assert realm.signing_algorithms == ("ES256", "RS256")
    assert realm.encryption_key_types == ("EC", "RSA")
    assert realm.status_lists is False


def test_what_is_written_of_a_person_is_told() -> None:
    user = {
        "given_name": "Alice",
        "birthdate": "1852-05-04",
        "phone_number": "+44",
        "address": {"locality": "Oxford"},
        "claims": {"name#ja": "x", "favourite": 7},
    }
    settings = settings_from_text(text(user=user)).realms["acme"].users[0]
    told = claims_of(account_record("acme", settings, "usr_1"))
    assert told == {
        "given_name": "Alice",
        "name": "Alice",
        "preferred_username": "alice",
        "birthdate": "1852-05-04",
        "phone_number": "+44",
        "phone_number_verified": False,
        "address": {"locality": "Oxford"},
        "name#ja": "x",
    }


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (text(further_signing_algorithms=["HS256"]), "ES256, EdDSA, RS256, PS256"),
        (text(encryption_key_types=["oct"]), "EC, RSA"),
        (text(acr_names={"3": "urn:x"}), "no such level"),
        (text(acr_names={"1": "2"}), "two levels have one name"),
        (text(acr_names={"1": "a b"}), "without spaces"),
        (text(status_lists=True, status_list_ttl=0), "status list"),
        (text({"id_token_signed_response_alg": "PS256"}), "further_signing_algorithms"),
        (text({"subject_type": "secret"}), "public or pairwise"),
        (text({"subject_type": "pairwise", "access_token_format": "jwt"}), "opaque"),
        (text({"userinfo_encrypted_response_alg": "dir"}), "RSA-OAEP-256"),
        (text({"userinfo_encrypted_response_alg": "ECDH-ES"}), "public key"),
        (text({"id_token_encrypted_response_enc": "A128GCM"}), "says nothing without"),
        (text(user={"birthdate": "4 May"}), "YYYY-MM-DD"),
        (text(user={"address": {"planet": "Earth"}}), "street_address"),
        (text(user={"picture": "me.png"}), "URL"),
        (text(user={"claims": {"sub": "usr_2"}}), "protocol's own"),
        (text(user={"claims": {"email": "a@b"}}), "field of its own"),
        (text(user={"claims": {"updated_at": "today"}}), "whole number of seconds"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_to_write(document: str, words: str) -> None:
    assert words in refused(document)
