"""Ask everything a store file asserts, and say why where the answer is another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from keystead.authz.decisions import AuthorizationDecision, Conditional
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.objects import list_objects
from keystead.authz.errors import InvalidQuery, InvalidRelationship, Undecided
from keystead.authz.storefile.reading import Store, graph_of, read_store, time_of
from keystead.authz.storefile.shapes import (
    CheckCase,
    Context,
    Expected,
    ListObjectsCase,
    ListUsersCase,
    NamedTest,
    Outcome,
)

_NOBODY = "none"
Ask = Callable[[Context | None], Evaluator]


def run_store_file(path: Path) -> list[Outcome]:
    """Run every assertion of a file. Raises: ConfigurationError, ModelError, InvalidRelationship."""
    return run_store(read_store(path))


def run_store(store: Store) -> list[Outcome]:
    """Run every assertion of a file that has been read. Raises: ConfigurationError, InvalidRelationship."""
    return [outcome for test in store.file.tests or () for outcome in run_test(store, test)]


def run_test(store: Store, test: NamedTest) -> Iterator[Outcome]:
    """Run the assertions of one test."""
    graph, now = graph_of(store, test), time_of(store, test)

    def ask(context: Context | None) -> Evaluator:
        return Evaluator(graph, now=now, context=context or {})

    for check in test.check or ():
        yield from _run_check(test.name, ask, check)
    for objects in test.list_objects or ():
        yield from _run_list_objects(test.name, ask, objects)
    for users in test.list_users or ():
        yield from _run_list_users(test.name, ask, users)


def unasked_relations(store: Store, outcomes: Iterable[Outcome]) -> list[str]:
    """Return the relations of the model that no assertion asks for: `order#viewer`."""
    asked = {outcome.relation for outcome in outcomes}
    relations = (f"{each.name}#{relation.name}" for each in store.plan.model.types for relation in each.relations)
    return sorted(set(relations) - asked)


def _run_check(test: str, ask: Ask, case: CheckCase) -> Iterator[Outcome]:
    evaluator = ask(case.context)
    for user in case.users or (case.user,):
        for object in case.objects or (case.object,):
            for relation, expected in case.assertions.items():
                found, why = _explained(evaluator, user, relation, object)
                question, asked = f"{user} {relation} {object}", _relation(object, relation)
                yield Outcome(test, question, _word(expected), found, asked, why)


def _run_list_objects(test: str, ask: Ask, case: ListObjectsCase) -> Iterator[Outcome]:
    evaluator = ask(case.context)
    for relation, expected in case.assertions.items():
        question, asked = f"{case.user} {relation} of every {case.type}", f"{case.type}#{relation}"
        try:
            found = list_objects(evaluator, case.type, relation, case.user)
        except (InvalidQuery, InvalidRelationship, Undecided) as error:
            yield Outcome(test, question, _listed(expected), "no list", asked, str(error))
            continue
        differences = _differences(expected, found)
        why = [(word, name, _explained(evaluator, case.user, relation, name)[1]) for word, name in differences]
        yield Outcome(test, question, _listed(expected), _listed(found), asked, _lines(why))


def _run_list_users(test: str, ask: Ask, case: ListUsersCase) -> Iterator[Outcome]:
    evaluator = ask(case.context)
    for relation, expected in case.assertions.items():
        kinds = ", ".join(map(str, case.user_filter))
        question, asked = f"every {kinds} who is {relation} of {case.object}", _relation(case.object, relation)
        try:
            lists = [evaluator.list_users(case.object, relation, str(each)) for each in case.user_filter]
        except (InvalidQuery, InvalidRelationship, Undecided) as error:
            yield Outcome(test, question, _listed(expected.users), "no list", asked, str(error))
            continue
        found = [user for each in lists for user in each]
        differences = _differences(expected.users, found)
        why = [(word, name, _explained(evaluator, name, relation, case.object)[1]) for word, name in differences]
        yield Outcome(test, question, _listed(expected.users), _listed(found), asked, _lines(why))


def _explained(evaluator: Evaluator, user: str, relation: str, object: str) -> tuple[str, str]:
    """Return the answer in a word, and why."""
    try:
        decision: AuthorizationDecision = evaluator.explain(user, relation, object)
    except (InvalidQuery, InvalidRelationship) as error:
        return "no answer", str(error)
    return ("conditional" if isinstance(decision, Conditional) else _word(bool(decision))), str(decision)


def _differences(expected: Iterable[str], found: Iterable[str]) -> list[tuple[str, str]]:
    missing, more = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    return [*(("missing", name) for name in missing), *(("not expected", name) for name in more)]


def _lines(why: Iterable[tuple[str, str, str]]) -> str:
    return "\n".join(f"{word}: {name} {explanation}" for word, name, explanation in why)


def _relation(object: str, relation: str) -> str:
    return f"{object.partition(':')[0]}#{relation}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(set(names))) or _NOBODY


def _word(expected: Expected) -> str:
    return expected if isinstance(expected, str) else "yes" if expected else "no"
