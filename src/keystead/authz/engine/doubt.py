"""Why a question cannot be decided, and the judge who finds out: do the qualified tuples of this question count?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from keystead.authz.conditions import Condition, Unevaluable
from keystead.authz.engine.allowance import Spend, without_limit
from keystead.authz.engine.qualified import Qualifier

REASONS: Final[Mapping[str, str]] = {
    "missing": "authz.condition_missing",
    "failed": "authz.condition_failed",
    "wrong_type": "authz.condition_failed",
    "too_costly": "authz.too_costly",
}


class Doubt(msgspec.Struct, frozen=True):
    """One thing that could not be decided: a stable reason, a sentence, and the parameters that would help."""

    reason: str
    detail: str
    missing: tuple[str, ...] = ()


class Judge:
    """Decides for one question's time and context whether a qualified tuple counts. Kleene's third value: a `Doubt`.

    A tuple that has expired does not count, whatever its condition. What the tuple stores wins over what the question
    brings, so that nobody can talk a stored limit away. `spend` is called for what takes time.
    """

    def __init__(
        self,
        conditions: Mapping[str, Condition],
        now: float,
        context: Mapping[str, object],
        spend: Spend = without_limit,
    ) -> None:
        self.spend = spend
        self._conditions = conditions
        self._now = now
        self._context = context
        self._known: dict[str, bool | Doubt] = {}

    def counts(self, qualifier: Qualifier) -> bool | Doubt:
        """Tell whether a tuple qualified so counts."""
        if self.has_expired(qualifier):
            return False
        if not qualifier.condition:
            return True
        if qualifier.context:
            return self._evaluate(qualifier.condition, self.values(qualifier))
        known = self._known.get(qualifier.condition)
        if known is None:
            known = self._known[qualifier.condition] = self._evaluate(qualifier.condition, self._context)
        return known

    def has_expired(self, qualifier: Qualifier) -> bool:
        """Tell whether a tuple is past its time."""
        return 0 < qualifier.expires_at <= self._now

    def values(self, qualifier: Qualifier) -> dict[str, object]:
        """Return the parameters a condition is evaluated with, the tuple's before the question's."""
        return {**self._context, **qualifier.context}

    def _evaluate(self, name: str, context: Mapping[str, object]) -> bool | Doubt:
        self.spend()
        outcome = self._conditions[name].evaluate(context)
        if isinstance(outcome, Unevaluable):
            return Doubt(REASONS[outcome.reason], outcome.detail, outcome.missing)
        return outcome


def missing_of(doubts: Iterable[Doubt]) -> tuple[str, ...]:
    """Return the parameters missing from any of these, each once, in order of appearance."""
    return tuple(dict.fromkeys(name for doubt in doubts for name in doubt.missing))
