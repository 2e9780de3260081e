"""The rules turned round: what a user gains elsewhere by having one slot of one object.

Conservative where a rule has `and` or `but not`: each part of an `and`, and the base of a `but not`, is taken for
enough. What is found that way is a candidate, to be checked; where only unions were passed it is certain.
"""

from __future__ import annotations

import msgspec

from keystead.authz.engine.rules import AllOf, Also, AnyOf, ButNot, Rule, Through


class Backward(msgspec.Struct, frozen=True):
    """Steps back, by slot.

    `also[slot]`: slots of the same object that `slot` may give. `through[slot]`: (tupleset, slot) pairs: whoever has
    `slot` of an object may have the other slot of the objects whose tupleset names it.
    """

    also: tuple[tuple[int, ...], ...]
    through: tuple[tuple[tuple[int, int], ...], ...]


def turn_round(rules: tuple[Rule, ...]) -> Backward:
    """Compile the steps back."""
    also: list[dict[int, None]] = [{} for _ in rules]
    through: list[dict[tuple[int, int], None]] = [{} for _ in rules]
    for slot, rule in enumerate(rules):
        stack = [rule]
        while stack:
            match stack.pop():
                case AnyOf(parts) | AllOf(parts):
                    stack.extend(parts)
                case ButNot(base, _):
                    stack.append(base)
                case Also(other):
                    also[other][slot] = None
                case Through(tupleset, targets):
                    for target in targets.values():
                        through[target][tupleset, slot] = None
                case _:
                    pass
    return Backward(tuple(map(tuple, also)), tuple(map(tuple, through)))
