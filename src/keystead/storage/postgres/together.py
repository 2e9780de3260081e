"""Runs the members of a batch in step: each round sends what all of them want next, and hands out the answers.

Flow: advance every member to its next statement or lock -> send the statements of a round together -> again, until
all have ended. A member that meets another's lock waits; members that wait for each other are begun again, alone,
at the end. What has written and then fails cannot be undone alone: the whole batch is `Spoiled`, and the writer runs
it again with a savepoint for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keystead.storage.postgres.link import Link, Rows, sendable
from keystead.storage.postgres.locks import Locks, LockTable
from keystead.storage.postgres.members import Member, Outcome
from keystead.storage.postgres.performer import Performer, Work
from keystead.storage.sql.statement import Statement


class Spoiled(Exception):
    """A member failed after it had written something."""


class _Party:
    """A member under way."""

    def __init__(self, member: Member, work: Work[Any]) -> None:
        self.member = member
        self.work = work
        self.statement: Statement | None = None
        self.locks: Locks = ()
        self.wrote = False


class Together:
    """One run over the members of a batch, on one connection and inside one database transaction."""

    def __init__(self, link: Link, performer: Performer) -> None:
        self._link = link
        self._performer = performer
        self._table = LockTable()
        self._later: list[Member] = []
        self.outcomes: list[Outcome] = []

    async def run(self, members: Sequence[Member]) -> None:
        """Run all of them. Raises: Spoiled; whatever the connection raises."""
        self._later = [member for member in members if member.alone]
        await self._in_step([member for member in members if not member.alone])
        for member in self._later:
            await self._in_step([member])

    async def _in_step(self, members: Sequence[Member]) -> None:
        parties = [_Party(member, member.begin(self._performer)) for member in members]
        active = [party for party in parties if self._advance(party, None)]
        while active:
            active = [party for party in active if not party.locks or self._try_again(party)]
            asking = [party for party in active if party.statement is not None]
            if asking:
                answers = await self._link.run([party.statement for party in asking if party.statement is not None])
                ended = {
                    id(party) for party, rows in zip(asking, answers, strict=True) if not self._advance(party, rows)
                }
                active = [party for party in active if id(party) not in ended]
            else:
                active = self._break_deadlock(active)

    def _try_again(self, party: _Party) -> bool:
        """Offer a waiting party its locks again. Answer: whether it is still under way."""
        if not self._table.take(party, party.locks):
            return True
        party.wrote = party.wrote or _writes(party.locks)
        return self._advance(party, None)

    def _advance(self, party: _Party, rows: Rows | None) -> bool:
        """Go on to the next statement or to a lock that is taken. Answer: whether the party is still under way."""
        party.statement, party.locks = None, ()
        try:
            while True:
                wanted = party.work.send(rows)
                if isinstance(wanted[0], str):
                    if sendable(*wanted):
                        party.statement = wanted
                        return True
                    rows = []
                    continue
                if not self._table.take(party, wanted):
                    party.locks = wanted
                    return True
                party.wrote = party.wrote or _writes(wanted)
                rows = None
        except StopIteration as end:
            self.outcomes.append(Outcome(party.member.answer, None, end.value))
        except BaseException as error:
            if party.wrote:
                raise Spoiled from error
            self.outcomes.append(Outcome(party.member.answer, error, None))
        self._table.release(party)
        return False

    def _break_deadlock(self, waiting: list[_Party]) -> list[_Party]:
        """Begin again, later and alone, who has not written: all but the first, or all when the first has written."""
        spared = next((party for party in waiting if party.wrote), waiting[0])
        going = [party for party in waiting if party is not spared and not party.wrote]
        if not going:
            raise Spoiled("members that have written wait for each other")
        for party in going:
            party.work.close()
            self._table.release(party)
            self._later.append(party.member)
        return [party for party in waiting if party not in going]


def _writes(locks: Locks) -> bool:
    return any(mode != "r" for _, mode in locks)
