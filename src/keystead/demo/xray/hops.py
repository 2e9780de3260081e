"""One trace as a picture: who talked to whom, with which credential, and what was checked.

Shape: an `Action` has `hops`; a hop has the two ends of the wire, the credential that crossed it, what came back for
it, and the checks of whoever received it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from keystead.core.decisions import Check, Credential
from keystead.demo.xray.lines import Line, Traces

QUIET_ACTIONS = frozenset({"process.ready", "process.log", "settings.apply"})
VERBS = {
    "authorize.request": "asks to sign in through",
    "session.sign_in": "signs in at",
    "consent.give": "consents at",
    "token.issue": "gets a token from",
    "token.introspect": "asks about a token at",
    "token.revoke": "revokes a token at",
    "gateway.request": "calls",
    "gateway.exchange": "swaps the session's token at",
    "resource.access": "calls",
    "authz.check": "may they? asks",
    "agent.attest": "shows who it is to",
    "agent.token": "gets its own identity from",
    "bus.connect": "connects to",
    "bus.send": "sends a message to",
    "bus.receive": "delivers a message to",
    "gateway.login": "begins to sign in at",
    "gateway.callback": "comes back signed in to",
    "gateway.user": "asks who is signed in at",
    "userinfo.read": "reads the person's name at",
    "bus.kick": "disconnects",
    "logout": "signs out at",
}
KINDS = {
    "session_cookie": "session cookie",
    "opaque_access_token": "opaque token",
    "jwt_access_token": "JWT",
    "refresh_token": "refresh token",
    "authorization_code": "authorization code",
    "id_token": "ID token",
    "workload_assertion": "workload assertion",
    "client_secret": "client secret",
    "kernel_credentials": "kernel credentials",
    "password": "password",
    "none": "nothing",
    "": "nothing",
}


class Hop(msgspec.Struct, frozen=True):
    """One wire and what happened on it."""

    source: str
    target: str
    verb: str
    allowed: bool
    reason: str
    time: str
    credential: Credential | None
    issued: Credential | None
    checks: tuple[Check, ...]
    facts: dict[str, str]
    service: str
    action: str
    earlier: bool = False


class Action(msgspec.Struct, frozen=True):
    """What somebody did, and all it caused."""

    trace_id: str
    title: str
    allowed: bool
    milliseconds: int
    time: str
    person: str
    hops: tuple[Hop, ...]
    lit: frozenset[str]


def kind_label(kind: str) -> str:
    """Return a credential's kind in words."""
    return KINDS.get(kind, kind.replace("_", " "))


def picture(trace_id: str, traces: Traces) -> Action | None:
    """Return the picture of one trace, or None when it holds nothing worth showing."""
    lines = [line for line in traces.of(trace_id) if not _is_quiet(line)]
    if not lines:
        return None
    before = _earlier(lines, traces)
    service_of_span = {line.trace.span_id: line.service for line in (*lines, *before) if line.trace}
    begun = tuple(_hop(line, service_of_span) for line in lines)
    kept = tuple(_hop(line, service_of_span, earlier=True) for line in before)
    hops = (*begun[:1], *kept, *begun[1:])
    first = next((line for line in lines if line.action == "gateway.request"), lines[0])
    lit = frozenset(end for hop in hops for end in (hop.source, hop.target))
    return Action(
        trace_id,
        _title(first),
        all(_went_on(line) for line in lines),
        _elapsed(lines),
        first.time,
        _person(lines, traces),
        hops,
        lit,
    )


def _is_quiet(line: Line) -> bool:
    """Whether a line says nothing new: an exchange that went well, the issuer tells better."""
    return line.action in QUIET_ACTIONS or (line.action == "gateway.exchange" and line.allowed)


def _earlier(lines: list[Line], traces: Traces) -> list[Line]:
    """Return what bought the tokens that were used here but had been bought before and kept."""
    bought_here = {line.issued.token_id for line in lines if line.issued}
    accepted = [line.credential for line in lines if line.credential and line.action == "resource.access"]
    used = dict.fromkeys(credential.token_id for credential in accepted if credential.token_id)
    return [line for token in used if token not in bought_here for line in traces.issuing(token)]


def _hop(line: Line, service_of_span: dict[str, str], *, earlier: bool = False) -> Hop:
    source, target = _ends(line, service_of_span)
    facts = {key: str(value) for key, value in line.facts.items() if value not in ("", None)}
    return Hop(
        source,
        target,
        VERBS.get(line.action, line.action),
        _went_on(line),
        line.reason,
        line.time,
        line.credential,
        line.issued,
        line.checks,
        facts,
        line.service,
        line.action,
        earlier,
    )


def _went_on(line: Line) -> bool:
    """Whether nobody was refused: being asked to sign in first is no refusal."""
    return line.allowed or line.reason.endswith("_needed")


def _ends(line: Line, service_of_span: dict[str, str]) -> tuple[str, str]:
    """Return the two ends of the wire. The receiver logs, so the caller is the span above it."""
    if line.action == "authz.check":
        return line.service, f"{line.service}'s engine"
    if line.action == "gateway.exchange":
        return line.service, "issuer"
    if line.action == "bus.connect":
        return line.subject or "a client", "bus"
    if line.action == "bus.send":
        return line.service, "bus"
    if line.action == "bus.receive":
        return "bus", line.service
    if line.action in ("agent.attest", "agent.token"):
        return str(line.facts.get("workload") or line.subject or "a process"), "agent"
    parent = service_of_span.get(line.trace.parent_id, "") if line.trace else ""
    if parent and parent != line.service:
        return parent, line.service
    return _caller_by_credential(line), line.service


def _caller_by_credential(line: Line) -> str:
    if line.action == "gateway.refresh":
        return "gateway"
    if line.service == "gateway" or line.action in ("authorize.request", "session.sign_in", "consent.give", "logout"):
        return "browser"
    if line.action in ("token.issue", "token.revoke", "token.introspect"):
        return line.client_id or "a client"
    credential = line.credential
    if credential and credential.actors:
        return credential.actors[0]
    return "browser"


def _title(line: Line) -> str:
    method, path = line.facts.get("method", ""), line.facts.get("path", "")
    if method or path:
        return f"{method} {path}".strip()
    return {
        "authorize.request": "Begin sign-in",
        "session.sign_in": "Sign in",
        "consent.give": "Consent",
        "logout": "Sign out",
        "agent.attest": "A service gets its own token",
        "agent.token": "A service gets its own token",
        "bus.connect": "A service joins the bus",
        "gateway.login": "Begin to sign in",
        "gateway.callback": "Come back signed in",
        "gateway.user": "Who is signed in?",
    }.get(line.action, line.action)


def _person(lines: list[Line], traces: Traces) -> str:
    for line in lines:
        if line.subject in traces.names:
            return traces.names[line.subject]
    return ""


def _elapsed(lines: list[Line]) -> int:
    begin, end = (datetime.fromisoformat(line.time.replace("Z", "+00:00")) for line in (lines[0], lines[-1]))
    return round((end - begin).total_seconds() * 1000)
