"""OpenFGA store files: a model, tuples and tests in one YAML file, run in-process.

Shape, as the `fga` command line of OpenFGA reads it:

    name: shop
    model_file: shop.fga            # or model: |
    tuples: [{user: user:alice, relation: owner, object: order:17}]     # or tuple_file, YAML or JSON
    tests:
      - name: alice owns her order
        tuples: []                  # beside those of the file
        check: [{user: user:alice, object: order:17, assertions: {viewer: true}}]
        list_objects: [{user: user:alice, type: order, assertions: {viewer: [order:17]}}]

`users` and `objects` may list several. Paths are relative to the file.
Does not: evaluate conditions or `list_users` yet; a file that uses them is refused, not passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.plan import Plan, compile_model
from keystead.authz.language import read_model
from keystead.authz.writes import accepted_tuples
from keystead.core.errors import ConfigurationError
from keystead.storage.ports import Relationship


class FileTuple(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One tuple as a store file writes it."""

    user: str
    relation: str
    object: str


class CheckCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Checks of one or several users and objects: relation -> expected answer."""

    assertions: dict[str, bool]
    user: str = ""
    object: str = ""
    users: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


class ListCase(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a user may reach: relation -> the objects expected, in any order."""

    user: str
    type: str
    assertions: dict[str, tuple[str, ...]]


class NamedTest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One named test."""

    name: str = "unnamed"
    description: str = ""
    tuples: tuple[FileTuple, ...] = ()
    tuple_file: str = ""
    check: tuple[CheckCase, ...] = ()
    list_objects: tuple[ListCase, ...] = ()


class StoreFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str = ""
    model: str = ""
    model_file: str = ""
    tuples: tuple[FileTuple, ...] = ()
    tuple_file: str = ""
    tests: tuple[NamedTest, ...] = ()


class Outcome(msgspec.Struct, frozen=True):
    """One assertion and how it came out. `why` explains the answer that was given."""

    test: str
    question: str
    expected: str
    found: str
    why: str = ""

    @property
    def passed(self) -> bool:
        """Whether it is what the file expects."""
        return self.expected == self.found


def run_store_file(path: Path) -> list[Outcome]:
    """Run every assertion of a file. Raises: ConfigurationError, ModelError, InvalidRelationship, InvalidQuery."""
    file = read_store_file(path)
    return [outcome for test in file.tests for outcome in _run_test(path, file, test)]


def evaluator_of(path: Path) -> Evaluator:
    """Return an engine over the model and the tuples of a file, without those of its tests."""
    return _evaluator(path, read_store_file(path), None)


def read_store_file(path: Path) -> StoreFile:
    """Read a file. Raises: ConfigurationError saying what is wrong where."""
    try:
        return msgspec.convert(_load_yaml(path), StoreFile)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{error}; see `keystead.authz.storefile` for the shape", where=str(path)) from error


def _run_test(path: Path, file: StoreFile, test: NamedTest) -> Iterator[Outcome]:
    evaluator = _evaluator(path, file, test)
    for check in test.check:
        for user in check.users or (check.user,):
            for object in check.objects or (check.object,):
                for relation, expected in check.assertions.items():
                    decision = evaluator.explain(user, relation, object)
                    question = f"{user} {relation} {object}"
                    yield Outcome(test.name, question, _yes(expected), _yes(bool(decision)), str(decision))
    for case in test.list_objects:
        for relation, objects in case.assertions.items():
            found = list_objects(evaluator, case.type, relation, case.user)
            question = f"{case.user} {relation} of every {case.type}"
            yield Outcome(test.name, question, ", ".join(sorted(objects)), ", ".join(found))


def _evaluator(path: Path, file: StoreFile, test: NamedTest | None) -> Evaluator:
    if bool(file.model) == bool(file.model_file):
        raise ConfigurationError("give either `model` or `model_file`", where=str(path))
    text = file.model or _read(path.parent / file.model_file, path)
    plan = compile_model(read_model(text))
    graph = Graph(plan)
    for source in (file, test) if test else (file,):
        for each in _tuples(path, plan, source):
            graph.add(each)
    return Evaluator(graph)


def _tuples(path: Path, plan: Plan, source: StoreFile | NamedTest) -> Iterable[Relationship]:
    listed = list(source.tuples)
    if source.tuple_file:
        try:
            listed += msgspec.convert(_load_yaml(path.parent / source.tuple_file), tuple[FileTuple, ...])
        except msgspec.ValidationError as error:
            raise ConfigurationError(str(error), where=source.tuple_file) from error
    return accepted_tuples(plan, [Relationship(each.object, each.relation, each.user) for each in listed])


def _load_yaml(path: Path) -> Any:
    try:
        import yaml
    except ImportError as missing:
        raise ConfigurationError("reading store files needs PyYAML: `pip install 'keystead[server]'`") from missing
    try:
        return yaml.safe_load(_read(path, path))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"not YAML: {error}", where=str(path)) from error


def _read(path: Path, named_by: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", where=str(named_by)) from error


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"
