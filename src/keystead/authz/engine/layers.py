"""Writes the Python source of one check whose rule has `and` or `but not`: a function for every slot it leads to.

Each is one expression that says the rule as it stands; what is made of unions only is left to its own compiled check.
When such code comes to an end, it has looked at what the answer depends on without going in a circle, and then there is
only one answer, which is the solver's. It does not wait to see: after `MAX_CALLS` it raises `Spent`, and the solver,
which looks at everything once and sees circles, decides.

Shape: as in `keystead.authz.engine.source`; `bind` also has g0, g1 ...: the checks of slots made of unions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from keystead.authz.engine.doubtful import ASKED, doubts_at
from keystead.authz.engine.plan import Plan
from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Named, Rule, Through, leaves
from keystead.authz.engine.source import Look, Source, accepting_bits

MAX_CALLS: Final = 64
"""Functions called for one question, hence also how deep they nest."""
MAX_SLOTS: Final = 32
MAX_PARTS: Final = 60
"""Parts of one rule. Longer ones are left to the solver."""
NEVER: Final = "False"


class Spent(Exception):
    """The question needs more looking at than compiled code is for."""


class _TooLong(Exception):
    """The rules are."""


def write_layers(plan: Plan, slot: int, kind: int, looks: Callable[[int], Look], qualified: int = 0) -> Source | None:
    """Write the check of a slot for users of a kind. None: its rules are too long.

    `qualified` are the slots that have qualified tuples, as bits: where one could matter, the solver decides.
    """
    try:
        return _Writer(plan, kind, looks, qualified).write(slot)
    except _TooLong:
        return None


class _Writer:
    """Puts rules into words, one function for a slot."""

    def __init__(self, plan: Plan, kind: int, looks: Callable[[int], Look], qualified: int) -> None:
        self._plan = plan
        self._qualified = qualified
        self._kind = kind
        self._looks = looks
        self._accepting = accepting_bits(plan, kind)
        self._columns: dict[int, int] = {}
        self._plain: dict[int, int] = {}
        self._slots: dict[int, None] = {}
        self._parts = 0

    def write(self, start: int) -> Source:
        """Write the whole."""
        self._slots[start] = None
        lines: list[str] = []
        for slot in (walk := [start]):
            known = len(self._slots)
            lines += self._function(slot)
            if len(self._slots) > MAX_SLOTS:
                raise _TooLong
            walk += list(self._slots)[known:]
        names = [f"c{number}" for number in self._columns.values()]
        names += [f"g{number}" for number in self._plain.values()]
        head = f"def bind({', '.join(('left', 'Spent', 'has', 'leads', *ASKED, *names))}):"
        check = [
            "    def check(object, user):",
            f"        left[0] = {MAX_CALLS}",
            "        try:",
            f"            return f{start}(object, user)",
            "        except Spent:",
            "            return None",
            "    return check",
            "",
        ]
        return Source("\n".join([head, *lines, *check]), tuple(self._columns), tuple(self._plain))

    def _function(self, slot: int) -> list[str]:
        self._parts = 0
        type, relation = self._plan.names[slot]
        rule = self._say(self._plan.rules[slot])
        return [
            f"    def f{slot}(object, user):",
            f"        # {f'{type}#{relation}'!a}",
            "        left[0] -= 1",
            "        if left[0] < 0:",
            "            raise Spent",
            f"        i = object >> {self._plan.layout.shift}",
            *(line for doubt in self._doubts(slot) for line in (f"        if {doubt}:", "            raise Spent")),
            f"        return {rule}",
        ]

    def _doubts(self, slot: int) -> Iterator[str]:
        """Say when a qualified tuple of the object could matter to the rule of a slot."""
        for leaf in leaves(self._plan.rules[slot]):
            if isinstance(leaf, Named):
                yield from doubts_at(self._plan, self._qualified, leaf.slot, is_tupleset=False)
            elif isinstance(leaf, Through):
                yield from doubts_at(self._plan, self._qualified, leaf.tupleset, is_tupleset=True)

    def _say(self, rule: Rule) -> str:
        """Say a rule as an expression."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise _TooLong
        match rule:
            case Named(slot):
                return _either(self._named(slot))
            case Also(slot):
                return self._call(slot, "object")
            case Through(tupleset, targets):
                return _either(self._through(tupleset, targets))
            case AnyOf(parts):
                return _either([self._say(part) for part in parts])
            case AllOf(parts):
                said = [self._say(part) for part in parts]
                return NEVER if NEVER in said else f"({' and '.join(said)})"
            case ButNot(base, subtract):
                given, taken = self._say(base), self._say(subtract)
                return given if NEVER in (given, taken) else f"({given} and not {taken})"

    def _named(self, slot: int) -> Iterable[str]:
        layout = self._plan.layout
        for column in layout.users[slot]:
            look, kind = self._looks(column), layout.doors[column].kind
            if look.empty:
                continue
            if kind == self._kind:
                read = self._read(column)
                yield f"{read} == user" if look.single else f"has({read}, user)"
            elif kind == self._kind + len(layout.types):
                yield f"{self._read(column)} >= 0"
        for column in layout.usersets[slot]:
            yield self._leads(column, layout.doors[column].userset)

    def _through(self, tupleset: int, targets: Mapping[str, int]) -> Iterable[str]:
        layout = self._plan.layout
        for column in layout.users[tupleset]:
            kind = layout.doors[column].kind
            target = None if layout.is_wildcard(kind) else targets.get(layout.types[kind])
            if target is not None:
                yield self._leads(column, target)

    def _leads(self, column: int, target: int) -> str:
        """Say that what a column names has a slot."""
        if self._looks(column).empty or not self._useful(target):
            return NEVER
        return f"leads({self._read(column)}, {self._name(target)}, user)"

    def _call(self, slot: int, object: str) -> str:
        return f"{self._name(slot)}({object}, user)" if self._useful(slot) else NEVER

    def _useful(self, slot: int) -> bool:
        return bool(self._plan.reachable[slot] & self._accepting)

    def _name(self, slot: int) -> str:
        if self._plan.shortcuts.has[slot]:
            return f"g{self._plain.setdefault(slot, len(self._plain))}"
        self._slots[slot] = None
        return f"f{slot}"

    def _read(self, column: int) -> str:
        number = self._columns.setdefault(column, len(self._columns))
        return self._looks(column).read.value.format(number)


def _either(said: Iterable[str]) -> str:
    possible = [each for each in said if each != NEVER]
    if not possible:
        return NEVER
    return possible[0] if len(possible) == 1 else f"({' or '.join(possible)})"
