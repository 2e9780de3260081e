"""The `authz` section: the stores of relationships a realm has, each with its model.

Does not: serve them yet. The engine is embedded in services (`keystead.authz`); the section is read and its models are
checked, so that a file written for both is a file that starts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from keystead.app.settings.document import Place

Problem = tuple[Place, str]


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A store. It belongs to one `realm`; `model_file` is its model in the OpenFGA language, relative to this file.

    `default` marks the store that answers where none is named.
    """

    realm: str
    model_file: str = ""
    default: bool = False


class AuthorizationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The stores, by name."""

    stores: dict[str, StoreSettings] = {}


def store_problems(settings: AuthorizationSettings, realms: Mapping[str, object], directory: Path) -> Iterator[Problem]:
    """Yield what is wrong with the stores: an unknown realm, a second default, a model that cannot be read."""
    defaults = [name for name, store in settings.stores.items() if store.default]
    for name, store in settings.stores.items():
        place: Place = ("authz", "stores", name)
        if store.realm not in realms:
            yield place, f"there is no realm `{store.realm}` in this file"
        if store.default and name != defaults[0]:
            yield place, f"`{defaults[0]}` is the default already; one store can be"
        if store.model_file:
            yield from _model_problems((*place, "model_file"), directory / store.model_file)


def _model_problems(place: Place, path: Path) -> Iterator[Problem]:
    from keystead.authz import ModelError, read_model  # only who has a store needs the language

    try:
        read_model(path.read_text())
    except OSError as error:
        yield place, f"cannot read the model {path}: {error.strerror or error}"
    except (ModelError, UnicodeDecodeError) as error:
        yield place, f"{path}: {error}"
