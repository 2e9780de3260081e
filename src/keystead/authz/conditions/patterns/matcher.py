"""Run a pattern's automaton over a text, all possibilities at once.

A *state* is the set of steps that may come next, and what kind of character stands before. Where a state leads with a
character is worked out once and remembered, for all characters alike to the pattern. What is remembered is bounded.
"""

from __future__ import annotations

from typing import Any, Final

from keystead.authz.conditions.patterns.parser import parse
from keystead.authz.conditions.patterns.program import MATCH, Program
from keystead.authz.conditions.values import Budget, no_overload

_NOTHING: Final = "nothing"
_NEWLINE: Final = "newline"
_WORD: Final = "word"
_OTHER: Final = "other"
_MOST_STATES: Final = 200
_MOST_KINDS: Final = 256
_MOST_CHARACTERS: Final = 4_000


class _Kind:
    """Characters alike to the pattern: in the same sets, and of the same sort where places matter."""

    __slots__ = ("before", "members")

    def __init__(self, before: str, members: frozenset[int]) -> None:
        self.before = before
        self.members = members


class _State:
    __slots__ = ("before", "leads_to", "steps")

    def __init__(self, steps: frozenset[int], before: str) -> None:
        self.steps = steps
        self.before = before
        self.leads_to: dict[_Kind, _State | None] = {}


class Matcher:
    """A compiled pattern. Raises: Failure when the pattern is wrong.

    Threads may share it: what one remembers is right for every other, and what it forgets is worked out again.
    """

    def __init__(self, pattern: str) -> None:
        self._program = Program(parse(pattern))
        self.size = len(self._program.steps)
        self._sets = list(self._program.sets)
        self._kinds: dict[tuple[str, frozenset[int]], _Kind] = {}
        self._kind_of: dict[str, _Kind] = {}
        self._states: dict[tuple[frozenset[int], str], _State] = {}

    def __call__(self, text: str, budget: Budget) -> bool:
        """Tell whether the pattern is found anywhere in a text. Raises: TooCostly."""
        budget.spend(1 + len(text) // 64)
        state = self._state(frozenset((self._program.start,)), _NOTHING, budget)
        kind_of = self._kind_of
        for character in text:
            kind = kind_of.get(character) or self._classify(character, budget)
            try:
                following = state.leads_to[kind]
            except KeyError:
                following = self._follow(state, kind, budget)
            if following is None:
                return True
            state = following
        return self._reach(state, _NOTHING)[0]

    def _state(self, steps: frozenset[int], before: str, budget: Budget) -> _State:
        key = (steps, before if self._program.demanding else _OTHER)
        state = self._states.get(key)
        if state is None:
            budget.spend(1 + self.size // 64)
            _make_room(self._states, _MOST_STATES)
            state = self._states[key] = _State(*key)
        return state

    def _classify(self, character: str, budget: Budget) -> _Kind:
        budget.spend(1 + len(self._sets))
        members = frozenset(number for number, each in enumerate(self._sets) if each.holds(character))
        before = _OTHER
        if self._program.demanding:
            word = character.isascii() and (character.isalnum() or character == "_")
            before = _WORD if word else _NEWLINE if character == "\n" else _OTHER
        kind = self._kinds.get((before, members))
        if kind is None:
            _make_room(self._kinds, _MOST_KINDS)
            kind = self._kinds[before, members] = _Kind(before, members)
        _make_room(self._kind_of, _MOST_CHARACTERS)
        self._kind_of[character] = kind
        return kind

    def _follow(self, state: _State, kind: _Kind, budget: Budget) -> _State | None:
        """Work out where a state leads; None is a match."""
        budget.spend(1 + self.size // 64)
        matched, consuming = self._reach(state, kind.before)
        following: _State | None = None
        if not matched:
            taken = [self._program.steps[each] for each in consuming]
            steps = {step.leads_to[0] for step in taken if step.set in kind.members}
            following = self._state(frozenset(steps | {self._program.start}), kind.before, budget)
        _make_room(state.leads_to, _MOST_KINDS)
        state.leads_to[kind] = following
        return following

    def _reach(self, state: _State, after: str) -> tuple[bool, set[int]]:
        """Follow what leads on for free: whether that is a match, and which steps want a character."""
        seen, stack = set(state.steps), list(state.steps)
        consuming: set[int] = set()
        while stack:
            number = stack.pop()
            if number == MATCH:
                return True, consuming
            step = self._program.steps[number]
            if step.set >= 0:
                consuming.add(number)
            elif not step.place or _holds(step.place, state.before, after):
                fresh = [each for each in step.leads_to if each not in seen]
                seen.update(fresh)
                stack += fresh
        return False, consuming


def matches(text: object, pattern: object, budget: Budget) -> bool:
    """`text.matches(pattern)` for a pattern only the run tells. Raises: Failure, TooCostly."""
    if not isinstance(text, str) or not isinstance(pattern, str):
        raise no_overload("matches", text, pattern)
    budget.spend(1 + len(pattern) // 4)
    matcher = Matcher(pattern)
    budget.spend(matcher.size // 4)
    return matcher(text, budget)


def _make_room(remembered: dict[Any, Any], most: int) -> None:
    if len(remembered) >= most:
        remembered.clear()


def _holds(place: str, before: str, after: str) -> bool:
    match place:
        case "text_begin":
            return before == _NOTHING
        case "text_end":
            return after == _NOTHING
        case "line_begin":
            return before in (_NOTHING, _NEWLINE)
        case "line_end":
            return after in (_NOTHING, _NEWLINE)
        case _:
            return ((before == _WORD) is not (after == _WORD)) is (place == "boundary")
