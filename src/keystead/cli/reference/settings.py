"""docs/reference/settings.md: every setting of the configuration file, from the settings' own types and docstrings."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from keystead.app.settings import Settings
from keystead.cli.reference.markdown import GENERATED, code, table
from keystead.core.values import Secret

HEAD: Final = """One YAML file. An unknown key refuses to start and names its line. `${NAME}` in a text stands for an
environment variable; a secret may also be `file:PATH`. Editors take `keystead.schema.json`, which
`keystead schema` prints."""

STANDARD: Final = {
    "client_id": "Who the client is. Spec: RFC 6749 section 2.2.",
    "client_name": "What people read on the consent page. Spec: RFC 7591 section 2.",
    "redirect_uris": "Where codes may be sent, compared character by character. Spec: RFC 7591 section 2.",
    "post_logout_redirect_uris": "Where a person may be sent after signing out. Spec: RP-Initiated Logout 1.0.",
    "grant_types": "What the client may present at the token endpoint. Spec: RFC 7591 section 2.",
    "response_types": "Always `code`. Spec: RFC 7591 section 2.",
    "scope": "The scopes it may ask for, separated by spaces. Spec: RFC 7591 section 2.",
    "client_uri": "The client's home page. Spec: RFC 7591 section 2.",
    "logo_uri": "The client's logo. Spec: RFC 7591 section 2.",
    "policy_uri": "How the client uses what it learns. Spec: RFC 7591 section 2.",
    "tos_uri": "The client's terms of service. Spec: RFC 7591 section 2.",
    "jwks": "Public keys as a JSON Web Key Set. Spec: RFC 7517 section 5.",
    "id_token_signed_response_alg": "The algorithm of its ID tokens. Spec: OpenID Connect Registration section 2.",
    "default_max_age": "Seconds since the sign-in. Spec: OpenID Connect Registration section 2.",
    "email": "Spec: OpenID Connect Core section 5.1.",
    "email_verified": "Spec: OpenID Connect Core section 5.1.",
    "given_name": "Spec: OpenID Connect Core section 5.1.",
    "family_name": "Spec: OpenID Connect Core section 5.1.",
    "username": "What the person types to sign in; unique in the realm.",
    "name": "The name, unique among its kind in the realm.",
    "display_name": "What people read at the top of the pages.",
    "roles": "The roles the person has; an API's `scope_roles` asks for them.",
    "scopes": "The scopes the API knows.",
    "role": "`bus-sender` or `bus-receiver`.",
    "bus": "The message bus.",
    "certificate": "The certificate chain, a PEM file.",
    "key": "The private key, a PEM file.",
    "directory": "Where the process starts. Default: where the agent did.",
    "enabled": "False refuses at once what was possible before; nothing is deleted.",
}
"""What names mean that come from specifications, or mean the same everywhere."""


class Setting(NamedTuple):
    """One key, where it stands and what is said of it."""

    section: str
    key: str
    kind: str
    default: str
    meaning: str


def page(root: Path) -> str:
    """Return the page."""
    parts = ["# Settings", GENERATED, HEAD]
    for section, struct in sections().items():
        rows = [
            (code(setting.key), setting.kind, code(setting.default), setting.meaning)
            for setting in settings_of(section, struct)
        ]
        title = f"## {code(section)}" if section else "## The file"
        parts += [title, _introduction(struct), table(["key", "type", "default", "meaning"], rows)]
    return "\n\n".join(parts) + "\n"


def sections(struct: type[msgspec.Struct] = Settings, path: str = "") -> dict[str, type[msgspec.Struct]]:
    """Return every struct of the file by its place in it, such as `realms.NAME.clients[]`; one within itself once."""
    found = {path: struct}
    hints = typing.get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        for kind, suffix in (inner for inner in _structs(hints[field.name]) if inner[0] is not struct):
            found |= sections(kind, f"{path}.{field.encode_name}{suffix}".lstrip("."))
    return found


def settings_of(section: str, struct: type[msgspec.Struct]) -> Iterator[Setting]:
    """Return the settings of one struct. `meaning` is empty when nothing is said of it anywhere."""
    hints = typing.get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        meaning = _said_of(struct, field.encode_name) or STANDARD.get(field.encode_name, "")
        yield Setting(section, field.encode_name, _kind(hints[field.name]), _default(field), meaning)


def _structs(hint: Any) -> Iterator[tuple[type[msgspec.Struct], str]]:
    origin = typing.get_origin(hint)
    arguments = typing.get_args(hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        yield hint, ""
    elif origin in (tuple, list):
        yield from ((kind, f"{suffix}[]") for kind, suffix in _structs(arguments[0]))
    elif origin is dict:
        yield from ((kind, f".NAME{suffix}") for kind, suffix in _structs(arguments[1]))
    elif origin in (types.UnionType, typing.Union):
        for argument in arguments:
            yield from _structs(argument)


def _kind(hint: Any) -> str:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return " or ".join(_kind(argument) for argument in arguments if argument is not types.NoneType)
    if origin is typing.Literal:
        return " or ".join(code(str(argument)) for argument in arguments)
    if origin in (tuple, list):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"mapping to {_kind(arguments[1])}"
    if hint is Secret:
        return "secret"
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return "section"
    names = {str: "text", int: "number", float: "number", bool: "true or false", Any: "anything"}
    return names.get(getattr(hint, "__supertype__", hint), "text")


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return ""
    value = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if value in ("", (), {}, None) or isinstance(value, msgspec.Struct):
        return ""
    return msgspec.json.encode(value).decode()


def _said_of(struct: type[msgspec.Struct], key: str) -> str:
    """Return the sentences of a struct's docstring that name a key, or the lines that begin with it."""
    text = inspect.getdoc(struct) or ""
    line = re.search(rf"^`{re.escape(key)}`: (.*(?:\n(?!`|\n).*)*)", text, re.MULTILINE)
    if line:
        return line[1]
    flowing = " ".join(text.split())
    sentences = re.split(r"(?<=[.;]) (?=[`A-Z])", flowing)
    return " ".join(sentence for sentence in sentences if f"`{key}`" in sentence)


def _introduction(struct: type[msgspec.Struct]) -> str:
    return (inspect.getdoc(struct) or "").partition("\n\n")[0]
