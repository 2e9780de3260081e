"""Conditions: CEL expressions that a tuple's `with` asks, compiled to Python.

    condition = compile_condition(definition)          # ModelError: line, column, remedy
    answer = condition.evaluate({"age": 17})           # True, False, or Unevaluable(reason, missing, detail)

Flow: `tokens` and `parser` read the expression, `checker` finds its types, `emitter` and `calls` write Python,
`casts` turn what a request sends into the declared types. At run time `arithmetic`, `containers`, `conversions`,
`times` and `addresses` do what Python does not do as CEL wants it.
Does not: keep state, read clocks, or let one evaluation cost more than a few milliseconds.
"""

from keystead.authz.conditions.condition import Condition, Unevaluable, compile_condition

__all__ = ["Condition", "Unevaluable", "compile_condition"]
