"""The catalogue of plug-ins: complete, without duplicates, and honest about what each may log."""

from __future__ import annotations

import inspect
import re
import sys
from types import ModuleType
from typing import Any

import pytest

from keystead.core.errors import ConfigurationError
from keystead.oauth import catalogue
from keystead.oauth.catalogue import client_authentications, endpoints, grants, scan
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown
from keystead.oauth.context import ServerContext
from keystead.oauth.grant import Grant

SLUG = re.compile(r'"((?:authorization_code|refresh_token|token_exchange|client_credentials|client)\.[a-z_]+)"')


def test_the_folders_hold_what_the_product_promises() -> None:
    assert set(grants()) >= {
        "authorization_code",
        "refresh_token",
        "client_credentials",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    }
    assert {method.method for method in client_authentications()} >= {
        "client_secret_basic",
        "client_secret_post",
        "private_key_jwt",
        "tls_client_auth",
        "self_signed_tls_client_auth",
        "workload",
        "none",
    }
    assert {"token", "introspect", "revoke", "userinfo", "jwks", "authorize", "logout"} <= set(endpoints())


def _folder(monkeypatch: pytest.MonkeyPatch, **plugins: type) -> ModuleType:
    """Return a package of one file that holds these classes."""
    folder, file = ModuleType("folder"), ModuleType("folder.file")
    for name, plugin in plugins.items():
        plugin.__module__ = file.__name__
        setattr(file, name, plugin)
    monkeypatch.setitem(sys.modules, "folder.file", file)
    monkeypatch.setattr(catalogue, "_modules", lambda _: [file])
    return folder


class _Whole(ClientAuthentication):
    method = "whole"
    specs = grants()["refresh_token"].specs

    def recognises(self, shown: Shown) -> bool:
        return False

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        raise NotImplementedError


def test_a_whole_plugin_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = scan(_folder(monkeypatch, One=type("One", (_Whole,), {})), ClientAuthentication, "method")
    assert list(found) == ["whole"]


def test_two_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _folder(monkeypatch, One=type("One", (_Whole,), {}), Two=type("Two", (_Whole,), {}))
    with pytest.raises(ConfigurationError, match="two plug-ins are named whole"):
        scan(folder, ClientAuthentication, "method")


@pytest.mark.parametrize("facets", [{"method": None}, {"specs": ()}, {"__abstractmethods__": frozenset({"prove"})}])
def test_half_a_plugin_is_refused(monkeypatch: pytest.MonkeyPatch, facets: dict[str, Any]) -> None:
    half = type("Half", (_Whole,), {})
    for name, value in facets.items():
        setattr(half, name, value)
    with pytest.raises(ConfigurationError, match="Half is half filled"):
        scan(_folder(monkeypatch, Half=half), ClientAuthentication, "method")


@pytest.mark.parametrize("plugin", [*grants().values(), *client_authentications()], ids=lambda one: type(one).__name__)
def test_every_reason_a_plugin_gives_is_declared(plugin: Grant[Any] | ClientAuthentication) -> None:
    module = inspect.getmodule(type(plugin))
    assert module is not None
    used = set(SLUG.findall(inspect.getsource(module)))
    assert used <= set(plugin.events), "a reason is given and not declared"
