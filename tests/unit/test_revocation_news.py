"""The issuer's memory of what it revoked: from the outbox, the same on every node, bounded, and after a restore."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keystead.app.revocation_log import Line, RevocationLog
from keystead.app.revocation_news import StoreRevocationNews
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.records.revocation import Revocation
from keystead.core.revocation_feed import Entry, FeedPage
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.revocations import announce
from keystead.storage.ports import Store, Write, emit, put
from keystead.storage.sqlite import open_store

NOW = 1_800_000_000
REALM = "acme"


class News:
    """Nodes over one database, with a clock moved by hand."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "keystead.db"
        self.now = NOW
        self.stores: list[Store] = []

    def node(self) -> StoreRevocationNews:
        """One more node."""
        store = open_store(str(self.file))
        self.stores.append(store)
        return StoreRevocationNews(store, lambda realm: f"https://id.test/realms/{realm}", lambda: self.now)

    async def revoke(self, *ids: str, realm: str = REALM, kind: str = "token") -> None:
        """Revoke tokens in one transaction."""

        def work() -> Write[None]:
            for id in ids:
                yield from announce(realm, Revocation(kind, id), EpochSeconds(self.now))

        await self.stores[-1].write(work)

    async def close(self) -> None:
        """Let go of the stores."""
        for store in self.stores:
            await store.close()
        self.stores.clear()


@pytest.fixture
async def news(tmp_path: Path) -> AsyncIterator[News]:
    made = News(tmp_path)
    yield made
    await made.close()


async def everything(node: StoreRevocationNews, cursor: str = "") -> tuple[list[str], str]:
    """Follow from a cursor to the end."""
    marks: list[str] = []
    while True:
        page = await node.page(REALM, cursor, 0)
        marks += [entry.mark for entry in page.revoked]
        cursor = page.cursor
        if not page.more:
            return marks, cursor


async def test_every_node_tells_the_same_and_knows_the_others_cursors(news: News) -> None:
    one, two = news.node(), news.node()
    await news.revoke("a", "b")
    first, cursor = await everything(one)
    assert (await everything(two))[0] == first
    await news.revoke("c")
    assert len((await everything(two, cursor))[0]) == 1
    await news.revoke("other", realm="other")
    marks, last = await everything(one, cursor)
    assert len(marks) == 1
    assert await everything(two, last) == ([], last)


async def test_pages_are_bounded_and_nothing_is_lost_between_them(news: News) -> None:
    node = news.node()
    await news.revoke(*(f"t{number}" for number in range(2_500)))
    page = await node.page(REALM, "", 0)
    assert (len(page.revoked), page.more) == (1_000, True)
    marks, _ = await everything(node)
    assert len(set(marks)) == len(marks) == 2_500


async def test_a_follower_waits_until_there_is_something_and_is_let_go_when_the_server_ends(news: News) -> None:
    node, other = news.node(), news.node()
    _, cursor = await everything(node)
    waiting = asyncio.create_task(node.page(REALM, cursor, 15))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await news.revoke("elsewhere", realm="other")
    await news.revoke("a")
    page = await asyncio.wait_for(waiting, 14)
    assert len(page.revoked) == 1
    waiting = asyncio.create_task(node.page(REALM, page.cursor, 15))
    async with asyncio.timeout(40):
        while node.waiting != 1:
            await asyncio.sleep(0.01)
    node.stop()
    assert (await asyncio.wait_for(waiting, 14)).revoked == ()
    assert other.waiting == 0


async def test_what_is_too_old_to_matter_is_not_told_not_even_read(news: News) -> None:
    node = news.node()
    await news.revoke(*(f"old{number}" for number in range(50)))
    news.now += 1_800
    await news.revoke("newer")
    _, cursor = await everything(node)
    news.now += 2_500
    await news.revoke("newest")
    assert len((await everything(node))[0]) == 2
    assert len((await everything(news.node()))[0]) == 2
    assert len((await everything(node, cursor))[0]) == 1


