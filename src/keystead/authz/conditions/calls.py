"""How operators and functions are written in Python: in place where the types are known, else by a call that looks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC
from typing import TYPE_CHECKING, Final

from keystead.authz.conditions.addresses import lies_in, read_network
from keystead.authz.conditions.conversions import to_address, to_duration, to_timestamp
from keystead.authz.conditions.functions import GETTERS
from keystead.authz.conditions.patterns import Matcher
from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.syntax import Call, Expression, ListOf, Literal
from keystead.authz.conditions.times import read_zone
from keystead.authz.conditions.types import (
    BOOL,
    DOUBLE,
    DYN,
    INT,
    IPADDRESS,
    SCALARS,
    STRING,
    TIMESTAMP,
    Type,
)
from keystead.authz.conditions.values import Failure

if TYPE_CHECKING:
    from keystead.authz.conditions.emitter import Emitter

_EXACT: Final = SCALARS - {DOUBLE}
_ARITHMETIC: Final = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo"}
_PLAIN: Final = {
    "bool": "to_bool", "double": "to_double", "duration": "to_duration", "int": "to_int",
    "string": "to_string", "timestamp": "to_timestamp", "uint": "to_uint", "ipaddress": "to_address",
    "type": "type_of", "in_cidr": "in_cidr",
}  # fmt: skip
_FOLDED: Final[dict[str, Callable[[str], object]]] = {
    "timestamp": to_timestamp, "duration": to_duration, "ipaddress": to_address,
}  # fmt: skip


def emit_call(emitter: Emitter, node: Call) -> tuple[str, bool]:
    """Write a call; say whether it cannot fail."""
    literal = _folded(emitter, node)
    if literal:
        return literal, True
    codes = [emitter.emit(argument) for argument in node.arguments]
    texts = [code.text for code in codes]
    types = [argument.type for argument in node.arguments]
    total = all(code.total for code in codes)
    text = _in_place(emitter, node, texts, types)
    if text:
        return text, total
    text = _known_types(emitter, node, texts, types)
    return text or _by_looking(emitter, node.function, texts), node.function in ("==", "!=", "type", "dyn") and total


def _in_place(emitter: Emitter, node: Call, texts: list[str], types: list[Type]) -> str:
    """Write what cannot fail when its operands do not; nothing when it can."""
    function, first = node.function, types[0]
    same = len(types) == 2 and first == types[1]
    one, two = texts[0], texts[-1]
    match function:
        case "==" | "!=" if (same and (first in SCALARS or first == IPADDRESS)) or _text_and_anything(types):
            return f"({one} {function} {two})"
        case "<" | "<=" | ">" | ">=" if same and first in SCALARS:
            return f"({one} {function} {two})"
        case "!_" if first == BOOL:
            return f"(not {one})"
        case "-_" if first == DOUBLE:
            return f"(-{one})"
        case "+" | "-" | "*" if same and first == DOUBLE:
            return f"({one} {function} {two})"
        case "size" if first.name in ("string", "bytes", "list", "map"):
            return f"len({one})"
        case "startsWith" | "endsWith" if same and first == STRING:
            return f"{one}.{function.lower()}({two})"
        case "contains" if same and first == STRING:
            return f"({two} in {one})" if _free(emitter) else f"in_string({one}, {two}, {emitter.budget()})"
        case "in":
            return _membership(emitter, node.arguments[1], texts, types)
        case "dyn":
            return one
        case _:
            return ""


def _membership(emitter: Emitter, container: Expression, texts: list[str], types: list[Type]) -> str:
    item, holder = types
    if holder.name == "map" and item == STRING and holder.of[0] == STRING:
        return f"({texts[0]} in {texts[1]})"
    if holder.name != "list" or item not in _EXACT or holder.of[0] != item:
        return ""
    if isinstance(container, ListOf) and all(isinstance(each, Literal) for each in container.items):
        values = frozenset(each.value for each in container.items if isinstance(each, Literal))
        return f"({texts[0]} in {emitter.constant(values)})"
    if _free(emitter):
        return f"({texts[0]} in {texts[1]})"
    return f"in_list({texts[1]}, {texts[0]}, {emitter.budget()})"


def _known_types(emitter: Emitter, node: Call, texts: list[str], types: list[Type]) -> str:
    """Write what may fail, for known types."""
    both = ", ".join(texts)
    if node.function in _ARITHMETIC and types == [INT, INT]:
        return f"{_ARITHMETIC[node.function]}_int({both})"
    if node.function == "/" and types == [DOUBLE, DOUBLE]:
        return f"divide_double({both})"
    if node.function == "-_" and types == [INT]:
        return f"whole(-{texts[0]})"
    if node.function == "[]" and types[0].name == "list" and types[1] == INT:
        return f"item_at({both})"
    if node.function == "[]" and types[0].name == "map" and types[0].of[0] == types[1] == STRING:
        return f"value_of({both})"
    literal = node.arguments[-1]
    if node.function == "matches" and isinstance(literal, Literal) and types == [STRING, STRING]:
        return f"{emitter.constant(_compiled(Matcher, literal))}({texts[0]}, {emitter.budget()})"
    if node.function in GETTERS and (len(texts) == 1 or isinstance(literal, Literal)) and types[0] == TIMESTAMP:
        zone = emitter.constant(
            _compiled(read_zone, literal) if isinstance(literal, Literal) and len(texts) > 1 else UTC
        )
        return f"field_in({emitter.constant(node.function)}, {texts[0]}, {zone})"
    if node.function == "in_cidr" and isinstance(literal, Literal) and types[0] == IPADDRESS:
        network = emitter.constant(_compiled(read_network, literal))
        emitter.names["lies_in"] = lies_in
        return f"lies_in({texts[0]}, {network})"
    return ""


def _by_looking(emitter: Emitter, function: str, texts: list[str]) -> str:
    """Write a call that looks at what it is given."""
    both = ", ".join(texts)
    match function:
        case "+":
            return f"add({both}, {emitter.budget()})"
        case "-" | "*" | "/" | "%":
            return f"{_ARITHMETIC[function]}({both})"
        case "==" | "!=":
            return f"({'not ' if function == '!=' else ''}equals({both}, {emitter.budget()}))"
        case "<" | "<=":
            return f"{'less' if function == '<' else 'at_most'}({both})"
        case ">" | ">=":
            return f"{'less' if function == '>' else 'at_most'}({texts[1]}, {texts[0]})"
        case "in":
            return f"within({both}, {emitter.budget()})"
        case "[]":
            return f"index({both})"
        case "!_":
            return f"(not as_bool({both}))"
        case "-_":
            return f"negate({both})"
        case "size":
            return f"size({both})"
        case "contains" | "matches":
            return f"{function}({both}, {emitter.budget()})"
        case "startsWith" | "endsWith":
            return f"{'starts' if function == 'startsWith' else 'ends'}_with({both})"
        case "bytes":
            return f"to_bytes({both}, {emitter.budget()})"
        case _ if function in _PLAIN:
            return f"{_PLAIN[function]}({both})"
        case _:
            zone = texts[1] if len(texts) > 1 else "''"
            return f"field({emitter.constant(function)}, {texts[0]}, {zone}, {emitter.budget()})"


def _folded(emitter: Emitter, node: Call) -> str:
    """Write a conversion of a literal as the constant it is."""
    convert = _FOLDED.get(node.function)
    literal = node.arguments[0] if node.arguments else None
    if convert is None or not isinstance(literal, Literal) or not isinstance(literal.value, str):
        return ""
    return emitter.constant(_compiled(convert, literal))


def _compiled(read: Callable[[str], object], literal: Literal) -> object:
    try:
        return read(str(literal.value))
    except Failure as failure:
        raise Unreadable(str(failure), literal.at, literal.end, "correct it: this could never be evaluated") from None


def _text_and_anything(types: list[Type]) -> bool:
    """A string equals what is not a string never, in Python as in CEL."""
    return STRING in types and DYN in types


def _free(emitter: Emitter) -> bool:
    """Grant a few searches that need not be paid for, outside of loops."""
    emitter.free -= not emitter.loops
    return emitter.free >= 0 and not emitter.loops
