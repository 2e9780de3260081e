"""Hanging up on whoever may not stay: after each piece of news, after each return, and every so often anyway.

Flow: something happened -> list the connections of the application account on every server -> ask of each whether its
standing still holds -> tell its server to hang up on it. The name of each connection carries its standing, so this
works after a restart too, and whichever process admitted it.
Does not: keep a list of its own. The server knows who is connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from nats.errors import Error as NatsError

from keystead.bus.admission import Admission
from keystead.bus.nats.callout import read_standing
from keystead.bus.nats.connection import KeyClient
from keystead.bus.nats.server import APPLICATION_ACCOUNT
from keystead.core.decisions import Check, Credential, Decision, Denied, Journal
from keystead.core.errors import StorageError

AGAIN: Final = (0.3, 2.5)
"""Seconds after which news are acted on again: who was being admitted while they came is connected by then."""

_PAGE: Final = 1_024
_AT_ONCE: Final = 64
_SERVERS_ANSWER_WITHIN: Final = 0.25
_RETRY: Final = 0.5


class Seen(msgspec.Struct, frozen=True):
    """A connection on a server."""

    server: str
    connection: int
    name: str
    address: str


class Warden:
    """Reconciles connections with authority, one round at a time."""

    def __init__(self, connection: KeyClient, admission: Admission, journal: Journal, every: float) -> None:
        self._connection = connection
        self._admission = admission
        self._journal = journal
        self._every = every
        self._due = asyncio.Event()

    def alert(self) -> None:
        """Something happened that may end a standing: look now, and again shortly."""
        self._due.set()
        for delay in AGAIN:
            asyncio.get_running_loop().call_later(delay, self._due.set)

    async def run(self) -> None:
        """Look whenever there is reason to, and every so often. Runs until cancelled."""
        self._due.set()
        while True:
            try:
                async with asyncio.timeout(self._every):
                    await self._due.wait()
            except TimeoutError:
                pass
            self._due.clear()
            try:
                await self.reconcile()
            except (NatsError, StorageError, OSError, TimeoutError, msgspec.DecodeError) as error:
                detail = f"connections could not be looked at ({type(error).__name__}); trying again"
                self._journal.record(Decision("bus.reconcile", False, "bus.unreachable", facts={"detail": detail}))
                await asyncio.sleep(_RETRY)
                self._due.set()

    async def reconcile(self) -> None:
        """Look at every connection once, and hang up on those that may not stay."""
        seen = await self._connections()
        for start in range(0, len(seen), _AT_ONCE):
            await asyncio.gather(*(self._look_at(one) for one in seen[start : start + _AT_ONCE]))

    async def _look_at(self, seen: Seen) -> None:
        standing = read_standing(seen.name)
        if standing is None:
            denied: Denied | None = Denied("bus.stranger", "it was not admitted by us")
        else:
            denied = await self._admission.still(standing)
        if denied is not None:
            await self._ask(f"$SYS.REQ.SERVER.{seen.server}.KICK", {"cid": seen.connection})
            self._record(seen, standing.workload if standing else "", denied)

    async def _connections(self) -> list[Seen]:
        """Return the connections of the application account on all servers, all pages, before anything is done."""
        found: list[Seen] = []
        for first in await self._ask_all("$SYS.REQ.SERVER.PING.CONNZ", _page(0)):
            server, page = first["server"]["id"], first["data"]
            offset = 0
            while True:
                connections = page.get("connections") or []
                found += [_seen(server, connection) for connection in connections]
                offset += len(connections)
                if not connections or offset >= page.get("total", 0):
                    break
                page = (await self._ask(f"$SYS.REQ.SERVER.{server}.CONNZ", _page(offset)))["data"]
        return found

    async def _ask(self, subject: str, question: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self._connection.request(subject, msgspec.json.encode(question), timeout=2)
        return msgspec.json.decode(reply.data, type=dict[str, Any])

    async def _ask_all(self, subject: str, question: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the answers of every server that answers; at least one does, the one we are connected to."""
        inbox = self._connection.new_inbox()
        answers = await self._connection.subscribe(inbox)
        try:
            await self._connection.publish(subject, msgspec.json.encode(question), reply=inbox)
            first = await answers.next_msg(timeout=2)
            found = [msgspec.json.decode(first.data, type=dict[str, Any])]
            clustered = len(self._connection.servers) > 1
            while clustered:
                try:
                    more = await answers.next_msg(timeout=_SERVERS_ANSWER_WITHIN)
                except NatsError:
                    break
                found.append(msgspec.json.decode(more.data, type=dict[str, Any]))
            return found
        finally:
            await answers.unsubscribe()

    def _record(self, seen: Seen, workload: str, denied: Denied) -> None:
        self._journal.record(
            Decision(
                "bus.kick",
                False,
                denied.reason,
                realm=self._admission.realm,
                subject=workload,
                credential=Credential("jwt_access_token", subject=workload),
                checks=(Check("standing", False, denied.detail),),
                facts={"connection": seen.connection, "address": seen.address},
            )
        )


def _page(offset: int) -> dict[str, Any]:
    return {"auth": True, "acc": APPLICATION_ACCOUNT, "sort": "cid", "limit": _PAGE, "offset": offset}


def _seen(server: str, connection: Mapping[str, Any]) -> Seen:
    name = str(connection.get("authorized_user", ""))
    return Seen(server, int(connection["cid"]), name, str(connection.get("ip", "")))
