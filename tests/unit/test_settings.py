"""The configuration file: what it says is what is understood, and what it gets wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from keystead.app.settings.load import load_settings, settings_from_text
from keystead.authz import read_model
from keystead.core.errors import ConfigurationError

DESIGN = """\
server: {base_url: http://localhost:8080, listen: 127.0.0.1:8080, database: sqlite:///keystead.db}
realms:
  acme:
    clients:
      - {client_id: shop-bff, token_endpoint_auth_method: workload, workload: gateway,
         redirect_uris: [http://localhost:8000/bff/callback],
         grant_types: [authorization_code, refresh_token, "urn:ietf:params:oauth:grant-type:token-exchange"]}
      - {client_id: batch, client_secret: "a secret of some length", grant_types: [client_credentials],
         scope: "catalog:read", access_token_format: jwt}
    users:
      - {username: alice, password: "correct horse", email: alice@acme.example,
         email_verified: true, given_name: Alice, roles: [customer]}
    apis:
      - {audience: https://catalog.acme.example, scopes: [catalog:read, catalog:write], exchange: {from: [shop-bff]}}
    workloads:
      - {name: gateway}
      - {name: orders, attest: {unix: {user: orders}}, roles: [{role: bus-sender, on: "orders.>"}]}
"""


def refused(text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings_from_text(text)
    return str(caught.value)


def test_the_file_of_the_design_is_understood() -> None:
    settings = settings_from_text(DESIGN)
    realm = settings.realms["acme"]
    assert settings.server is not None
    assert settings.server.base_url == "http://localhost:8080"
    assert realm.apis[0].exchange.sources == ("shop-bff",)
    assert realm.clients[1].client_secret is not None
    assert realm.clients[1].client_secret.reveal() == "a secret of some length"
    assert realm.workloads[1].roles[0].on == "orders.>"
    assert "correct horse" not in repr(settings)


def test_an_unknown_key_names_its_line_and_the_nearest_known_one() -> None:
    message = refused(DESIGN.replace("      - {name: gateway}", "      - {name: gateway, atest: {}}"))
    assert message.startswith("keystead.yaml:16: unknown key `atest`; did you mean `attest`?")


def test_an_unknown_key_at_the_top_is_refused() -> None:
    assert refused("sever: {}\n") == "keystead.yaml:1: unknown key `sever`; did you mean `server`?"


def test_a_wrong_type_names_the_setting_and_its_line() -> None:
    message = refused(DESIGN.replace("email_verified: true", "email_verified: yes"))
    assert message.startswith("keystead.yaml:12: realms.acme.users.0.email_verified: Expected `bool`, got `str`")


def test_a_missing_key_is_named() -> None:
    assert "Object missing required field `audience`" in refused("realms: {a: {apis: [{scopes: [x]}]}}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: 1\na: 2\n", "`a` is there twice"),
        ("a: &x {b: 1}\nc: *x\n", "aliases"),
        ("a: [" + "[" * 40 + "]" * 40 + "]", "nesting"),
        ("a: {b: 1\n", "not YAML"),
        ("", "the file is empty"),
        ("- a\n", "must be a mapping"),
        ("realms: {Acme: {}}", "cannot name a realm"),
    ],
)
def test_a_broken_file_says_what_to_mend(text: str, says: str) -> None:
    assert says in refused(text)


def test_words_that_look_like_booleans_are_texts() -> None:
    settings = settings_from_text("realms: {no: {users: [{username: on, name: yes, given_name: 0123}]}}")
    assert settings.realms["no"].users[0].username == "on"
    assert settings.realms["no"].users[0].given_name == "0123"


def test_secrets_come_from_the_environment_and_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from a file, long enough\n")
    text = """realms: {a: {clients: [
      {client_id: one, client_secret: "${KEYSTEAD_TEST}-and-more", grant_types: [client_credentials]},
      {client_id: two, client_secret: "file:secret", grant_types: [client_credentials]}]}}"""
    path = tmp_path / "keystead.yaml"
    path.write_text(text)
    one, two = load_settings(path, {"KEYSTEAD_TEST": "value"}).realms["a"].clients
    assert one.client_secret is not None
    assert two.client_secret is not None
    assert one.client_secret.reveal() == "value-and-more"
    assert two.client_secret.reveal() == "from a file, long enough"
    with pytest.raises(ConfigurationError, match="KEYSTEAD_TEST; set it"):
        load_settings(path, {})
    (tmp_path / "secret").unlink()
    with pytest.raises(ConfigurationError, match=r"keystead\.yaml:3.*cannot read the secret's file"):
        load_settings(path, {"KEYSTEAD_TEST": "value"})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("base_url: http://localhost:8080", "base_url: http://id.example.com", "plain http off loopback"),
        ("base_url: http://localhost:8080", "base_url: http://localhost:8080/", "slash at the end"),
        ("listen: 127.0.0.1:8080", "listen: localhost", "no address and port"),
        ("sqlite:///keystead.db", "mysql://x", "sqlite:///FILE"),
        (
            "redirect_uris: [http://localhost:8000/bff/callback]",
            "redirect_uris: [http://shop.example/cb]",
            "plain http",
        ),
        (
            "redirect_uris: [http://localhost:8000/bff/callback]",
            'redirect_uris: ["https://a.example/#x"]',
            "no fragment",
        ),
        ("redirect_uris: [http://localhost:8000/bff/callback]", 'redirect_uris: ["javascript:alert(1)"]', "use https"),
        ("redirect_uris: [http://localhost:8000/bff/callback]", 'redirect_uris: ["https://*.a.example/"]', "wildcards"),
        ("client_id: batch", "client_id: usr_batch", "must not begin with usr_"),
        ("client_id: batch", "client_id: shop-bff", "is there twice"),
        ("client_id: batch", "client_id: orders", "is a client_id too"),
        ('scope: "catalog:read"', 'scope: "catalog:raed"', "no API of this realm has the scope catalog:raed"),
        ("from: [shop-bff]", "from: [shop]", "neither a client nor a workload"),
        ("access_token_format: jwt", "access_token_format: jws", "opaque or jwt"),
        ("workload: gateway,", "", "needs the name of the `workload`"),
        ('client_secret: "a secret of some length"', "client_secret: short", "at least 8 characters"),
    ],
)
def test_what_contradicts_itself_is_refused_with_a_remedy(old: str, new: str, says: str) -> None:
    assert old in DESIGN
    assert says in refused(DESIGN.replace(old, new))


def test_all_problems_are_shown_at_once() -> None:
    message = refused(DESIGN.replace("from: [shop-bff]", "from: [shop]").replace("format: jwt", "format: x"))
    assert len(message.splitlines()) == 2


def test_off_loopback_a_short_secret_is_refused() -> None:
    text = DESIGN.replace("http://localhost:8080", "https://id.example.com").replace(
        "a secret of some length", "12345678"
    )
    assert "at least 16 characters" in refused(text)


@pytest.mark.parametrize(
    ("gateway", "says"),
    [
        ("listen: 0.0.0.0:8000", "needs `tls`"),
        ("public_url: http://shop.example.com", "plain http off loopback"),
    ],
)
def test_a_gateway_shows_no_cookie_to_the_network(gateway: str, says: str) -> None:
    assert says in refused(f"gateway: {{client_id: shop, {gateway}}}")
    settings_from_text("gateway: {client_id: shop, listen: 0.0.0.0:8000, trusted_proxies: [10.0.0.1]}")


def test_a_client_that_proves_nothing_exchanges_nothing() -> None:
    text = "clients: [{client_id: spa, redirect_uris: ['https://a.example/']}]"
    apis = "apis: [{audience: 'https://a.example', exchange: {from: [spa]}}]"
    assert "proves nothing about itself" in refused(f"realms: {{a: {{{text}, {apis}}}}}")


def test_the_authorization_section_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "keystead.yaml"
    path.write_text("realms: {acme: {}}\nauthz: {stores: {shop: {realm: acme, model_file: shop.fga, default: true}}}\n")
    with pytest.raises(ConfigurationError, match=r"keystead\.yaml:2: cannot read the model"):
        load_settings(path)
    (tmp_path / "shop.fga").write_text(
        "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define owner: [usr]\n"
    )
    with pytest.raises(ConfigurationError, match="usr"):
        load_settings(path)
    (tmp_path / "shop.fga").write_text(
        "model\n  schema 1.1\ntype user\ntype doc\n  relations\n    define owner: [user]\n"
    )
    settings = load_settings(path)
    assert settings.authz is not None
    assert settings.authz.stores["shop"].default
    path.write_text(path.read_text().replace("realm: acme", "realm: acm"))
    with pytest.raises(ConfigurationError, match="no realm `acm`"):
        load_settings(path)


def test_a_store_may_have_a_modular_model(tmp_path: Path) -> None:
    path = tmp_path / "keystead.yaml"
    path.write_text("realms: {acme: {}}\nauthz: {stores: {shop: {realm: acme, model_file: fga.mod}}}\n")
    (tmp_path / "fga.mod").write_text("schema: '1.2'\ncontents: [core.fga, shop.fga]\n")
    (tmp_path / "core.fga").write_text("module core\ntype user\n")
    with pytest.raises(ConfigurationError, match=r"cannot read shop\.fga"):
        load_settings(path)
    (tmp_path / "shop.fga").write_text("module shop\ntype order\n  relations\n    define owner: [person]\n")
    with pytest.raises(ConfigurationError, match=r"shop\.fga:4:20: `person` is not a valid type"):
        load_settings(path)
    (tmp_path / "shop.fga").write_text("module shop\ntype order\n  relations\n    define owner: [user]\n")
    settings = load_settings(path)
    assert settings.authz is not None
    model = read_model(settings.authz.stores["shop"].model)
    assert [each.module for each in model.types] == ["core", "shop"]
