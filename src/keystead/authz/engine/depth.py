"""The depth limit, for those who want one: which nodes lie near enough to the question to be looked at."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.authz.decisions import Allowed, AuthorizationDecision
from keystead.authz.engine.allowance import EVERY
from keystead.authz.engine.doubt import Judge
from keystead.authz.engine.graph import Graph
from keystead.authz.engine.rules import Also, Named, Through, leaves


def nodes_within(graph: Graph, judge: Judge, start: int, maximum: int) -> set[int]:
    """Return the nodes fewer than `maximum` usersets and parents away from `start`, counted along the shortest way.

    Relations of the same object are no step. Counting the shortest way makes the answer independent of the order in
    which the rules are looked at.
    """
    within: set[int] = set()
    level = [start]
    for _ in range(maximum):
        following: list[int] = []
        for node in level:
            if node not in within:
                if len(within) % EVERY == EVERY - 1:
                    judge.spend()
                within.add(node)
                object, slot = divmod(node, graph.plan.width)
                for rule in leaves(graph.plan.rules[slot]):
                    if isinstance(rule, Also):
                        level.append(graph.node(object, rule.slot))
                    else:
                        following.extend(_next(graph, judge, object, rule))
        level = following
    return within


def hops(decision: AuthorizationDecision) -> int:
    """Count the usersets and parents in a proof; nothing for a no."""
    path = decision.path if isinstance(decision, Allowed) else ()
    return sum(step.how in ("userset", "parent") for step in path)


def _next(graph: Graph, judge: Judge, object: int, rule: Named | Through) -> Iterator[int]:
    if isinstance(rule, Named):
        node = graph.node(object, rule.slot)
        yield from graph.usersets.at(node)
        yield from (each for each, when in graph.qualified_usersets.at(node).items() if judge.counts(when) is not False)
        return
    node = graph.node(object, rule.tupleset)
    qualified = graph.qualified_users.at(node).items()
    counting = (each for each, when in qualified if judge.counts(when) is not False)
    for parent in (*graph.users.at(node), *counting):
        slot = rule.targets.get(graph.types[parent])
        if slot is not None:
            yield graph.node(parent, slot)
