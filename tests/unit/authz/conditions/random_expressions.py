"""Random CEL expressions that are well typed most of the time, and contexts for them."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

PARAMETERS: Final = {
    "i": "int", "j": "int", "u": "uint", "d": "double", "s": "string", "t": "string", "b": "bool",
    "when": "timestamp", "span": "duration", "ints": "list<int>", "words": "list<string>", "ages": "map<int>",
}  # fmt: skip
_STRINGS: Final = ("", "a", "ab", "b", "ä", "a.b", "A", "5", "true", "x" * 5)
_INTS: Final = (0, 1, -1, 2, 5, 7, -3, 2**31, 2**63 - 1, -(2**63))


def random_context(source: random.Random) -> dict[str, Any]:
    """Give every parameter a value, as JSON would carry it."""
    return {
        "i": source.choice(_INTS),
        "j": source.choice(_INTS),
        "u": source.choice((0, 1, 2, 5, 2**63, 2**64 - 1)),
        "d": source.choice((0.0, 1.0, -1.5, 2.0, 0.5, 1e300, 5.0)),
        "s": source.choice(_STRINGS),
        "t": source.choice(_STRINGS),
        "b": source.random() < 0.5,
        "when": source.choice(("2026-01-31T12:30:45Z", "1970-01-01T00:00:00Z", "2024-02-29T23:59:59.5Z")),
        "span": source.choice(("0s", "1h30m", "-90s", "300ms")),
        "ints": [source.choice(_INTS) for _ in range(source.randrange(4))],
        "words": [source.choice(_STRINGS) for _ in range(source.randrange(4))],
        "ages": {source.choice(_STRINGS): source.choice(_INTS) for _ in range(source.randrange(4))},
    }


class Writer:
    """Writes expressions of a wanted type. `depth` bounds them; `variables` are those of macros around."""

    def __init__(self, source: random.Random) -> None:
        self._source = source
        self._macros = 0
        self._variables: dict[str, list[str]] = {"int": [], "string": []}

    def write(self, kind: str, depth: int) -> str:
        """Write an expression that gives `kind`."""
        leaves = self._leaves(kind)
        if depth <= 0 or self._source.random() < 0.15:
            return self._source.choice(leaves)
        return self._source.choice(_WAYS[kind])(self, depth - 1)

    def pick(self, *ways: str) -> str:
        """Choose."""
        return self._source.choice(ways)

    def macro(self, kind: str, depth: int, shape: str) -> str:
        """Write a macro over a list of `kind`; `shape` has holes for list, variable, bool and value."""
        self._macros += 1
        variable = f"m{self._macros}"
        items = self.write(f"list<{kind}>", depth)
        self._variables[kind].append(variable)
        guard, value = self.write("bool", depth), self.write(kind, depth)
        self._variables[kind].pop()
        return shape.format(l=items, v=variable, g=guard, x=value)

    def _leaves(self, kind: str) -> list[str]:
        named = [name for name, each in PARAMETERS.items() if each == kind]
        return [*named, *self._variables.get(kind, []), *_LITERALS[kind]]


_LITERALS: Final = {
    "bool": ["true", "false"],
    "int": ["0", "1", "-1", "5", "9223372036854775807", "-9223372036854775808", "0x1F"],
    "uint": ["0u", "1u", "18446744073709551615u"],
    "double": ["0.0", "1.5", "-2.0", "1e3"],
    "string": ["''", "'a'", "'ab'", '"x"', r"r'\d'", "'5'"],
    "timestamp": ["timestamp('2026-01-31T12:30:45Z')", "timestamp(0)"],
    "duration": ["duration('90m')", "duration('1.5s')"],
    "list<int>": ["[]", "[1, 2]", "[i, 0]"],
    "list<string>": ["[]", "['a', s]", "['ab']"],
    "map<int>": ["{}", "{'a': 1}", "{s: i}"],
    "dyn": ["dyn(i)", "dyn(s)", "dyn(u)", "dyn(d)", "dyn(b)", "dyn(ints)", "dyn(ages)", "null"],
}
_SCALARS: Final = ("bool", "int", "uint", "double", "string", "timestamp", "duration")
Way = Callable[[Writer, int], str]


def _compare(writer: Writer, depth: int) -> str:
    kind = writer.pick(*_SCALARS)
    return f"({writer.write(kind, depth)} {writer.pick('==', '!=', '<', '<=', '>', '>=')} {writer.write(kind, depth)})"


def _equal(writer: Writer, depth: int) -> str:
    kind = writer.pick("list<int>", "list<string>", "map<int>", "dyn")
    return f"({writer.write(kind, depth)} {writer.pick('==', '!=')} {writer.write(kind, depth)})"


def _choice(kind: str) -> Way:
    def write(writer: Writer, depth: int) -> str:
        return f"({writer.write('bool', depth)} ? {writer.write(kind, depth)} : {writer.write(kind, depth)})"

    return write


def _operators(kind: str, *operators: str) -> Way:
    def write(writer: Writer, depth: int) -> str:
        return f"({writer.write(kind, depth)} {writer.pick(*operators)} {writer.write(kind, depth)})"

    return write


def _shape(shape: str, *kinds: str) -> Way:
    def write(writer: Writer, depth: int) -> str:
        return shape.format(*(writer.write(kind, depth) for kind in kinds))

    return write


def _macro(kind: str, shape: str) -> Way:
    return lambda writer, depth: writer.macro(kind, depth - 1, shape)


_WAYS: Final[dict[str, list[Way]]] = {
    "bool": [
        _compare,
        _compare,
        _equal,
        _operators("bool", "&&", "||"),
        _operators("bool", "&&", "||"),
        _choice("bool"),
        _shape("!{0}", "bool"),
        _shape("({0} in {1})", "int", "list<int>"),
        _shape("({0} in {1})", "string", "map<int>"),
        _shape("({0} in {1})", "dyn", "dyn"),
        _shape("{0}.contains({1})", "string", "string"),
        _shape("{0}.startsWith({1})", "string", "string"),
        _shape("{0}.endsWith({1})", "string", "string"),
        _shape("{0}.matches('^[a-c]+$')", "string"),
        _shape("has(ages.a)"),
        _shape("(type({0}) == type({1}))", "dyn", "int"),
        _macro("int", "{l}.all({v}, {g})"),
        _macro("int", "{l}.exists({v}, {g})"),
        _macro("string", "{l}.exists_one({v}, {g})"),
        _macro("string", "{l}.all({v}, {g})"),
        _shape("({0} < {1})", "dyn", "dyn"),
        _shape("({0} || {1} || {2})", "bool", "bool", "bool"),
        _shape("ages.exists(k, k == {0} && ages[k] > {1})", "string", "int"),
    ],
    "int": [
        _operators("int", "+", "-", "*", "/", "%"),
        _operators("int", "+", "-"),
        _choice("int"),
        _shape("-({0})", "int"),
        _shape("size({0})", "list<int>"),
        _shape("{0}.size()", "string"),
        _shape("{0}[{1}]", "list<int>", "int"),
        _shape("{0}[{1}]", "map<int>", "string"),
        _shape("ages.a"),
        _shape("int({0})", "string"),
        _shape("int({0})", "double"),
        _shape("int({0})", "uint"),
        _shape("{0}.getHours()", "timestamp"),
        _shape("{0}.getDayOfYear('Europe/Berlin')", "timestamp"),
        _shape("{0}.getMinutes()", "duration"),
        _shape("{0}.getDayOfWeek()", "timestamp"),
        _shape("int({0})", "timestamp"),
    ],
    "uint": [_operators("uint", "+", "-", "*", "/", "%"), _choice("uint"), _shape("uint({0})", "int")],
    "double": [_operators("double", "+", "-", "*", "/"), _choice("double"), _shape("double({0})", "int")],
    "string": [
        _operators("string", "+"),
        _choice("string"),
        _shape("string({0})", "int"),
        _shape("string({0})", "bool"),
        _shape("string(d)"),
        _shape("{0}[{1}]", "list<string>", "int"),
    ],
    "timestamp": [_shape("({0} + {1})", "timestamp", "duration"), _shape("({0} - {1})", "timestamp", "duration")],
    "duration": [_operators("duration", "+", "-"), _shape("({0} - {1})", "timestamp", "timestamp")],
    "list<int>": [
        _operators("list<int>", "+"),
        _choice("list<int>"),
        _shape("[{0}, {1}]", "int", "int"),
        _macro("int", "{l}.filter({v}, {g})"),
        _macro("int", "{l}.map({v}, {x})"),
        _macro("int", "{l}.map({v}, {g}, {x})"),
    ],
    "list<string>": [
        _operators("list<string>", "+"),
        _shape("[{0}]", "string"),
        _macro("string", "{l}.filter({v}, {g})"),
    ],
    "map<int>": [_shape("{{{0}: {1}}}", "string", "int"), _choice("map<int>")],
    "dyn": [
        _shape("dyn({0})", "int"),
        _shape("dyn({0})", "double"),
        _shape("dyn({0})", "map<int>"),
        _shape("[{0}, {1}]", "int", "string"),
    ],
}
