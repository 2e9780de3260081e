"""Who a relayed request speaks for: a session and its token for one upstream, or nobody."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Credential
from keystead.gateway.echo_guard import NEEDLE
from keystead.gateway.prover import Prover


class Identity:
    """A session's standing at one upstream. `authorization` is a finished header line, or empty; `needle` its end.

    `prover` makes the proof that goes with a token bound to our key; None for a bearer token.
    """

    __slots__ = ("authorization", "needle", "prover", "session", "token")

    def __init__(self, token: bytes = b"", session: SessionView | None = None, prover: Prover | None = None) -> None:
        scheme = b"Bearer" if prover is None else b"DPoP"
        self.authorization = b"authorization: %b %b\r\n" % (scheme, token) if token else b""
        self.prover = prover
        self.token = token.decode("ascii") if prover is not None else ""
        self.needle = token[-NEEDLE:]
        self.session = session


class SessionView:
    """What the data plane may know of a session: nothing that opens anything.

    `ended` is asked again while a response streams: when the session ends, so does the stream.
    """

    __slots__ = ("client_id", "credential", "ended", "subject")

    def __init__(self, subject: str, client_id: str, credential: Credential) -> None:
        self.subject = subject
        self.client_id = client_id
        self.credential = credential
        self.ended = False


NOBODY: Final = Identity()
