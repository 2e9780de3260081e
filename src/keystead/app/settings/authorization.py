"""The `authz` section: the stores of relationships a realm has, each with its model, and how much one request may ask.

Stores made through the API need no settings. Those written here are made when the file is applied, and their model is
always the file's: a changed file is a new model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from keystead.app.settings.document import Place
from keystead.authz import ModelError, read_model, read_model_file, to_json
from keystead.core.errors import ConfigurationError

Problem = tuple[Place, str]


class StoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A store. It belongs to one `realm`, and only tokens of that realm's issuer open it.

    `model_file` is its model, relative to this file: in the OpenFGA language, as JSON, or `fga.mod` of a modular model;
    `model` is the model itself. With neither
    the store has the models that the API writes. `default` marks the store that answers where none is named.
    """

    realm: str
    model_file: str = ""
    model: str = ""
    default: bool = False


class AuthorizationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The `stores`, by name, and how much one request may ask for; the defaults are OpenFGA's.

    `maximum_checks_per_batch` bounds batch-check, `maximum_tuples_per_write` write, `maximum_contextual_tuples` every
    question. `maximum_resolution_depth` is how many usersets and parents a question goes through before it is answered
    `authorization_model_resolution_too_complex`; 0: as many as it takes. `maximum_seconds` bounds how
    long the questions of one request may take together; beyond, they are answered like that too.
    """

    stores: dict[str, StoreSettings] = {}
    maximum_checks_per_batch: Annotated[int, Meta(ge=1, le=10_000)] = 50
    maximum_tuples_per_write: Annotated[int, Meta(ge=1, le=10_000)] = 100
    maximum_contextual_tuples: Annotated[int, Meta(ge=0, le=10_000)] = 100
    maximum_resolution_depth: Annotated[int, Meta(ge=0)] = 25
    maximum_seconds: Annotated[float, Meta(gt=0, le=60)] = 1.0


def store_problems(settings: AuthorizationSettings, realms: Mapping[str, object], directory: Path) -> Iterator[Problem]:
    """Yield what is wrong with the stores: an unknown realm, a second default, a model that cannot be read."""
    defaults = [name for name, store in settings.stores.items() if store.default]
    for name, store in settings.stores.items():
        place: Place = ("authz", "stores", name)
        if store.realm not in realms:
            yield place, f"there is no realm `{store.realm}` in this file"
        if store.default and name != defaults[0]:
            yield place, f"`{defaults[0]}` is the default already; one store can be"
        if store.model_file and store.model:
            yield place, "`model_file` and `model` exclude each other"
        elif store.model_file or store.model:
            yield from _model_problems(place, store, directory)


def _model_problems(place: Place, store: StoreSettings, directory: Path) -> Iterator[Problem]:
    where, path = (*place, "model_file" if store.model_file else "model"), directory / store.model_file
    try:
        read_model(store.model) if store.model else read_model_file(path)
    except ConfigurationError as error:
        yield where, f"cannot read the model: {error}"
    except ModelError as error:
        yield where, f"{path}: {error}" if store.model_file else str(error)


def with_models(settings: AuthorizationSettings, directory: Path) -> AuthorizationSettings:
    """Return the settings with every model in its store's `model`, read from where `model_file` says."""

    def settled(store: StoreSettings) -> StoreSettings:
        if not store.model_file:
            return store
        path = directory / store.model_file
        modular = path.suffix == ".mod"
        text = msgspec.json.encode(to_json(read_model_file(path))).decode() if modular else path.read_text("utf-8")
        return msgspec.structs.replace(store, model=text, model_file="")

    return msgspec.structs.replace(settings, stores={name: settled(store) for name, store in settings.stores.items()})
