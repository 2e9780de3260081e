"""The node agent: says to a local process who it is, and gives it short tokens for one audience at a time.

Shape: `GET /identity/token?resource=URI[&scope=...]` and `GET /identity/whoami`, header `Keystead-Metadata: true`,
answered in JSON; errors are `{"error", "error_description"}`.
Flow: guard against forged requests, rate, who is it (`rules`), token (`tokens`); one journal line for each decision.
Does not: speak HTTP (`agent_server` does), or give any process a token for another.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from keystead.core.decisions import Check, Credential, Decision, Denied, Journal
from keystead.core.errors import OAuthError
from keystead.core.forms import Form, Line, parse_parameters, read_form
from keystead.core.http import Headers, Reply, json_reply
from keystead.core.jose.jws import peek_claims_unverified
from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds
from keystead.workload.issuer_client import Refused
from keystead.workload.metadata_guard import refuse_forgery
from keystead.workload.peer import Peer
from keystead.workload.rules import Attested, NotAttested, Rules
from keystead.workload.tokens import Issued, WorkloadTokens

TOKEN_PATH: Final = "/identity/token"  # noqa: S105 - a path
WHOAMI_PATH: Final = "/identity/whoami"
_MAXIMUM_QUERY: Final = 4_096


class TokenForm(Form, frozen=True, kw_only=True):
    """What a process asks for. One resource."""

    resource: Line
    scope: Line = ""


class Agent:
    """Answers local processes. `rules` may be replaced while it runs."""

    def __init__(
        self,
        *,
        name: str,
        realm: str,
        rules: Rules,
        tokens: WorkloadTokens,
        journal: Journal,
        clock: Callable[[], EpochSeconds],
    ) -> None:
        self._name = name
        self._realm = realm
        self._rules = rules
        self._tokens = tokens
        self._journal = journal
        self._clock = clock

    def replace_rules(self, rules: Rules) -> None:
        """Use new rules from the next request on, and forget the tokens of workloads that are gone."""
        self._rules = rules
        self._tokens.keep_only(rules.workloads)

    async def answer(
        self, method: str, target: str, headers: Headers, peer: Peer | Denied, trace: TraceContext
    ) -> Reply:
        """Answer one request of one local process."""
        path, _, query = target.partition("?")
        if path not in {TOKEN_PATH, WHOAMI_PATH}:
            return _error(404, "not_found", f"there are {TOKEN_PATH} and {WHOAMI_PATH}")
        if method != "GET":
            return _error(405, "invalid_request", "only GET is answered", ((b"allow", b"GET"),))
        forged = refuse_forgery(headers)
        if forged is not None:
            self._record("agent.attest", trace, reason="agent.forged_request", checks=(Check("guard", False, forged),))
            return _error(400, "invalid_request", forged)
        attested = self._attest(peer, trace)
        if isinstance(attested, NotAttested):
            return _error(403, "access_denied", "this process is no workload known here; the agent's log says why")
        if path == WHOAMI_PATH:
            return json_reply({"workload": attested.workload, "realm": self._realm, "attested": attested.facts})
        try:
            form = read_form(parse_parameters(query.encode("latin-1"), repeatable=frozenset()), TokenForm)
        except OAuthError as error:
            return _error(400, "invalid_request", error.description)
        return await self._give(attested, form, trace)

    def _attest(self, peer: Peer | Denied, trace: TraceContext) -> Attested | NotAttested:
        found = NotAttested(peer.reason, peer.detail) if isinstance(peer, Denied) else self._rules.identify(peer)
        if isinstance(found, NotAttested):
            checks = found.checks or (Check("attestation", False, found.detail),)
            self._record("agent.attest", trace, reason=found.reason, checks=checks, facts=found.facts)
        else:
            reason, checks = "agent.attested", found.checks
            self._record("agent.attest", trace, reason=reason, allowed=True, attested=found, checks=checks)
        return found

    async def _give(self, attested: Attested, form: TokenForm, trace: TraceContext) -> Reply:
        outcome = await self._tokens.token(attested.workload, attested.facts, form.resource, form.scope, trace)
        note = partial(self._record, "agent.token", trace, attested=attested, facts=_asked(form))
        if isinstance(outcome, Issued):
            reason = "agent.issued" if outcome.fresh else "agent.remembered"
            note(reason=reason, allowed=True, issued=_describe(outcome, form.resource))
            return self._token_reply(outcome, form.resource)
        if isinstance(outcome, Refused):
            check = Check("issuer", False, f"{outcome.error}: {outcome.description}")
            note(reason=f"issuer.{outcome.error}", checks=(check,))
            return _error(403 if outcome.error == "invalid_client" else 400, outcome.error, outcome.description)
        note(reason="issuer.unreachable", checks=(Check("issuer", False, outcome.detail),))
        description = "the issuer cannot be reached; try again"
        return _error(503, "temporarily_unavailable", description, ((b"retry-after", b"1"),))

    def _token_reply(self, issued: Issued, resource: str) -> Reply:
        return json_reply(
            {
                "access_token": issued.token.reveal(),
                "token_type": issued.token_type,
                "expires_in": max(0, issued.expires_at - self._clock()),
                "expires_on": issued.expires_at,
                "resource": resource,
            }
        )

    def _record(
        self,
        action: str,
        trace: TraceContext,
        *,
        reason: str,
        allowed: bool = False,
        attested: Attested | None = None,
        checks: tuple[Check, ...] = (),
        facts: dict[str, Any] | None = None,
        issued: Credential | None = None,
    ) -> None:
        workload = attested.workload if attested else ""
        self._journal.record(
            Decision(
                action,
                allowed,
                reason,
                trace=trace,
                realm=self._realm,
                subject=workload,
                credential=Credential("kernel_credentials", subject=workload),
                issued=issued,
                checks=checks,
                facts={"agent": self._name, **(attested.facts if attested else {}), **(facts or {})},
            )
        )


def _describe(issued: Issued, resource: str) -> Credential:
    """Say what was handed out, from the token's own claims where it is a JWT. For the log only."""
    claims = peek_claims_unverified(issued.token.reveal()) or {}
    kind = "workload_assertion" if issued.token_type == "N_A" else "jwt_access_token"  # noqa: S105 - a token type
    return Credential(
        kind if claims else "opaque_access_token",
        issuer=str(claims.get("iss", "")),
        audience=(resource,),
        subject=str(claims.get("sub", "")),
        client_id=str(claims.get("client_id", "")),
        scope=tuple(str(claims.get("scope", "")).split()),
        lifetime=int(claims.get("exp", 0)) - int(claims.get("iat", 0)),
        expires_at=issued.expires_at,
        token_id=str(claims.get("jti", "")),
    )


def _asked(form: TokenForm) -> dict[str, Any]:
    return {"resource": form.resource, **({"scope": form.scope} if form.scope else {})}


def _error(status: int, code: str, description: str, headers: Headers = ()) -> Reply:
    reply = json_reply({"error": code, "error_description": description}, status=status)
    return Reply(reply.status, (*reply.headers, *headers), reply.body)
