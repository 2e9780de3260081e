"""Pages of a list are the list, and the list is every yes: for every rule and limit, stored and contextual."""

from __future__ import annotations

from random import Random

import pytest

from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.objects import list_objects
from keystead.authz.engine.overlay import overlaid
from keystead.authz.engine.plan import compile_model
from tests.unit.authz.random_cases import IDS, TYPES, random_model, random_tuples


@pytest.mark.attack("Z1")
def test_pages_put_together_are_the_list_and_the_list_is_every_yes() -> None:
    listed = 0
    for seed in range(40):
        random = Random(seed)
        below = Graph(compile_model(random_model(random)))
        for each in (tuple for _ in range(8) for tuple in random_tuples(random)):
            below.add(each)
        for graph in (below, overlaid(below, random_tuples(random))):
            evaluator = Evaluator(graph)
            for type, relation in graph.plan.slots:
                for user in ("user:1", "user:*", "robot:2", "user:stranger"):
                    whole = list_objects(evaluator, type, relation, user)
                    objects = [f"{type}:{id}" for id in sorted(IDS)] if type in TYPES else []
                    assert whole == [name for name in objects if evaluator.holds(user, relation, name)]
                    limit, after, pages = random.randint(1, 3), "", list[str]()
                    while page := list_objects(evaluator, type, relation, user, after=after, limit=limit):
                        assert len(page) <= limit
                        pages, after = pages + page, page[-1]
                    assert pages == whole
                    listed += len(whole)
    assert listed > 100
