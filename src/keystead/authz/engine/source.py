"""Writes the Python source of one check: one slot, users of one type, over the columns as they are shaped now.

Only rules that have a short cut (unions all the way down). What the source says is what `keystead.authz.engine.reach`
does, with everything left out that is known beforehand: columns that are empty or name other kinds of users, slots that
no user of the type can get to, loops over what is single. Names of the model stand in comments only, as ASCII literals.

Where a relation has qualified tuples, code asks at every object it comes to whether one of them could matter to this
user. If one could, it goes on looking for a plain yes, and where it finds none it leaves the question to the solver.

Shape: `check(object, user)` -> bool, or None: ask the solver. Around it `bind` has c0, c1 ... (how to read
each column), `kept`, `climb`, `meet`, `give_up`, and of `keystead.authz.engine.doubtful` what is in `ASKED`.
Does not: know any tuple; the same source serves every graph whose columns have the same shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Final

import msgspec

from keystead.authz.engine.doubtful import ASKED, bits_of, doubts_at
from keystead.authz.engine.layout import NO_USERSET
from keystead.authz.engine.plan import Plan

MAX_READS: Final = 120
"""Columns a check may look at before it is left to the short cut: compiling costs time for every one."""
MAX_ROUNDS: Final = 64
"""Steps up a chain of parents before it is left to the short cut, which sees loops."""


class Read(Enum):
    """How to read a cell: of a list, of a dictionary, or by asking the column."""

    LIST = "c{}[i]"
    DICTIONARY = "c{}(i, -1)"
    CALL = "c{}(i)"


class Look(msgspec.Struct, frozen=True):
    """How code reads one column: or not at all, when it is empty."""

    read: Read
    single: bool
    empty: bool


class Source(msgspec.Struct, frozen=True):
    """The text; the columns that c0, c1 ... are, in order; and the slots whose checks g0, g1 ... are."""

    text: str
    columns: tuple[int, ...]
    plain: tuple[int, ...] = ()


class State(msgspec.Struct, frozen=True):
    """What to look at on an object one has come to by a slot. Columns by number.

    `moves`: (column, slot to go on with at what it names).
    """

    slot: int
    users: tuple[int, ...]
    everybody: tuple[int, ...]
    groups: tuple[int, ...]
    moves: tuple[tuple[int, int], ...]
    named: tuple[int, ...] = ()
    tuplesets: tuple[int, ...] = ()
    """Slots whose tuples name users, and parents."""


def write_check(plan: Plan, slot: int, kind: int, looks: Callable[[int], Look], qualified: int = 0) -> Source | None:
    """Write the check of a slot for users of a kind. None: the rule has no short cut, or is too long.

    `qualified` are the slots that have qualified tuples, as bits.
    """
    states = _states(plan, slot, kind, looks) if plan.shortcuts.has[slot] else None
    return None if states is None else _Writer(plan, looks, qualified & plan.reachable[slot]).write(states)


def _states(plan: Plan, start: int, kind: int, looks: Callable[[int], Look]) -> list[State] | None:
    """Return the state of every slot that can be come to, the first one first. None: they are too many."""
    accepting = accepting_bits(plan, kind)
    found = {start: None}
    states: list[State] = []
    reads = 0
    for slot in (walk := [start]):
        state = _state(plan, slot, kind, looks, accepting)
        reads += 1 + len(state.users) + len(state.everybody) + len(state.groups) + len(state.moves)
        if reads > MAX_READS:
            return None
        states.append(state)
        for _, target in state.moves:
            if target not in found:
                found[target] = None
                walk.append(target)
    return states


def accepting_bits(plan: Plan, kind: int) -> int:
    """Return the slots whose tuples may name users of a kind, or everybody of its type, as bits."""
    columns = (*plan.layout.naming_kind[kind], *plan.layout.naming_kind[kind + len(plan.layout.types)])
    return sum({1 << plan.layout.doors[column].slot for column in columns})


def _state(plan: Plan, slot: int, kind: int, looks: Callable[[int], Look], accepting: int) -> State:
    layout, shortcuts = plan.layout, plan.shortcuts
    named, named_sets, arrows = shortcuts.steps[slot]
    columns = [column for offset in named for column in layout.users[slot + offset] if not looks(column).empty]
    everybody = kind + len(layout.types)
    usersets = [
        (column, layout.doors[column].userset) for offset in named_sets for column in layout.usersets[slot + offset]
    ]
    parents = [
        (column, targets.get(layout.types[layout.doors[column].kind], NO_USERSET))
        for offset, _, targets in arrows
        for column in layout.users[slot + offset]
        if not layout.is_wildcard(layout.doors[column].kind)
    ]

    def useful(step: tuple[int, int]) -> bool:
        column, target = step
        return target >= 0 and not looks(column).empty and bool(plan.reachable[target] & accepting)

    return State(
        slot,
        users=tuple(column for column in columns if layout.doors[column].kind == kind),
        everybody=tuple(column for column in columns if layout.doors[column].kind == everybody),
        groups=tuple(column for column, target in filter(useful, usersets) if shortcuts.group_like[target]),
        moves=tuple(
            dict.fromkeys(
                (
                    *(step for step in filter(useful, usersets) if not shortcuts.group_like[step[1]]),
                    *filter(useful, parents),
                )
            )
        ),
        named=tuple(slot + offset for offset in named),
        tuplesets=tuple(slot + offset for offset, _, _ in arrows),
    )


class _Writer:
    """Puts states into words."""

    def __init__(self, plan: Plan, looks: Callable[[int], Look], qualified: int) -> None:
        self._plan = plan
        self._looks = looks
        self._qualified = qualified
        self._no = "no" if qualified else "False"
        self._columns: dict[int, int] = {}
        self._lines: list[str] = []

    def write(self, states: list[State]) -> Source:
        """Write the whole."""
        uses_groups = any(state.groups for state in states)
        if self._qualified:
            self._say(2, "no = False")
        if uses_groups:
            self._say(2, "groups = None")
        if all(self._is_chain(state) for state in states):
            self._write_chain(states)
        else:
            self._write_walk(states)
        columns = ", ".join(f"c{number}" for number in self._columns.values())
        names = ", ".join(("kept, climb, meet, give_up", *ASKED, *filter(None, [columns])))
        head = [f"def bind({names}):", "    def check(object, user):"]
        return Source("\n".join([*head, *self._lines, "    return check", ""]), tuple(self._columns))

    def _is_chain(self, state: State) -> bool:
        return len(state.moves) <= 1 and all(self._looks(column).single for column, _ in state.moves)

    def _write_chain(self, states: list[State]) -> None:
        """Write states that follow one another, the last perhaps leading back to an earlier one."""
        order = [state.slot for state in states]
        last = states[-1]
        again = order.index(last.moves[0][1]) if last.moves else len(states)
        shift = self._plan.layout.shift
        self._say(2, f"i = object >> {shift}")
        for place, state in enumerate(states):
            if place == again:
                self._say(2, f"for _ in range({MAX_ROUNDS}):")
            depth = 3 if place >= again else 2
            self._look_around(depth, state)
            for column, _ in state.moves:
                self._say(depth, f"i = {self._read(column)}", "if i < 0:", f"    return {self._no}", f"i >>= {shift}")
        self._say(2, "return give_up(object, user)" if again < len(states) else f"return {self._no}")

    def _write_walk(self, states: list[State]) -> None:
        """Write states that fan out: one list of what is still to be visited for each, and what has been seen."""
        at = {state.slot: place for place, state in enumerate(states)}
        for place in at.values():
            self._say(2, f"todo{place} = [{'object' if not place else ''}]")
            self._say(2, f"seen{place} = {'{object}' if not place else 'set()'}")
        self._say(2, "while True:")
        for place, state in enumerate(states):
            self._say(3, f"{'elif' if place else 'if'} todo{place}:")
            self._say(4, f"i = todo{place}.pop() >> {self._plan.layout.shift}")
            self._look_around(4, state)
            for column, target in state.moves:
                self._push(4, column, at[target])
        self._say(3, "else:", f"    return {self._no}")

    def _push(self, depth: int, column: int, target: int) -> None:
        """Remember to visit what a column names."""
        push = (f"seen{target}.add(p)", f"todo{target}.append(p)")
        self._say(depth, f"p = {self._read(column)}")
        if not self._looks(column).single:
            self._say(depth, "if p.__class__ is not int:", "    for p in p:", f"        if p not in seen{target}:")
            self._say(depth + 3, *push)
            self._say(depth, f"elif p >= 0 and p not in seen{target}:")
        else:
            self._say(depth, f"if p >= 0 and p not in seen{target}:")
        self._say(depth + 1, *push)

    def _look_around(self, depth: int, state: State) -> None:
        """Say yes where the object's own tuples name the user, everybody, or a group the user is in."""
        type, relation = self._plan.names[state.slot]
        self._say(depth, f"# {f'{type}#{relation}'!a}")
        for slot in dict.fromkeys((*state.named, *state.tuplesets)):
            for doubt in doubts_at(self._plan, self._qualified, slot, is_tupleset=slot in state.tuplesets):
                self._say(depth, f"if {doubt}:", "    no = None")
        for column in state.users:
            if self._looks(column).single:
                self._say(depth, f"if {self._read(column)} == user:", "    return True")
            else:
                self._say(depth, f"v = {self._read(column)}")
                self._say(depth, "if v == user or v.__class__ is not int and user in v:", "    return True")
        for column in state.everybody:
            self._say(depth, f"if {self._read(column)} >= 0:", "    return True")
        for column in state.groups:
            self._look_at_groups(depth, column)

    def _look_at_groups(self, depth: int, column: int) -> None:
        group = f"v * {self._plan.width} + {self._plan.layout.doors[column].userset}"
        self._say(depth, f"v = {self._read(column)}")
        self._say(depth, "if v != -1:", "    if groups is None:")
        self._say(depth + 2, "groups = kept(user)", "if groups is None:", "    groups = climb(user)")
        self._say(depth + 3, "if groups is None:", "    return give_up(object, user)")
        if any(self._plan.shortcuts.gives[slot] for slot in bits_of(self._qualified)):
            self._say(depth + 2, "if unsure(user, groups):", "    no = None")
        if self._looks(column).single:
            self._say(depth + 1, f"if {group} in groups:", "    return True")
        else:
            self._say(depth + 1, "if v.__class__ is int:", f"    if {group} in groups:", "        return True")
            self._say(depth + 1, f"elif meet(v, {self._plan.layout.doors[column].userset}, groups):", "    return True")

    def _read(self, column: int) -> str:
        number = self._columns.setdefault(column, len(self._columns))
        return self._looks(column).read.value.format(number)

    def _say(self, depth: int, *lines: str) -> None:
        self._lines += [f"{'    ' * depth}{line}" for line in lines]
