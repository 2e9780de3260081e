"""What the mapping of rows raises.

AuthorizationError
├─ MappingError      what is declared does not fit the model or the tables: every problem, each with its remedy
├─ NotExpressible    no SQL of one query says what the model says; says which relation and what to do instead
└─ TooMuch           more than a stated bound would have to be bound or loaded; nothing is ever cut to fit
"""

from __future__ import annotations

from collections.abc import Sequence

from keystead.authz.errors import AuthorizationError


class MappingError(AuthorizationError):
    """The mapping cannot be used. `problems` has every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class NotExpressible(AuthorizationError):
    """One SQL query cannot say this. Raised instead of a filter that would show too much or too little."""


class TooMuch(AuthorizationError):
    """A bound would be passed. Raised instead of an answer that leaves something out."""
