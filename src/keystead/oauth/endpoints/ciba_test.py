"""The test door of backchannel authentication: answers without a person, where a danger setting opens it."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Decision
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Word, parse_parameters, read_form
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.account import Account
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.spec import CIBA
from keystead.core.values import EpochSeconds, handle_digest
from keystead.oauth.backchannel_answers import Proof, allow, decision_of, refuse, remember_consent
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.grants.ciba import GRANT_TYPE
from keystead.oauth.landscape import landscape
from keystead.oauth.still_registered import has_grant
from keystead.storage.ports import Write, get

ACTION: Final = "ciba.test_answer"
_ACTIONS: Final = ("allow", "deny")


class CibaTestForm(Form, frozen=True, kw_only=True):
    """Which request, and `allow` or `deny`."""

    auth_req_id: Word
    action: Word


class CibaTestEndpoint(EndpointPlugin):
    """Answers a request as if its person had. For conformance tests: `danger_backchannel_test_decisions: true`.

    Shape: GET or POST, `auth_req_id` and `action` in the query; JSON. Without the setting: 404.
    """

    path = "ciba/test"
    methods = frozenset({"GET", "POST"})
    specs = (CIBA["8"],)

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one call."""
        land = await landscape(cx, request.realm, request.now)
        if not land.realm.danger_backchannel_test_decisions:
            return Reply(404, ((b"content-type", b"application/json"),), b'{"error":"not_found"}')
        form = read_form(parse_parameters(request.query), CibaTestForm)
        id, now = handle_digest(form.auth_req_id), request.now
        waiting = await cx.store.read(get(AwaitedDecision, request.realm, id, now))
        account = await cx.store.read(get(Account, request.realm, waiting.subject, now)) if waiting else None
        client = await cx.store.read(get(Client, request.realm, waiting.client_id, now)) if waiting else None
        there = account is not None and account.enabled and has_grant(client, GRANT_TYPE)
        if waiting is None or account is None or not there or waiting.purpose != "ciba" or form.action not in _ACTIONS:
            raise InvalidRequest("name a request that waits, and allow or deny", reason="ciba.decision")
        level = next(iter(waiting.request.acr_values), "1")
        decided = decision_of(waiting, account, Proof(level, ("pwd",), EpochSeconds(now)), land.scope_map)

        def work() -> Write[bool]:
            if form.action == "deny":
                return (yield from refuse(waiting, now, cx))
            yield from remember_consent(decided, request.realm, now)
            return (yield from allow(waiting, decided, now, cx))

        answered = await cx.store.write(work)
        cx.journal.record(
            Decision(
                action=ACTION,
                allowed=answered,
                reason="ciba.test_answered",
                trace=request.trace,
                realm=request.realm,
                subject=account.id,
                client_id=waiting.client_id,
                checks=(Check("person_decides", False, "nobody was asked: danger_backchannel_test_decisions is on"),),
            )
        )
        return json_reply({"answered": answered})
