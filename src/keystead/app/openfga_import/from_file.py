"""A store file as a store: its model, its tuples, and of its tests the checks, which become the model's assertions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from keystead.app.openfga_import.tuples import key_of
from keystead.authz.language import to_json
from keystead.authz.model import AuthorizationModel
from keystead.authz.served import AuthorizationStores
from keystead.authz.storefile import NamedTest, Store, read_store
from keystead.authz.storefile.reading import tuples_of
from keystead.authz.storefile.shapes import CheckCase
from keystead.core.values import EpochSeconds
from keystead.storage import ports
from keystead.storage.ports import Relationship, WriteRelationships

Json = dict[str, Any]
_BATCH: Final = 1000
_MOST_ASSERTIONS: Final = 100
"""As many as the API keeps for a model."""


class FileStore(msgspec.Struct, frozen=True):
    """What a file holds. Every tuple is one its model accepts.

    `left_out` counts what its tests ask and no assertion can say: lists, `conditional`, questions at a time of their
    own, and checks beyond the hundred that a model is held to.
    """

    name: str
    model: AuthorizationModel
    tuples: tuple[Relationship, ...]
    assertions: tuple[Json, ...]
    left_out: int


def read_file(path: Path) -> FileStore:
    """Read a store file. Raises: ConfigurationError, ModelError, InvalidRelationship."""
    store = read_store(path)
    asked = [each for test in store.file.tests or () for each in _assertions(store, test)]
    said = tuple(each for each in asked if each is not None)[:_MOST_ASSERTIONS]
    name = store.file.name or path.name.partition(".")[0]
    return FileStore(name, store.plan.model, store.tuples, said, len(asked) - len(said))


async def import_file(file: FileStore, backend: ports.Store, realm: str, clock: Callable[[], float]) -> str:
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


def _assertions(store: Store, test: NamedTest) -> Iterator[Json | None]:
    """Yield every question of a test as an assertion; None for one that no assertion can say."""
    timed = test.now is not None or store.file.now is not None
    extra = [key_of(each) for each in tuples_of(store.path, store.plan, test)]
    for check in test.check or ():
        for user in check.users or (check.user,):
            for object in check.objects or (check.object,):
                for relation, expected in check.assertions.items():
                    key = {"user": user, "relation": relation, "object": object}
                    sayable = isinstance(expected, bool) and not timed
                    yield _assertion(key, check, extra) | {"expectation": expected} if sayable else None
    for objects in test.list_objects or ():
        yield from [None] * len(objects.assertions)
    for users in test.list_users or ():
        yield from [None] * len(users.assertions)


def _assertion(key: Json, check: CheckCase, extra: list[Json]) -> Json:
    """Return an assertion that expects nothing yet."""
    assertion: Json = {"tuple_key": key}
    if extra:
        assertion["contextual_tuples"] = extra
    if check.context:
        assertion["context"] = check.context
    return assertion
