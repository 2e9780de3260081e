"""The X-ray's memory: how a token was bought is found, whichever process wrote its line first."""

from __future__ import annotations

import msgspec
import pytest

from keystead.core.decisions import Credential, Decision
from keystead.core.trace import TraceContext
from keystead.demo.xray.lines import Traces

TRACE = "0af7651916cd43dd8448eb211c80319c"


def _line(service: str, action: str, parent: str, issued: Credential) -> bytes:
    decision = Decision(action, True, "ok", trace=TraceContext(TRACE, "b" * 16, parent), issued=issued)
    document = msgspec.json.decode(msgspec.json.encode(decision))
    return msgspec.json.encode({**document, "time": "2026-11-22T10:00:00.386Z", "service": service})


@pytest.mark.parametrize("gateway_first", [True, False])
def test_the_purchase_of_a_kept_token_is_found_in_any_order(gateway_first: bool) -> None:
    token = Credential(kind="jwt", token_id="kept")
    lines = [
        _line("gateway", "gateway.exchange", "1" * 16, token),
        _line("issuer", "token.issue", "2" * 16, token),
    ]
    traces = Traces()
    for line in lines if gateway_first else reversed(lines):
        assert traces.feed(line) is not None
    assert [line.action for line in traces.issuing("kept")] == ["token.issue"]
