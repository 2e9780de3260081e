"""One turn of the dispatcher."""

from __future__ import annotations

from dataclasses import dataclass

from keystead.core.decisions import Check
from keystead.core.http import Request
from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.oauth.situation import Browser, Situation


@dataclass(frozen=True, slots=True)
class Asked:
    """One turn of the dispatcher: who asks through which browser, what stands, and which checks ran."""

    request: Request
    interaction: Interaction
    situation: Situation
    browser: Browser
    checks: tuple[Check, ...] = ()
    handle: str = ""

    @property
    def client(self) -> Client:
        """The client of the request, which the checks have proven."""
        if self.situation.client is None:
            raise RuntimeError("a request reached the dispatcher without its client")
        return self.situation.client
