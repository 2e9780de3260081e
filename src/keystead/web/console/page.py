"""The shape of a console page: one file, one object."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from keystead.authz.served import AuthorizationStores
from keystead.core.http import Reply, Request
from keystead.core.records.authorization import AuthorizationStore
from keystead.oauth.authorization_api import EDITOR
from keystead.oauth.context import ServerContext
from keystead.oauth.situation import Person, Situation


@dataclass(frozen=True, slots=True)
class Desk:
    """What the console works with: the issuer's parts, the stores, and the realm meant where none is named, if any."""

    cx: ServerContext
    stores: AuthorizationStores
    default_realm: str = ""

    @property
    def address(self) -> str:
        """Where the console is."""
        return f"{self.cx.base_url}/admin"


@dataclass(frozen=True, slots=True)
class ConsoleVisit:
    """One visit of somebody who may look. `token` proves that a form is of a page made for this sign-in."""

    request: Request
    desk: Desk
    situation: Situation
    person: Person
    token: str

    @property
    def realm(self) -> str:
        """The realm whose stores are looked at."""
        return self.request.realm

    @property
    def edits(self) -> bool:
        """Whether this person may write tuples."""
        return EDITOR in self.person.account.roles

    @property
    def here(self) -> str:
        """Where this realm's stores are."""
        return f"{self.desk.address}/authz/{self.realm}"

    def at(self, store: AuthorizationStore, page: str) -> str:
        """Return where a page of a store is."""
        return f"{self.here}/{store.id}/{page}"


class ConsolePage(ABC):
    """One page of a store. `name` is the last part of its path, `title` what the tab says, `place` its place there."""

    name: ClassVar[str]
    title: ClassVar[str]
    methods: ClassVar[frozenset[str]] = frozenset({"GET"})
    place: ClassVar[int] = 0
    """Where its tab stands, from 1; 0: it has none."""

    @abstractmethod
    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit, or one post that came from our own page at this browser."""
