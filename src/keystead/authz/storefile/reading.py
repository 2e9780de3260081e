"""A store file and all it names, as a model and tuples."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from keystead.authz.engine.evaluator import END_OF_TIME, Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.plan import Plan, compile_model
from keystead.authz.language import read_model, read_model_file
from keystead.authz.model import AuthorizationModel
from keystead.authz.storefile.shapes import CheckCase, NamedTest, StoreFile
from keystead.authz.storefile.tuples import read_tuple_file, relationship_of, seconds_of
from keystead.authz.storefile.yaml_text import read_yaml
from keystead.authz.writes import accepted_tuples
from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Relationship


class Store(msgspec.Struct, frozen=True):
    """A file that has been read: its model, compiled, and its tuples, without those of its tests."""

    path: Path
    file: StoreFile
    plan: Plan
    tuples: tuple[Relationship, ...]


def read_store(path: Path) -> Store:
    """Read a file and what it names. Raises: ConfigurationError, ModelError, InvalidRelationship."""
    file = read_store_file(path)
    plan = compile_model(model_of(path, file))
    return Store(path, file, plan, tuples_of(path, plan, file))


def read_store_file(path: Path) -> StoreFile:
    """Read the file alone. Raises: ConfigurationError saying what is wrong where."""
    try:
        file = msgspec.convert(read_yaml(path, path), StoreFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{error}; see the guide on store files for the shape", where=str(path)) from error
    for test in file.tests or ():
        for number, check in enumerate(test.check or (), 1):
            _require_whole(check, f"test `{test.name}`, check {number}", path)
    return file


def model_of(path: Path, file: StoreFile) -> AuthorizationModel:
    """Read the model a file holds or names: text, JSON or `fga.mod`. Raises: ConfigurationError, ModelError."""
    if bool(file.model) == bool(file.model_file):
        raise ConfigurationError("give either `model` or `model_file`", where=str(path))
    return read_model(file.model) if file.model else read_model_file(path.parent / file.model_file)


def tuples_of(path: Path, plan: Plan, source: StoreFile | NamedTest) -> tuple[Relationship, ...]:
    """Return the tuples a file or a test holds and names. Raises: ConfigurationError, InvalidRelationship."""
    listed = list(source.tuples or ())
    for name in [source.tuple_file, *source.tuple_files]:
        if name:
            listed += read_tuple_file(path.parent / name, path)
    return accepted_tuples(plan, [relationship_of(each) for each in listed])


def graph_of(store: Store, test: NamedTest | None = None) -> Graph:
    """Load the tuples of a file, and those of a test, which win over the file's of the same name."""
    tuples = store.tuples + (tuples_of(store.path, store.plan, test) if test is not None else ())
    graph = Graph(store.plan)
    for each in {(each.object, each.relation, each.user): each for each in tuples}.values():
        graph.add(each)
    return graph


def time_of(store: Store, test: NamedTest | None) -> float:
    """Return when a test asks. Raises: ConfigurationError when it depends on it and does not say."""
    moment = test.now if test is not None and test.now is not None else store.file.now
    if moment is not None:
        return seconds_of(moment)
    if any(each.expires_at for each in (*store.tuples, *(tuples_of(store.path, store.plan, test) if test else ()))):
        name = f"test `{test.name}`" if test is not None else "the file"
        raise ConfigurationError(
            f"{name} has tuples that expire: say when it asks, `now: '2026-01-31T12:00:00Z'`", where=str(store.path)
        )
    return END_OF_TIME


def evaluator_of(path: Path, context: Mapping[str, Any] | None = None, now: float | None = None) -> Evaluator:
    """Return an engine over the model and the tuples of a file, without those of its tests."""
    store = read_store(path)
    graph = graph_of(store)
    return Evaluator(graph, now=time_of(store, None) if now is None else now, context=context or {})


def _require_whole(check: CheckCase, place: str, path: Path) -> None:
    for one, several, name in ((check.user, check.users, "user"), (check.object, check.objects, "object")):
        if bool(one) == bool(several):
            raise ConfigurationError(f"{place}: give either `{name}` or `{name}s`", where=str(path))
