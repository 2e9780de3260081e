"""The short cut with its eyes open: decides what `reach` decides, and remembers how it got there.

Breadth first, so that the proof found is one with the fewest steps. Of group-like usersets only those are followed
that the user is in, which is known beforehand.
"""

from __future__ import annotations

from collections.abc import Set

from keystead.authz.decisions import Allowed, AuthorizationDecision, Denied, Step
from keystead.authz.engine.graph import UNKNOWN, Graph
from keystead.authz.engine.proof import MAX_LOOKED_AT, wanted
from keystead.authz.engine.question import Question
from keystead.authz.engine.reach import groups_of
from keystead.authz.names import WILDCARD
from keystead.storage.ports import Relationship


def trace(graph: Graph, question: Question) -> AuthorizationDecision | None:
    """Decide and explain a question that `reach` could decide. None: the user is in too many groups to do it so."""
    groups = groups_of(graph, question.user, question.everybody)
    return None if groups is None else _Trace(graph, question, groups).decide()


class _Trace:
    """One walk. `came_from` maps a node to the node before it and the node whose tuple led on."""

    def __init__(self, graph: Graph, question: Question, groups: Set[int]) -> None:
        self.graph = graph
        self.question = question
        self.groups = groups
        self.walk = [question.node]
        self.came_from = {question.node: (UNKNOWN, UNKNOWN)}

    def decide(self) -> AuthorizationDecision:
        """Walk until a tuple names the user."""
        revision = self.graph.revision
        for node in self.walk:
            place = self._named_at(node)
            if place != UNKNOWN:
                return Allowed((*self._way_to(node), *self._last_steps(node, place)), revision)
            self._follow(node)
        looked_at = tuple(self._name(node) for node in self.walk[:MAX_LOOKED_AT])
        detail = f"{wanted(self.graph.plan, self.question)}: no tuple leads from one to the other"
        return Denied("authz.no_path", detail, looked_at, revision)

    def _named_at(self, node: int) -> int:
        """Return the node of the same object whose tuple names the user, or UNKNOWN."""
        user, everybody = self.question.user, self.question.everybody
        for offset in self.graph.plan.shortcuts.steps[node % self.graph.plan.width][0]:
            named = self.graph.users.at(node + offset)
            if user in named or everybody in named:
                return node + offset
        return UNKNOWN

    def _follow(self, node: int) -> None:
        plan, types, came_from = self.graph.plan, self.graph.types, self.came_from
        _, sets, arrows = plan.shortcuts.steps[node % plan.width]
        for offset in sets:
            for userset in self.graph.usersets.at(node + offset):
                useful = userset in self.groups or not plan.shortcuts.group_like[userset % plan.width]
                if useful and userset not in came_from:
                    came_from[userset] = (node, node + offset)
                    self.walk.append(userset)
        for offset, only_target, targets in arrows:
            for parent in self.graph.users.at(node + offset):
                slot = only_target if only_target >= 0 else targets.get(types[parent], UNKNOWN)
                target = parent * plan.width + slot
                if slot >= 0 and target not in came_from:
                    came_from[target] = (node, node + offset)
                    self.walk.append(target)

    def _way_to(self, node: int) -> list[Step]:
        """Return the steps from the question's node to this one."""
        steps: list[Step] = []
        while (before := self.came_from[node])[0] != UNKNOWN:
            steps.append(self._step(before[0], before[1], node))
            node = before[0]
        return steps[::-1]

    def _step(self, node: int, place: int, target: int) -> Step:
        """Say how a tuple of `place` led from a node to the next."""
        if target in self.graph.usersets.at(place):
            through = self._name(target)
            return Step("userset", self._name(node), through, self._tuple(place, through))
        parent = self.graph.names[target // self.graph.plan.width]
        return Step("parent", self._name(node), self._name(target), self._tuple(place, parent))

    def _last_steps(self, node: int, place: int) -> tuple[Step, ...]:
        has, question = self._name(place), self.question
        also = (Step("also", self._name(node), has),) if place != node else ()
        if question.user in self.graph.users.at(place):
            return (*also, Step("tuple", has, tuple=self._tuple(place, question.user_name)))
        everybody = f"{question.user_type}:{WILDCARD}"
        return (*also, Step("everybody", has, everybody, self._tuple(place, everybody)))

    def _tuple(self, place: int, user: str) -> Relationship:
        object, slot = divmod(place, self.graph.plan.width)
        return Relationship(self._object(object), self.graph.plan.names[slot][1], user)

    def _name(self, node: int) -> str:
        object, slot = divmod(node, self.graph.plan.width)
        return f"{self._object(object)}#{self.graph.plan.names[slot][1]}"

    def _object(self, number: int) -> str:
        return self.graph.names[number] if number < len(self.graph.names) else self.question.object_name
