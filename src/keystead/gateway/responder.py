"""Who answers a browser's request: a relay to an upstream, or one of our own answers."""

from __future__ import annotations

from typing import Protocol

from keystead.gateway.identity import SessionView


class Responder(Protocol):
    """Takes a request's body as it comes and writes the response to the listener.

    `started`: a response has begun, and so can only be finished or broken off.
    `upgrading`: what follows the request belongs to a tunnel, and is given to `request_data` as well.
    """

    started: bool

    @property
    def upgrading(self) -> bool:
        """Whether the request asks for a tunnel."""
        ...

    @property
    def session(self) -> SessionView | None:
        """The session this is done for. When it ends, so does this."""
        ...

    def request_data(self, data: bytes) -> None:
        """Take a piece of the request body."""
        ...

    def request_ended(self) -> None:
        """The request is whole."""
        ...

    def pause_response(self) -> None:
        """The browser does not keep up."""
        ...

    def resume_response(self) -> None:
        """The browser keeps up again."""
        ...

    def abandon(self) -> None:
        """The browser has gone, or gets another answer."""
        ...