async def test_the_memory_is_as_long_as_the_longest_token(news: News) -> None:
    node = news.node()
    await news.revoke("a")
    news.now += 5_000
    await news.revoke("b")
    assert len((await everything(node))[0]) == 1

    def longer() -> Write[None]:
        yield from put(Realm(realm=REALM, id=REALM), EpochSeconds(news.now))
        yield from put(Api(realm=REALM, id="https://a.test", access_token_lifetime=7_200), EpochSeconds(news.now))

    await news.stores[-1].write(longer)
    assert len((await everything(node))[0]) == 2
    assert (await node.page(REALM, "", 0)).memory == 7_200


@pytest.mark.attack("F5")
async def test_a_database_put_back_from_a_backup_loses_no_revocation_that_came_after(
    news: News, tmp_path: Path
) -> None:
    """Its numbers are given out again, for other events: a cursor from before the loss is none of theirs."""
    news.node()
    await news.revoke("a", "b")
    await news.close()
    shutil.copytree(tmp_path, tmp_path / "backup", ignore=shutil.ignore_patterns("backup"))
    node = news.node()
    await news.revoke("lost-1", "lost-2", "lost-3")
    _, cursor = await everything(node)
    await news.close()
    for file in tmp_path.glob("keystead.db*"):
        file.unlink()
    for file in (tmp_path / "backup").glob("keystead.db*"):
        shutil.copy(file, tmp_path / file.name)
    node = news.node()
    await news.revoke("new-1", "new-2", "new-3", "new-4")
    marks, _ = await everything(node, cursor)
    assert len(marks) == 6


@pytest.mark.attack("F5")
async def test_what_was_issued_while_the_end_was_on_its_way_is_dead_too(news: News) -> None:
    """A request arrives, waits for the disk, and is committed seconds later; others went on being served meanwhile."""
    node = news.node()
    _, cursor = await everything(node)
    waiting = asyncio.create_task(node.page(REALM, cursor, 15))
    await asyncio.sleep(0.05)
    arrived = news.now
    news.now += 30

    def late() -> Write[None]:
        yield from announce(REALM, Revocation("account", "usr_a"), EpochSeconds(arrived))

    await news.stores[-1].write(late)
    (entry,) = (await asyncio.wait_for(waiting, 14)).revoked
    assert entry.before > news.now
    # A node that was not there knows only the event's own time; a verifier keeps the later of what it hears.
    assert (await news.node().page(REALM, "", 0)).revoked[0].before == arrived + 2


async def test_strange_cursors_get_everything_and_break_nothing(news: News) -> None:
    node = news.node()
    await news.revoke("a", "b")
    for cursor in ("", "1", "1.", ".", "-1.x", "1.0000000000000000", "9" * 40, "9" * 19 + ".x", "²", "1.é", "\x00"):
        assert len((await everything(node, cursor))[0]) == 2, cursor


async def test_an_event_that_cannot_be_read_stops_nothing(news: News) -> None:
    node = news.node()

    def broken() -> Write[None]:
        yield from emit(REALM, "revocation", b"not json", EpochSeconds(NOW), EpochSeconds(NOW + 99))

    await news.stores[-1].write(broken)
    await news.revoke("a")
    assert len((await everything(node))[0]) == 1


@pytest.mark.attack("F5")
def test_a_flood_of_revocations_is_bounded_and_what_it_pushes_out_stays_refused() -> None:
    log = RevocationLog("https://id.test", maximum=1_000)
    for number in range(20_000):
        log.add(Line(number, f"{number:016x}", Entry(f"m{number}", EpochSeconds(NOW + number // 100))))
    assert len(log) == 1_000
    page: FeedPage = log.page("", Seconds(3_600))
    assert page.revoked[0].mark == "m19000"
    assert page.floor >= NOW + 18_999 // 100 + 1


async def test_a_thousand_who_wait_cost_one_reading(news: News) -> None:
    node = news.node()
    _, cursor = await everything(node)
    waiting = [asyncio.create_task(node.page(REALM, cursor, 15)) for _ in range(1_000)]
    await asyncio.sleep(0.2)
    began = time.process_time()
    await news.revoke("a")
    pages = await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert {len(page.revoked) for page in pages} == {1}
    assert time.process_time() - began < 30
