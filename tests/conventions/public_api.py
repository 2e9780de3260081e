"""The public API as text: what services import, with its signatures.

`python -m tests.conventions.public_api` writes the snapshot anew.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path

SNAPSHOT = Path(__file__).with_name("public_api.txt")
MODULES = (
    "keystead.sdk",
    "keystead.sdk.asgi",
    "keystead.sdk.wsgi",
    "keystead.sdk.fastapi",
    "keystead.sdk.flask",
    "keystead.sdk.django",
    "keystead.sdk.shared_facts",
    "keystead.sdk.service_client",
    "keystead.authz",
    "keystead.authz.blocking",
    "keystead.authz.rows",
    "keystead.authz.rows.sqlalchemy",
    "keystead.authz.rows.django",
    "keystead.api.openfga",
)


def describe() -> str:
    """Return the API, one name a line."""
    return "\n".join(line for module in MODULES for line in _module(module)) + "\n"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    public = getattr(module, "__all__", None) or [
        each
        for each, value in vars(module).items()
        if not each.startswith("_") and getattr(value, "__module__", "") == name
    ]
    for each in sorted(public):
        yield from _value(f"{name}.{each}", getattr(module, each))


def _value(name: str, value: object) -> Iterator[str]:
    if inspect.isclass(value):
        yield f"class {name}{_signature(value)}"
        for each, member in sorted(vars(value).items()):
            if not each.startswith("_") and callable(getattr(value, each)):
                yield f"    {name}.{each}{_signature(getattr(value, each))}"
            elif not each.startswith("_") and isinstance(member, property):
                yield f"    {name}.{each}"
    elif callable(value):
        yield f"def {name}{_signature(value)}"
    else:
        yield name


def _signature(value: object) -> str:
    try:
        signature = inspect.signature(value)  # type: ignore[arg-type]  # anything callable, or an error
    except (TypeError, ValueError):
        return ""
    plain = (str, int, float, bool, tuple, type(None))
    parameters = [
        parameter
        if parameter.default is parameter.empty or isinstance(parameter.default, plain)
        else parameter.replace(default=...)
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=parameters))


if __name__ == "__main__":
    SNAPSHOT.write_text(describe())
