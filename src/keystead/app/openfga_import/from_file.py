"""A store file as a store: its model, its tuples, and of its tests the checks, which become the model's assertions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

from keystead.app.openfga_import.tuples import key_of, tuple_of
from keystead.authz.engine.plan import compile_model
from keystead.authz.language import read_model, read_model_file, to_json
from keystead.authz.model import AuthorizationModel
from keystead.authz.served import AuthorizationStores
from keystead.authz.writes import accepted_tuples
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, Store, WriteRelationships

Json = dict[str, Any]
_BATCH = 1000
_MOST_ASSERTIONS = 100


class FileStore(msgspec.Struct, frozen=True):
    """What a file holds. Every tuple is one its model accepts."""

    name: str
    model: AuthorizationModel
    tuples: tuple[Relationship, ...]
    assertions: tuple[Json, ...]


def read_file(path: Path) -> FileStore:
    """Read a store file. Raises: ConfigurationError, ModelError, InvalidRelationship."""
    document = _load(path)
    if not isinstance(document, dict) or not (document.get("model") or document.get("model_file")):
        raise ConfigurationError("a store file has a `model` or a `model_file`", where=str(path))
    if document.get("model"):
        model = read_model(document["model"])
    else:
        model = read_model_file(path.parent / document["model_file"])
    try:
        tuples = accepted_tuples(compile_model(model), [tuple_of(each) for each in _tuples(path, document)])
        assertions = tuple(_assertions(path, document))
    except (KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(f"a tuple or a test is not as it should be: {error}", where=str(path)) from error
    return FileStore(document.get("name") or path.name.partition(".")[0], model, tuples, assertions[:_MOST_ASSERTIONS])


async def import_file(file: FileStore, backend: Store, realm: str, clock: Callable[[], float]) -> str:
    """Make a store of a file; return its id."""
    stores = AuthorizationStores(backend, clock)
    store = (await stores.create(realm, file.name)).id
    model = await stores.add_model(realm, store, msgspec.json.encode(to_json(file.model)))
    if file.assertions:
        await stores.keep_assertions(realm, store, model, msgspec.json.encode(file.assertions).decode())
    for start in range(0, len(file.tuples), _BATCH):
        batch = file.tuples[start : start + _BATCH]
        now = EpochSeconds(int(clock()))
        await stores.write(WriteRelationships(realm, store, batch, (), now, ignore_duplicates=True))
    return store


def _tuples(path: Path, part: Json) -> list[Json]:
    """Return the tuples that a file, or one of its tests, lists or names a file of."""
    listed = list(part.get("tuples") or ())
    if part.get("tuple_file"):
        listed += _load(path.parent / part["tuple_file"]) or []
    return listed


def _assertions(path: Path, document: Json) -> Iterator[Json]:
    for test in document.get("tests") or ():
        extra = [key_of(tuple_of(each)) for each in _tuples(path, test)]
        for check in test.get("check") or ():
            for user in check.get("users") or (check["user"],):
                for object in check.get("objects") or (check["object"],):
                    for relation, expected in check["assertions"].items():
                        assertion: Json = {
                            "tuple_key": {"user": user, "relation": relation, "object": object},
                            "expectation": bool(expected),
                        }
                        if extra:
                            assertion["contextual_tuples"] = extra
                        if check.get("context"):
                            assertion["context"] = check["context"]
                        yield assertion


def _load(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ConfigurationError(f"cannot read it: {error}", where=str(path)) from error
