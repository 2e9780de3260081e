"""One request against one demand, with the line in the log that says what was decided and why.

Flow: `asgi`, `wsgi` and `fastapi` bring the request's headers here and word the answer their own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote

import msgspec

from keystead.core.decisions import Check, Credential, Decision, Journal
from keystead.core.trace import TraceContext, accept_trace
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import Demand
from keystead.sdk.presented import DPOP, Presented, shown_token
from keystead.sdk.verifier import Verifier

ACTION: Final = "resource.access"
_NOTHING: Final = Credential("none")
_UNAVAILABLE: Final = 503


class Arrival(NamedTuple):
    """A request that arrived, as far as it is needed here. Header names are lower case, repeated ones repeated.

    `raw_path` is the path before decoding, where the server tells it; `certificate` is the DER certificate the sender
    proved to hold in TLS, empty for none.
    """

    method: str
    path: str
    headers: Iterable[tuple[bytes, bytes]]
    certificate: bytes = b""
    raw_path: str = ""


class Guard:
    """A verifier and a journal: what every protected door of one service shares."""

    def __init__(self, verifier: Verifier, journal: Journal | None = None) -> None:
        self.verifier = verifier
        self.journal = journal

    async def admit(self, arrival: Arrival, wanted: Demand) -> VerifiedCaller | Refused:
        """Decide about one request, and record the decision."""
        authorizations, proofs, traceparent = [], [], None
        for name, value in arrival.headers:
            if name == b"authorization":
                authorizations.append(value)
            elif name == b"dpop":
                proofs.append(value.decode("latin-1"))
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        trace = accept_trace(traceparent)
        shown = shown_token(authorizations)
        if isinstance(shown, Refused):
            missing = Check("token", False, shown.description)
            outcome: VerifiedCaller | Refused = msgspec.structs.replace(shown, checks=(missing,), credential=_NOTHING)
        else:
            if shown.scheme == DPOP or arrival.certificate:
                shown = Presented(
                    shown.token,
                    shown.scheme,
                    arrival.method,
                    arrival.raw_path or quote(arrival.path),
                    tuple(proofs),
                    arrival.certificate,
                )
            outcome = await self.verifier.judge(shown, wanted, trace)
        if self.journal is not None:
            self.journal.record(self._decision(arrival, outcome, trace))
        return outcome

    def _decision(self, arrival: Arrival, outcome: VerifiedCaller | Refused, trace: TraceContext) -> Decision:
        facts = {"method": arrival.method, "path": arrival.path, "audience": self.verifier.audience}
        if isinstance(outcome, VerifiedCaller):
            return Decision(
                action=ACTION,
                allowed=True,
                reason="token.accepted",
                trace=trace,
                subject=outcome.subject,
                client_id=outcome.client_id,
                credential=outcome.credential(),
                checks=outcome.checks,
                facts=facts,
            )
        shown = outcome.credential
        return Decision(
            action=ACTION,
            allowed=False,
            reason=outcome.reason,
            trace=trace,
            subject=shown.subject if shown else "",
            client_id=shown.client_id if shown else "",
            credential=shown,
            checks=outcome.checks,
            facts={**facts, "status": outcome.status},
        )


def refusal_headers(refused: Refused) -> tuple[tuple[str, str], ...]:
    """Return the headers of the answer to a refused request."""
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    if refused.www_authenticate:
        headers.append(("www-authenticate", refused.www_authenticate))
    elif refused.status == _UNAVAILABLE:
        headers.append(("retry-after", "1"))
    if refused.dpop_nonce:
        headers.append(("dpop-nonce", refused.dpop_nonce))
    return tuple(headers)


def refusal_body(refused: Refused) -> bytes:
    """Return the JSON of the answer to a refused request: what the caller may know."""
    said = {"error": refused.error, "error_description": refused.description}
    return msgspec.json.encode({name: text for name, text in said.items() if text})
