"""The token endpoint under the name that OpenFGA's SDKs put behind an issuer, in a realm and outside of all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from keystead.app.asgi import AsgiApplication
from keystead.app.http_server.application import Application
from keystead.app.issuer_process import default_realm
from keystead.app.routes import IssuerRoutes
from keystead.app.settings.authorization import AuthorizationSettings, StoreSettings
from keystead.app.settings.load import settings_from_text
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.settings import Settings
from keystead.core.errors import ConfigurationError
from keystead.oauth.catalogue import endpoints
from tests.app.bare_server import Counter
from tests.issuer import BASE, SECRET, Issuer, confidential

ALIAS = "/oauth/token"
FORM = {
    "grant_type": "client_credentials",
    "client_id": "checker",
    "client_secret": SECRET,
    "audience": f"{BASE}/authz",
}


@pytest.fixture
async def shop(issuer: Issuer, tmp_path: Path) -> Issuer:
    """Two realms with a client of the same name; in the second the client has another secret."""
    service: dict[str, Any] = {
        "grant_types": ("client_credentials",),
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "authz:read",
    }
    await issuer.set_up(confidential("checker", **service))
    other = Issuer(tmp_path, realm="other", store=issuer.store)
    await other.set_up(confidential("checker", realm="other", **(service | {"client_secret_digests": ("x",)})))
    return issuer


async def post(shop: Issuer, path: str, realm: str) -> httpx2.Response:
    """Ask for a token as the SDKs do: credentials in the form, and an audience."""
    application = AsgiApplication(Application(IssuerRoutes(shop.cx, endpoints(), realm), meter=Counter()))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(application), base_url=BASE) as client:
        return await client.post(path, data=FORM)


@pytest.mark.parametrize("path", [ALIAS, "/realms/acme/oauth/token", "/realms/acme/token"])
async def test_a_token_comes_from_each_name(shop: Issuer, path: str) -> None:
    reply = await post(shop, path, "acme")
    assert reply.status_code == 200, reply.text
    assert reply.json()["scope"] == "authz:read"


async def test_the_default_realm_is_the_one_asked(shop: Issuer) -> None:
    reply = await post(shop, ALIAS, "other")
    assert (reply.status_code, reply.json()["error"]) == (401, "invalid_client")


async def test_without_a_default_nothing_is_guessed(shop: Issuer) -> None:
    reply = await post(shop, ALIAS, "")
    assert (reply.status_code, reply.json()["error"]) == (400, "invalid_request")
    assert "/realms/REALM/oauth/token" in reply.json()["error_description"]


def _stores(**realms: str) -> AuthorizationSettings:
    marked = {name: realm.partition("!") for name, realm in realms.items()}
    return AuthorizationSettings(
        stores={name: StoreSettings(realm=realm, default=bool(mark)) for name, (realm, mark, _) in marked.items()}
    )


@pytest.mark.parametrize(
    ("realms", "authz", "chosen"),
    [
        ("a", None, "a"),
        ("ab", None, ""),
        ("ab", _stores(shop="b"), "b"),
        ("ab", _stores(shop="a", other="b"), ""),
        ("ab", _stores(shop="a", other="b!"), "b"),
    ],
    ids=["only realm", "two realms", "only realm with a store", "two with stores", "default store"],
)
def test_which_realm_is_the_default(realms: str, authz: AuthorizationSettings | None, chosen: str) -> None:
    assert default_realm(Settings(realms={name: RealmSettings() for name in realms}, authz=authz)) == chosen


@pytest.mark.parametrize(
    ("realm", "says"),
    [
        ("apis: [{audience: https://a.test, scopes: ['authz:mine']}]", "belong to the authorization API"),
        ("apis: [{audience: 'http://localhost:8080/authz'}]", "has this audience already"),
        (
            "clients: [{client_id: a, client_secret: long-enough-to-be-one, grant_types: [client_credentials], "
            "scope: 'authz:reed'}]",
            "no API of this realm has the scope authz:reed",
        ),
    ],
    ids=["scope", "audience", "typing error"],
)
def test_a_file_may_not_take_what_belongs_to_the_api(realm: str, says: str) -> None:
    server = "server: {base_url: 'http://localhost:8080', listen: '127.0.0.1:8080', database: 'sqlite:///a.db'}"
    with pytest.raises(ConfigurationError, match=says):
        settings_from_text(f"{server}\nrealms: {{a: {{{realm}}}}}\n")
