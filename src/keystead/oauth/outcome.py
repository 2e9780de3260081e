"""The shape of an outcome plug-in: what a finished authorization request becomes when no redirect carries a code.

Flow: a page begins an interaction with `outcome` and `reference` -> the dispatcher asks what is missing, as always ->
when nothing is, it calls `keep` in the one transaction that spends the interaction, and answers with `allowed`; when
it ends with an error, `abandon` and `refused`.
Does not: decide. Whether the person may and wants to is the dispatcher's question.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from keystead.core.errors import OAuthError
from keystead.core.http import Reply
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.spec import Section
from keystead.oauth.asked import Asked
from keystead.oauth.context import ServerContext
from keystead.storage.ports import Write


class Outcome(ABC):
    """One outcome. `name` is what `Interaction.outcome` holds, `grant_type` the grant that the client will use."""

    name: ClassVar[str]
    grant_type: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]

    @abstractmethod
    def keep(self, asked: Asked, decided: AuthorizationCode, cx: ServerContext) -> Write[bool]:
        """Give what was decided to whoever waits for it. False: nobody waits any more, and nothing is kept."""

    @abstractmethod
    def abandon(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Write[None]:
        """Tell whoever waits that the request ended with an error, where that error is an answer."""

    @abstractmethod
    def allowed(self, asked: Asked, cx: ServerContext) -> Reply:
        """Return the page after a yes."""

    @abstractmethod
    def refused(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Reply:
        """Return the page after anything else."""
