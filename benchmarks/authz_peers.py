"""What a Python developer would use instead, on the same tuples and questions: recursive SQL, pycasbin, cedarpy.

The two packages are never installed silently: `pip install casbin cedarpy`; without them, they are left out.
Each peer answers "may this user view this document" for `benchmarks.authz_workload`; its answers are held against ours.
"""

from __future__ import annotations

import importlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, Final

from benchmarks.authz_workload import Question
from keystead.storage.ports import Relationship

Ask = Callable[[Question], bool]

WALK: Final = """
WITH RECURSIVE mine(id) AS (
  SELECT object FROM tuple WHERE user = :user AND relation = 'member'
  UNION SELECT object FROM tuple, mine WHERE user = mine.id || '#member' AND relation = 'member'
), above(id) AS (
  SELECT :object UNION SELECT user FROM tuple, above WHERE object = above.id AND relation = 'parent'
)
SELECT EXISTS (SELECT 1 FROM tuple, above WHERE object = above.id AND relation IN ('viewer', 'owner') AND user = :user)
    OR EXISTS (SELECT 1 FROM tuple, above, mine
               WHERE object = above.id AND relation = 'viewer' AND user = mine.id || '#member')"""


def recursive_sql(stored: Iterable[Relationship]) -> Ask:
    """One recursive query a question, SQLite in memory."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE TABLE tuple (object TEXT, relation TEXT, user TEXT, PRIMARY KEY (object, relation, user)) WITHOUT ROWID"
    )
    database.execute("CREATE INDEX by_user ON tuple (user, relation, object)")
    database.executemany("INSERT INTO tuple VALUES (?, ?, ?)", ((t.object, t.relation, t.user) for t in stored))

    def ask(question: Question) -> bool:
        row = database.execute(WALK, {"user": question[0], "object": question[2]}).fetchone()
        return bool(row[0])

    return ask


CASBIN_MODEL: Final = """
[request_definition]
r = sub, obj
[policy_definition]
p = sub, obj
[role_definition]
g = _, _
g2 = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && g2(r.obj, p.obj)
"""


def pycasbin(stored: Iterable[Relationship]) -> Ask | None:
    """Two role hierarchies: people in groups, documents in folders; a policy for every viewer and owner."""
    casbin = _found("casbin")
    if casbin is None:
        return None
    model = casbin.Model()
    model.load_model_from_text(CASBIN_MODEL)
    enforcer = casbin.Enforcer(model)
    policies, groups, parents = [], [], []
    for each in stored:
        user = each.user.removesuffix("#member")
        if each.relation == "member":
            groups.append([user, each.object])
        elif each.relation == "parent":
            parents.append([each.object, user])
        else:
            policies.append([user, each.object])
    enforcer.add_policies(policies)
    enforcer.add_grouping_policies(groups)
    enforcer.add_named_grouping_policies("g2", parents)
    enforcer.build_role_links()
    return lambda question: bool(enforcer.enforce(question[0], question[2]))


CEDAR_DEPTH: Final = 6


def cedar(stored: Iterable[Relationship]) -> Ask | None:
    """One policy, folders unrolled to their depth; the entities a question needs are put together for it."""
    cedarpy = _found("cedarpy")
    if cedarpy is None:
        return None
    up: dict[str, list[str]] = defaultdict(list)
    viewers: dict[str, list[str]] = defaultdict(list)
    for each in stored:
        user = each.user.removesuffix("#member")
        if each.relation == "member":
            up[user].append(each.object)
        elif each.relation == "parent":
            up[each.object].append(user)
        else:
            viewers[each.object].append(user)
    rule = "principal in resource.viewers"
    place = "resource"
    for _ in range(CEDAR_DEPTH):
        place += ".parent"
        rule += f" || ({' && '.join(_present(place))} && principal in {place}.viewers)"
    policies = f"permit(principal, action, resource) when {{ {rule} }};"

    def ask(question: Question) -> bool:
        entities = [_entity(name, up[name]) for name in _above(question[0], up)]
        for name in _above(question[2], up):
            attributes: dict[str, Any] = {"viewers": [{"__entity": _uid(each)} for each in viewers[name]]}
            if up[name]:
                attributes["parent"] = {"__entity": _uid(up[name][0])}
            entities.append({"uid": _uid(name), "attrs": attributes, "parents": []})
        request = {"principal": _named(question[0]), "action": 'Action::"view"', "resource": _named(question[2])}
        result = cedarpy.is_authorized(request, policies, entities)
        return bool(result.allowed)

    return ask


def _present(place: str) -> list[str]:
    parts = place.split(".")
    return [f"{'.'.join(parts[:end])} has {parts[end]}" for end in range(1, len(parts))]


def _above(name: str, up: dict[str, list[str]]) -> list[str]:
    found = [name]
    for each in found:
        found.extend(parent for parent in up[each] if parent not in found)
    return found


def _entity(name: str, parents: list[str]) -> dict[str, Any]:
    return {"uid": _uid(name), "attrs": {}, "parents": [_uid(each) for each in parents]}


def _uid(name: str) -> dict[str, str]:
    type, _, id = name.partition(":")
    return {"type": type.title(), "id": id}


def _named(name: str) -> str:
    type, _, id = name.partition(":")
    return f'{type.title()}::"{id}"'


def _found(package: str) -> Any:
    try:
        return importlib.import_module(package)
    except ImportError:
        print(f"{package} is not installed here and left out: pip install {package}")
        return None
