"""Who calls, as the endpoints of the authorization APIs see it, whoever found it out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from keystead.core.http import Headers, Reply, Request


class Caller(Protocol):
    """Whose stores are open to a request. `headers` go into the reply."""

    @property
    def realm(self) -> str:
        """The realm of the stores."""
        ...

    @property
    def headers(self) -> Headers:
        """What the door adds to every reply."""
        ...

    @property
    def subject(self) -> str:
        """Whom the request speaks for, for the journal."""
        ...

    @property
    def client_id(self) -> str:
        """Which client sent it, for the journal."""
        ...


Authorize = Callable[[Request, str], Awaitable[Caller | Reply]]
"""Says who calls, if they may use the API with that scope; else the refusal to send."""
