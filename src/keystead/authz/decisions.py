"""The answers: `Allowed` with the path that proves it, `Denied` with the reason nothing does, `Conditional` in between.

All are true or false in an `if`, and only `Allowed` is true, so `if not await engine.check(...)` means what it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from keystead.core import decisions
from keystead.storage.ports import Relationship

MAX_SHOWN: Final = 60


class Step(msgspec.Struct, frozen=True):
    """One step of a proof, read from the object towards the user.

    `how`: `tuple` (it names the user), `everybody` (a wildcard does), `userset` (it names a group the user is in),
    `parent` (it names an object the user has the relation to), `also` (another relation of the same object gives
    this one), `itself` (the user asked about is this userset), `all` (every one of the next steps one level deeper
    holds) or `not` (the user was looked for here and is not).
    `has` is what the step shows the user to have: `order:17#viewer`. `tuple` is None where no tuple is involved.
    `values` are what the tuple's condition held with, from the tuple and from the question.
    """

    how: str
    has: str
    through: str = ""
    tuple: Relationship | None = None
    depth: int = 0
    values: Mapping[str, object] = {}

    def __str__(self) -> str:
        """Say it in words."""
        sentence = {
            "tuple": f"{self.has}: named by a tuple",
            "everybody": f"{self.has}: a tuple names everybody ({self.through})",
            "userset": f"{self.has}: given to {self.through}",
            "parent": f"{self.has}: comes from {self.through}",
            "also": f"{self.has}: comes with {self.through}",
            "itself": f"{self.has}: is the very userset that asks",
            "all": f"{self.has}: all of the following",
            "not": f"{self.has}: not {self.through}",
        }[self.how]
        return "  " * self.depth + sentence + self._why_it_counts()

    def _why_it_counts(self) -> str:
        """Say which condition held with which values, and until when the tuple counts."""
        if self.tuple is None:
            return ""
        values = ", ".join(f"{name}={_short(value)}" for name, value in self.values.items())
        condition = f", as {self.tuple.condition}({values}) holds" if self.tuple.condition else ""
        return condition + (f", until {self.tuple.expires_at}" if self.tuple.expires_at else "")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


class Allowed(decisions.Allowed, frozen=True, tag="allowed"):
    """Yes. `path` is the proof, empty when it was not asked for; `revision` the state of the tuples it holds at."""

    path: tuple[Step, ...] = ()
    revision: int = 0

    def __bool__(self) -> bool:
        """Yes is true."""
        return True

    @property
    def tuples(self) -> tuple[Relationship, ...]:
        """The tuples the proof rests on."""
        return tuple(step.tuple for step in self.path if step.tuple is not None)

    def __str__(self) -> str:
        """Write the proof, one step a line."""
        return "\n".join(["allowed", *(f"  {step}" for step in self.path)])


class Denied(decisions.Denied, frozen=True, tag="denied"):
    """No. `reason` is a stable slug, `detail` a sentence, `looked_at` the first places that were searched.

    Reasons: `authz.no_path`, `authz.excluded` (a `but not` took it away; `detail` says how), `authz.contradiction`
    (the tuples make it depend on its own negation), `authz.stale_facts` (it hangs on shared facts that are older than
    they may be, or never came).
    """

    looked_at: tuple[str, ...] = ()
    revision: int = 0

    def __bool__(self) -> bool:
        """No is false."""
        return False

    def __str__(self) -> str:
        """Write the reason and where was looked."""
        lines = [f"denied ({self.reason}): {self.detail}", *(f"  looked at {place}" for place in self.looked_at)]
        return "\n".join(lines)


class Conditional(Denied, frozen=True, tag="conditional"):
    """Not decided: it hangs on a condition that could not be evaluated, or on what lies too deep to look at.

    It is a `Denied`, so that code which knows only yes and no refuses. `missing` names the parameters to pass as
    `context` for a definite answer; it is empty when passing more would not help. `looked_at` are the places whose
    tuples it hangs on.
    Reasons: `authz.condition_missing` (parameters are missing), `authz.condition_failed` (a value has the wrong type or
    the expression failed on it), `authz.too_deep` (beyond `maximum_depth`), `authz.too_costly` (a condition cost more
    than its limit), `authz.out_of_time` (a server had no more time for the question).
    """

    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Write what it hangs on."""
        lines = [f"conditional ({self.reason}): {self.detail}", *(f"  missing {name}" for name in self.missing)]
        return "\n".join([*lines, *(f"  hangs on {place}" for place in self.looked_at)])


AuthorizationDecision = Allowed | Denied | Conditional
