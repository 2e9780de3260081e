"""What the file says about authorization requests, and what it gets wrong about them."""

from __future__ import annotations

import pytest

from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError

FILE = """\
realms:
  acme:
    pushed_request_lifetime: 60
    encryption_key_types: [EC]
    authorization_details_types:
      payment: {description: Pay, actions: [initiate], fields: {amount: {type: number, maximum: 100}, to: {}}}
      list: {fields: {items: {type: array, items: {type: object, fields: {name: {required: true}}}}}}
    clients:
      - client_id: shop
        client_secret: a secret of some length
        redirect_uris: [https://shop.example/cb]
        jwks: {keys: []}
        token_endpoint_auth_method: client_secret_basic
        authorization_details_types: [payment, list]
        request_object_encryption_alg: ECDH-ES
        request_uris: [https://shop.example/request.jwt]
        response_modes: [query, jwt]
"""


def test_a_good_file_is_understood() -> None:
    realm = settings_from_text(FILE).realms["acme"]
    payment = realm.authorization_details_types["payment"]
    assert payment.fields["amount"].maximum == 100
    assert payment.fields["to"].type == "string"
    assert not payment.remember


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("lifetime: 60", "lifetime: 600", "a pushed request lives 5 to 599 seconds"),
        ("lifetime: 60", "lifetime: 4", "a pushed request lives 5 to 599 seconds"),
        ("[payment, list]", "[payment, pay]", "authorization_details_types have no pay"),
        ("type: number", "type: decimal", "write one of string, integer, number"),
        ("{type: number, maximum: 100}", "{type: array}", "an array says what its `items` are"),
        ("to: {}", "to: {fields: {x: {}}}", "only an object has `fields`"),
        ("to: {}", "actions: {}", "`actions` is a common field"),
        ("to: {}", "to: {max: 3}", "unknown key `max`"),
        ("[query, jwt]", "[fragment]", "`fragment` is not served"),
        ("[query, jwt]", "[fragment.jwt]", "`fragment.jwt` is not served"),
        ("encryption_alg: ECDH-ES", "encryption_alg: RSA1_5", "write one of RSA-OAEP-256"),
        ("encryption_alg: ECDH-ES", "encryption_alg: RSA-OAEP-256", "add its type to encryption_key_types"),
        ("encryption_alg: ECDH-ES", "encryption_enc: A128GCM", "says nothing without"),
        ("encryption_alg: ECDH-ES", "signing_alg: none", "write one of ES256"),
        ("jwks: {keys: []}", "require_signed_request_object: true", "needs the client's public keys"),
        ("https://shop.example/request", "http://shop.example/request", "use https"),
    ],
)
def test_what_cannot_work_is_refused_with_a_remedy(old: str, new: str, says: str) -> None:
    assert old in FILE
    with pytest.raises(ConfigurationError) as caught:
        settings_from_text(FILE.replace(old, new))
    assert says in str(caught.value)
