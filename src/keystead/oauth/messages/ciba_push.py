"""ciba_push: the tokens a person allowed, minted when they are sent, and the same ones at every attempt."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.decisions import Credential
from keystead.core.errors import OAuthError
from keystead.core.http import Request
from keystead.core.records.account import Account
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.records.client import Client
from keystead.core.records.delivery import DELIVERY_SEAL, Delivery
from keystead.core.spec import CIBA, Section
from keystead.core.trace import new_trace
from keystead.core.values import EpochSeconds
from keystead.oauth.awaited import redeem_decision
from keystead.oauth.backchannel_answers import HANDLE_KIND, PUSH
from keystead.oauth.client_authentication import Caller
from keystead.oauth.context import ServerContext
from keystead.oauth.decided import Spending, authority_of
from keystead.oauth.grant import Attempt
from keystead.oauth.grants.ciba import BACKCHANNEL
from keystead.oauth.landscape import landscape
from keystead.oauth.message import Composed, Message
from keystead.oauth.messages.ciba_ping import ANSWERED
from keystead.oauth.revocations import store
from keystead.oauth.scopes import Ask
from keystead.oauth.sender_binding import BEARER
from keystead.oauth.token import finish
from keystead.storage.ports import Write, get

ANSWER_KIND = "ciba_push_answer"


class CibaPush(Message):
    """The token response, with the `auth_req_id` it answers; or the error, when the person said no.

    Tokens go through the same numbered steps as at the token endpoint. What the first attempt minted is kept sealed for
    the next ones, as long as deliveries are tried.
    Spec: OpenID Connect CIBA Core sections 10.3 and 12.
    """

    purpose: ClassVar[str] = PUSH
    specs: ClassVar[tuple[Section, ...]] = (CIBA["10.3"], CIBA["10.3.1"], CIBA["12"])
    final: ClassVar[frozenset[int]] = ANSWERED

    async def compose(self, delivery: Delivery, cx: ServerContext, now: EpochSeconds) -> Composed | None:
        """Return what is pushed. Nobody gets it whose authority is gone."""
        opened = cx.sealer.open(delivery.realm, DELIVERY_SEAL, delivery.purpose, delivery.body) or b"{}"
        told = msgspec.json.decode(opened)
        if "awaited" not in told:
            return Composed(opened)
        waiting = await cx.store.read(get(AwaitedDecision, delivery.realm, told["awaited"], now))
        client = await cx.store.read(get(Client, delivery.realm, delivery.client_id, now))
        if waiting is None or client is None or not client.enabled:
            return None
        if waiting.sealed_answer:
            answer = cx.sealer.open(waiting.realm, ANSWER_KIND, waiting.id, waiting.sealed_answer)
            return Composed(answer) if answer is not None else None
        try:
            answer = await _mint(waiting, client, now, cx)
        except OAuthError:
            return None
        await cx.store.write(lambda: _keep(waiting, answer, now, cx))
        return Composed(answer)


async def _mint(waiting: AwaitedDecision, client: Client, now: EpochSeconds, cx: ServerContext) -> bytes:
    """Run the pipeline's last steps for the decision. Raises: OAuthError when the authority is gone."""
    decided = waiting.decided
    if decided is None:
        raise RuntimeError("nothing was decided, and yet it is pushed")
    handle = (cx.sealer.open(waiting.realm, HANDLE_KIND, waiting.id, waiting.sealed_handle) or b"").decode()
    land = await landscape(cx, waiting.realm, now)
    request = Request("POST", "", b"", (), b"", now, new_trace(), waiting.realm)
    credential = Credential(kind="ciba_request", client_id=client.id, subject=decided.subject)
    attempt = Attempt(request, cx, land.realm, land.scope_map, Caller(client, "push", credential), BEARER, credential)
    account = await cx.store.read(get(Account, waiting.realm, decided.subject, now))
    spending = Spending(
        ask=Ask(),
        refusal=BACKCHANNEL.refusal,
        checks=(),
        spend=lambda: redeem_decision(waiting.id, BACKCHANNEL, attempt),
    )
    authority = msgspec.structs.replace(authority_of(decided, account, attempt, spending), auth_req_id=handle)
    minted = await finish(attempt, authority)
    return msgspec.json.encode({"auth_req_id": handle, **msgspec.to_builtins(minted.document)})


def _keep(waiting: AwaitedDecision, answer: bytes, now: EpochSeconds, cx: ServerContext) -> Write[None]:
    current = yield from get(AwaitedDecision, waiting.realm, waiting.id, now)
    if current is not None:
        sealed = cx.sealer.seal(waiting.realm, ANSWER_KIND, waiting.id, answer)
        yield from store(msgspec.structs.replace(current, sealed_answer=sealed), now)
