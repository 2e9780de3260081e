"""What the authorization engine raises, and the shape of a complaint about a model.

    KeysteadError
    └─ AuthorizationError
        ├─ ModelError              the model cannot be used: every problem with line, column and remedy
        ├─ InvalidQuery            the question names a type or relation the model lacks, or is malformed
        ├─ InvalidRelationship     a tuple is malformed, or the model does not allow it
        ├─ Undecided               a list cannot be complete: an answer in it is conditional
        │   └─ OutOfTime           ... because one request may take no longer (`engine.allowance`)
        ├─ WriteRefused            a duplicate, a missing tuple or a precondition stopped the whole write
        ├─ NotThereYet             the answer was to know of a revision that has not come here
        ├─ StaleFacts              a list would rest on shared facts that are too old, or never came
        ├─ ChangesGone             changes were asked for that are no longer kept
        ├─ UnknownStore, UnknownModel, ForeignToken, KeptByConfiguration    of stores kept for others (`served.errors`)
        └─ MappingError, NotExpressible, TooMuch    of a service's own rows (`rows.problems`)

Does not: carry a decision. "No" is a `Denied`, never an exception.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from keystead.authz.decisions import Conditional
from keystead.core.errors import KeysteadError


class Span(msgspec.Struct, frozen=True):
    """A stretch of one line of a model. Lines and columns count from 1; `end` is the column after the last.

    `file` names the module, empty for a model in one piece.
    """

    line: int
    column: int
    end: int
    file: str = ""


NOWHERE = Span(0, 0, 0)


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong with a model: where, what, a stable `code`, and what to write instead."""

    message: str
    span: Span
    code: str
    remedy: str = ""
    symbol: str = ""

    def __str__(self) -> str:
        """Render as one line for a terminal: `file:line:column: message (remedy)`."""
        place = f"{self.span.line}:{self.span.column}: " if self.span.line else ""
        place = f"{self.span.file}:{place or ' '}" if self.span.file else place
        return f"{place}{self.message}{f' ({self.remedy})' if self.remedy else ''}"


class AuthorizationError(KeysteadError):
    """Root of what the authorization engine raises."""


class ModelError(AuthorizationError):
    """The model cannot be used. `problems` has them all, in the order of the text."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class InvalidQuery(AuthorizationError):
    """The question makes no sense under this model: an unknown type or relation, or a malformed name."""


class InvalidRelationship(AuthorizationError):
    """The tuple is malformed, or the model does not allow it."""


class Undecided(AuthorizationError):
    """A list cannot be told complete: whether something belongs in it hangs on what `decision` says."""

    def __init__(self, decision: Conditional) -> None:
        super().__init__(str(decision))
        self.decision = decision


class WriteRefused(AuthorizationError):
    """Nothing was written. `why` is `duplicate`, `missing`, `must_exist` or `must_not_exist`; `which` the offender."""

    def __init__(self, why: str, which: str, remedy: str) -> None:
        super().__init__(f"nothing was written, {why}: {which} ({remedy})")
        self.why = why
        self.which = which


class NotThereYet(AuthorizationError):
    """The answer was to know of revision `wanted`, and only `revision` has come here: ask again, or the token is of
    another store."""

    def __init__(self, wanted: int, revision: int) -> None:
        super().__init__(
            f"revision {wanted} was asked for and {revision} is the newest here; ask again in a moment, or pass the "
            "revision of a write to this very store"
        )
        self.wanted = wanted
        self.revision = revision


class StaleFacts(AuthorizationError):
    """A list was asked for that rests on shared facts, and these are older than they may be."""


class ChangesGone(AuthorizationError):
    """Changes after revision `since` were asked for, and those up to `trimmed` are no longer kept."""

    def __init__(self, since: int, trimmed: int) -> None:
        super().__init__(
            f"the changes between revisions {since} and {trimmed} are no longer kept; read all tuples, then watch "
            "from the revision they were read at"
        )
        self.since = since
        self.trimmed = trimmed
