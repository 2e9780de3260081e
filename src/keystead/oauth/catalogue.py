"""The list of plug-ins: what stands in the folders, each once, whole, or the server does not start.

Does not: mount or configure. `keystead.app` does, with what it finds here.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from functools import cache
from types import ModuleType
from typing import Any

from keystead.core.errors import ConfigurationError
from keystead.oauth import client_auth as client_auth_folder
from keystead.oauth import endpoints as endpoints_folder
from keystead.oauth import grants as grants_folder
from keystead.oauth import messages as messages_folder
from keystead.oauth import outcomes as outcomes_folder
from keystead.oauth.client_authentication import ClientAuthentication
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.grant import Grant
from keystead.oauth.message import Message
from keystead.oauth.outcome import Outcome


@cache
def grants() -> dict[str, Grant[Any]]:
    """Return the grants by grant type."""
    return scan(grants_folder, Grant, "grant_type")


@cache
def client_authentications() -> tuple[ClientAuthentication, ...]:
    """Return the client authentication methods. A request is shown to each in turn; at most one recognises it."""
    return tuple(scan(client_auth_folder, ClientAuthentication, "method").values())


@cache
def endpoints() -> dict[str, EndpointPlugin]:
    """Return the endpoints of this package by path."""
    return scan(endpoints_folder, EndpointPlugin, "path")


@cache
def outcomes() -> dict[str, Outcome]:
    """Return what a finished authorization request can become beside a code, by name."""
    return scan(outcomes_folder, Outcome, "name")


@cache
def messages() -> dict[str, Message]:
    """Return the kinds of message that are made when they are sent, by purpose."""
    return scan(messages_folder, Message, "purpose")


def scan(folder: ModuleType, shape: type, key: str, *, facet: str = "specs") -> dict[str, Any]:
    """Return one object of each plug-in class defined in a package's files, by the facet that names it.

    Raises: ConfigurationError when a plug-in is half filled or two have one name.
    """
    found: dict[str, Any] = {}
    for module in _modules(folder):
        for plugin in vars(module).values():
            if not inspect.isclass(plugin) or not issubclass(plugin, shape) or plugin.__module__ != module.__name__:
                continue
            name = getattr(plugin, key, None)
            if inspect.isabstract(plugin) or not isinstance(name, str) or not getattr(plugin, facet, ()):
                raise ConfigurationError(
                    f"plug-in {plugin.__name__} is half filled: it needs {key}, {facet} and its methods"
                )
            if name in found:
                raise ConfigurationError(
                    f"two plug-ins are named {name}: {plugin.__name__} and {type(found[name]).__name__}"
                )
            found[name] = plugin()
    return found


def _modules(folder: ModuleType) -> list[ModuleType]:
    names = sorted(info.name for info in pkgutil.iter_modules(folder.__path__, f"{folder.__name__}."))
    return [importlib.import_module(name) for name in names]
