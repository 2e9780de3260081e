"""Parsers of documents: request parameters in JSON, registrations, settings, models, tuples, pages of the feed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from keystead.app.settings.load import settings_from_text
from keystead.authz.errors import AuthorizationError
from keystead.authz.language import read_model
from keystead.authz.names import parse_object as parse_authz_object
from keystead.authz.names import parse_relation, parse_user
from keystead.core.errors import ConfigurationError, OAuthError
from keystead.core.records.client import Client
from keystead.core.records.detail_type import DetailField, DetailType
from keystead.core.records.realm import Realm
from keystead.core.revocation_feed import FeedPage
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.core.uris import host_of, wrong_redirect_uri, wrong_web_uri
from keystead.oauth.authorization_details import narrowed, read_details
from keystead.oauth.registration.metadata import draft_client, read_metadata
from keystead.oauth.subject_identifiers import read_subject
from keystead.oauth.user_codes import read_user_code
from keystead.sdk.revoked_marks import RevokedMarks
from tests.fuzz.target import Target
from tests.fuzz.tokens import JSON_WORDS
from tests.harness.configuration import shop_configuration

_MODEL: Final = (Path(__file__).parents[1] / "cases" / "shop.fga").read_bytes()
_SETTINGS: Final = yaml.safe_dump(shop_configuration("http://localhost:8080", "127.0.0.1:8080")).encode()
_CLIENT: Final = Client(realm="acme", id="web", authorization_details_types=("payment",))
_PAYMENT: Final = DetailType(
    locations=("https://a",),
    actions=("pay",),
    fields={
        "amount": DetailField(
            type="object",
            fields={"value": DetailField(type="string", maximum=9), "currency": DetailField(enum=("EUR", "CHF"))},
        )
    },
)
_REALM: Final = Realm(realm="acme", id="acme", authorization_details_types={"payment": _PAYMENT})
_DETAILS: Final = (
    b'[{"type":"payment","locations":["https://a"],"actions":["pay"],"amount":{"value":"1","currency":"EUR"}}]'
)
_REGISTRATION: Final = msgspec.json.encode(
    {
        "redirect_uris": ["https://app.test/cb"],
        "grant_types": ["authorization_code"],
        "client_name": "App",
        "client_name#de": "Anwendung",
        "jwks": {"keys": []},
        "token_endpoint_auth_method": "none",
    }
)
_PAGE: Final = msgspec.json.encode(
    {
        "iss": "https://id.test",
        "cursor": "1.ab",
        "more": False,
        "memory": 3600,
        "floor": 0,
        "revoked": [["X3oZ0mFfY2p4bJ7aQ9cN1w", 1, 0], ["q2V8lJ0bQ7mYtq0eQ8e0Ng", 1, 3]],
    }
)
_YAML_WORDS: Final = (
    *(
        b"&a [*a,*a]",
        b"*a",
        b"!!python/object:os.system x",
        b"<<: *a",
        b"? ",
        b"- ",
        b": ",
        b"\n  ",
        b"|\n",
        b"%YAML 1.1",
    ),
    *(b"${HOME}", b"file:/etc/passwd", b"yes", b"0o17", b"2001-01-01", b".nan", b"~", b"#", b"---\n"),
)
_MODEL_WORDS: Final = (
    *(
        b" or ",
        b" and ",
        b" but not ",
        b" from ",
        b"define ",
        b"relations\n",
        b"type ",
        b"condition ",
        b"with ",
        b"[user]",
    ),
    *(
        b"(",
        b")",
        b"[user:*]",
        b"[a#b]",
        b"\n    ",
        b"#",
        b"model\n  schema 1.1\n",
        b"(" * 60,
        b"extend ",
        b"module x\n",
    ),
)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _details(data: bytes) -> object:
    text = data.decode("utf-8", "replace")  # a form that is not UTF-8 was refused before
    granted: tuple[dict[str, Any], ...] = ({"type": "payment", "actions": ["pay"]},)
    try:
        narrowed(text, granted)
    except OAuthError:
        pass
    return read_details(text, _REALM, _CLIENT)


def _registration(data: bytes) -> object:
    return draft_client("acme", "dyn_1", read_metadata(data))


def _page(data: bytes) -> object:
    return RevokedMarks(maximum=100).add(msgspec.convert(parse_object(data), FeedPage), 0.0)


def _settings(data: bytes) -> object:
    return settings_from_text(data.decode("utf-8", "replace")[:12_000])


def _model(data: bytes) -> object:
    return read_model(data.decode("utf-8", "replace")[:12_000])


def _names(data: bytes) -> object:
    text = _text(data)
    for parse in (parse_authz_object, parse_user, parse_relation):
        try:
            parse(text)
        except AuthorizationError:
            continue
    return None


def _addresses(data: bytes) -> object:
    text = _text(data)
    return wrong_redirect_uri(text), wrong_web_uri(text), host_of(text)


DOCUMENTS: Final = (
    Target("authorization_details", _details, (_DETAILS,), JSON_WORDS, (OAuthError,)),
    Target(
        "subject identifier",
        lambda data: read_subject(parse_object(data)),
        (b'{"format":"email","email":"a@b"}',),
        JSON_WORDS,
        (OAuthError, NotStrictJson),
    ),
    Target("registration", _registration, (_REGISTRATION,), JSON_WORDS, (OAuthError,)),
    Target("page of the revocation feed", _page, (_PAGE,), JSON_WORDS, (ValueError,)),
    Target(
        "addresses",
        _addresses,
        (b"https://app.test/cb?x=1", b"http://127.0.0.1:8/cb", b"com.app:/cb", b"http://[::1]:8/"),
        (b"://", b"@", b"[", b"]", b":99999", b"\\", b"#"),
    ),
    Target("user code", lambda data: read_user_code(_text(data)), (b"ABCD-EFGH", b"abcdefgh"), (b"-", b" ")),
    Target("settings", _settings, (_SETTINGS,), _YAML_WORDS, (ConfigurationError,), bound=0.5),
    Target("authorization model", _model, (_MODEL,), _MODEL_WORDS, (AuthorizationError,), bound=0.2),
    Target(
        "names of the authorization engine", _names, (b"document:1", b"group:a#member", b"user:*"), (b":", b"#", b"*")
    ),
)
