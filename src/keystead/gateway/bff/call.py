"""One request to `/bff`, and the parts that answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

from keystead.core.decisions import Check, Decision, Journal
from keystead.core.forms import Parameters, parse_parameters
from keystead.core.http import Reply
from keystead.core.sealing import Sealer
from keystead.core.trace import TraceContext
from keystead.gateway.admission import Admission
from keystead.gateway.head import RequestHead
from keystead.gateway.issuer.client import IssuerClient
from keystead.gateway.refusals import Refusal, refuse, render
from keystead.gateway.sessions.table import SessionTable

CALLBACK: Final = "/bff/callback"


class Call(msgspec.Struct, frozen=True):
    """One request. `handle` is the session cookie's, not yet known to be good."""

    head: RequestHead
    path: str
    query: bytes
    body: bytes
    handle: str | None
    trace: TraceContext

    def parameters(self) -> Parameters:
        """Return the query's parameters.

        Raises: InvalidRequest when it is malformed or repeats one.
        """
        return parse_parameters(self.query, repeatable=frozenset())


@dataclass(frozen=True, slots=True)
class BffContext:
    """The parts that answer `/bff`."""

    public_url: str
    client_id: str
    scope: str
    table: SessionTable
    sealer: Sealer
    issuer: IssuerClient
    admission: Admission
    journal: Journal

    @property
    def redirect_uri(self) -> str:
        """Where the issuer sends the browser back to."""
        return self.public_url + CALLBACK

    def refuse(self, call: Call, refusal: Refusal, action: str) -> Reply:
        """Return a refusal in the form that suits who asked, and say so in the journal."""
        check = Check(refusal.reason.partition(".")[0], False, refusal.description)
        self.journal.record(Decision(action, False, refusal.reason, call.trace, checks=(check,)))
        return render(refusal, for_person=self.admission.is_navigation(call.head))

    def unauthenticated(self, call: Call, reason: str, action: str) -> Reply:
        """Return what somebody without a session gets."""
        return self.refuse(call, self.admission.unauthenticated(call.head, reason), action)


class BffEndpoint(Protocol):
    """One endpoint under `/bff`."""

    path: str
    methods: frozenset[bytes]

    async def answer(self, call: Call, cx: BffContext) -> Reply:
        """Answer one request. Raises InvalidRequest, UpstreamError and StorageUnavailable."""
        ...


def malformed(reason: str, description: str) -> Refusal:
    """Return the refusal of a request that is not as it must be."""
    return refuse(400, reason, description)
