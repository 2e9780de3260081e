"""The auth callout: the server asks who a connecting client is, we answer from its token, or the server refuses it.

Shape: the server's request (a NATS JWT) comes on `$SYS.REQ.USER.AUTH` in the callout's own account; the answer holds a
user JWT: the account, the subjects, and the token's own expiry, at which the server hangs up.
Does not: tell a client why it is refused. It reads `Authorization Violation`; the journal has the reason.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from nats.aio.msg import Msg

from keystead.bus.admission import Admission, Admitted, Refused, Standing
from keystead.bus.nats import tokens
from keystead.bus.nats.connection import KeyClient
from keystead.bus.nats.nkeys import SERVER, USER, NatsKey, is_public
from keystead.bus.nats.server import APPLICATION_ACCOUNT
from keystead.core.decisions import Check, Credential, Decision, Journal
from keystead.core.errors import StorageError
from keystead.core.trace import new_trace
from keystead.sdk.ending import end_task

SUBJECT: Final = "$SYS.REQ.USER.AUTH"
_QUEUE: Final = "keystead"
_AUDIENCE: Final = "nats-authorization-request"
_AT_ONCE: Final = 64
_NOTHING: Final = {"deny": [">"]}
_OTHER_CREDENTIALS: Final = ("user", "pass", "jwt", "nkey")


class Question(msgspec.Struct, frozen=True):
    """What the server asks about one client."""

    server: str
    user_key: str
    connection: int
    address: str
    token: str
    name: str
    other: tuple[str, ...]


class Callout:
    """Answers the server, a bounded number of questions at a time."""

    def __init__(self, issuer: NatsKey, admission: Admission, journal: Journal) -> None:
        self._issuer = issuer
        self._admission = admission
        self._journal = journal
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, connection: KeyClient) -> None:
        """Answer what comes over this connection. Several processes may listen; each question goes to one."""
        await connection.subscribe(SUBJECT, queue=_QUEUE, cb=self._receive)

    async def close(self) -> None:
        """Leave unanswered what is not answered yet."""
        for task in list(self._tasks):
            await end_task(task)

    async def _receive(self, message: Msg) -> None:
        await self._places.acquire()
        task = asyncio.get_running_loop().create_task(self._answer(message))
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._places.release()
        failure = None if task.cancelled() else task.exception()
        if failure is not None:
            self._record(None, Refused("bus.failed", type(failure).__name__))

    async def _answer(self, message: Msg) -> None:
        question = read_question(message.data)
        if question is None:
            self._record(None, Refused("bus.malformed_question", "not a question of a NATS server"))
            return
        outcome = await self._decide(question)
        self._record(question, outcome)
        nats = {"error": "refused"} if isinstance(outcome, Refused) else {"jwt": self._user(question, outcome)}
        answer = {
            "sub": question.user_key,
            "aud": question.server,
            "nats": {**nats, "type": "authorization_response", "version": 2},
        }
        await message.respond(tokens.sign(answer, self._issuer).encode())

    async def _decide(self, question: Question) -> Admitted | Refused:
        if question.other:
            return Refused("bus.other_credential", f"shows {', '.join(question.other)}; only a token is accepted")
        try:
            return await self._admission.admit(question.token)
        except StorageError as error:
            return Refused("bus.unavailable", f"the store cannot answer: {type(error).__name__}")

    def _user(self, question: Question, admitted: Admitted) -> str:
        allowed = admitted.permissions
        claims = {
            "sub": question.user_key,
            "aud": APPLICATION_ACCOUNT,
            "name": write_standing(admitted.standing),
            "exp": admitted.expires_at,
            "nats": {
                # An empty list would allow everything: what is not to be done is denied in so many words.
                "pub": {"allow": list(allowed.publish)} if allowed.publish else _NOTHING,
                "sub": {"allow": list(allowed.subscribe)} if allowed.subscribe else _NOTHING,
                "subs": -1,
                "data": -1,
                "payload": -1,
                "type": "user",
                "version": 2,
            },
        }
        return tokens.sign(claims, self._issuer)

    def _record(self, question: Question | None, outcome: Admitted | Refused) -> None:
        facts: dict[str, Any] = {}
        if question is not None:
            facts = {"connection": question.connection, "address": question.address, "name": question.name}
        if isinstance(outcome, Admitted):
            facts |= {"publish": outcome.permissions.publish, "subscribe": outcome.permissions.subscribe}
        admitted = isinstance(outcome, Admitted)
        self._journal.record(
            Decision(
                "bus.connect",
                admitted,
                "bus.admitted" if isinstance(outcome, Admitted) else outcome.reason,
                trace=new_trace(),
                realm=self._admission.realm,
                subject=outcome.credential.subject if outcome.credential else "",
                client_id=outcome.credential.client_id if outcome.credential else "",
                credential=outcome.credential or Credential("none"),
                checks=outcome.checks or (Check("token", False, getattr(outcome, "detail", "")),),
                facts=facts,
            )
        )


def read_question(data: bytes) -> Question | None:
    """Read a server's request; None when it is not one."""
    claims = tokens.read(data, SERVER)
    if claims is None or claims.get("aud") != _AUDIENCE:
        return None
    try:
        nats = claims["nats"]
        options, client = nats["connect_opts"], nats["client_info"]
        question = Question(
            server=nats["server_id"]["id"],
            user_key=nats["user_nkey"],
            connection=client.get("id", 0),
            address=client.get("host", ""),
            token=options.get("auth_token", ""),
            name=options.get("name", "")[:100],
            other=tuple(name for name in _OTHER_CREDENTIALS if options.get(name)),
        )
        question = msgspec.convert(msgspec.to_builtins(question), Question)
    except (KeyError, TypeError, AttributeError, msgspec.ValidationError):
        return None
    return question if question.server == claims["iss"] and is_public(question.user_key, USER) else None


def write_standing(standing: Standing) -> str:
    """Return a standing as the user name the server shows beside the connection."""
    return msgspec.json.encode(standing).decode()


def read_standing(name: str) -> Standing | None:
    """Read back what `write_standing` wrote; None for anything else."""
    try:
        return msgspec.json.decode(name, type=Standing)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
