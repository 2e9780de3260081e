"""Macros: `list.all(x, x > 0)` and its kin, told apart from functions by name and number of arguments.

Spec: CEL language definition, "Macros".
"""

from __future__ import annotations

from typing import Final

from keystead.authz.conditions.problems import Unreadable
from keystead.authz.conditions.syntax import Expression, Loop, Name
from keystead.authz.conditions.tokens import Token

MACROS: Final = frozenset(
    {("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("map", 2), ("map", 3), ("filter", 2)}
)


def expand_macro(over: Expression, name: Token, arguments: list[Expression], end: int) -> Loop:
    """Make the loop that a macro stands for. Raises: Unreadable when its variable is not a plain name."""
    variable = arguments[0]
    if not isinstance(variable, Name):
        raise Unreadable(
            f"`{name.text}` needs a variable first", variable.at, variable.end, f"write `list.{name.text}(x, ...)`"
        )
    macro = "exists_one" if name.text == "existsOne" else name.text
    loop = Loop(over.at, end, macro=macro, variable=variable.name, over=over)
    if macro == "map":
        loop.guard = arguments[1] if len(arguments) == 3 else None
        loop.result = arguments[-1]
    else:
        loop.guard = arguments[1]
    return loop
