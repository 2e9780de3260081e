"""A list whose objects must each be asked about gives way to others, and is at one revision all the same."""

from __future__ import annotations

import asyncio

import pytest

from keystead.api.openfga import questions
from tests.openfga.asking import Asking, key
from tests.openfga.matrix import Json

DOCUMENTS = [f"document:{number:03}" for number in range(300)]
ASKED: Json = {"type": "document", "relation": "reader", "user": "user:alice"}
GRANT = "folder:1#viewer@user:alice"


@pytest.fixture
async def busy(api: Asking, monkeypatch: pytest.MonkeyPatch) -> Asking:
    """A store in which every object of a list is a turn for others."""
    monkeypatch.setattr(questions, "AT_ONCE", 5)
    monkeypatch.setattr(questions, "_SLICE", -1.0)
    for start in range(0, len(DOCUMENTS), 100):
        await api.write(*(f"{each}#parent@folder:1" for each in DOCUMENTS[start : start + 100]))
    await api.write(GRANT)
    return api


async def begin(api: Asking) -> asyncio.Task[tuple[int, Json]]:
    """Ask for the list, and return while it is being made."""
    task = asyncio.create_task(api.post("list-objects", ASKED))
    for _ in range(30):
        await asyncio.sleep(0)
    return task


async def test_others_are_served_while_a_long_list_is_made_and_it_does_not_see_what_they_write(busy: Asking) -> None:
    made = await begin(busy)
    await busy.post("write", {"deletes": {"tuple_keys": [key(GRANT)]}})
    assert await busy.check("document:000#reader@user:alice") is False
    assert not made.done()
    assert await made == (200, {"objects": DOCUMENTS})
    assert (await busy.post("list-objects", ASKED))[1] == {"objects": []}


async def test_long_lists_wait_for_one_another_and_then_know_what_was_written(busy: Asking) -> None:
    first, second = await begin(busy), await begin(busy)
    await busy.write("document:007#blocked@user:alice")
    assert not first.done()
    assert await first == (200, {"objects": DOCUMENTS})
    assert await second == (200, {"objects": [each for each in DOCUMENTS if each != "document:007"]})


async def test_a_page_of_a_long_list_and_its_error(busy: Asking) -> None:
    status, page = await busy.post("list-objects", {**ASKED, "page_size": 40})
    assert (status, page["objects"]) == (200, DOCUMENTS[:40])
    status, page = await busy.post(
        "list-objects", {**ASKED, "page_size": 40, "continuation_token": page["continuation_token"]}
    )
    assert (status, page["objects"]) == (200, DOCUMENTS[40:80])
    visited = [f"{each}#visitor@user:alice" for each in DOCUMENTS[:9]]
    condition = {"name": "of_age", "context": {"limit": 18}}
    await busy.post("write", {"writes": {"tuple_keys": [key(text, condition=condition) for text in visited]}})
    status, refused = await busy.post("list-objects", {**ASKED, "relation": "visitor"})
    assert (status, refused["code"]) == (400, "validation_error")
    assert (await busy.post("list-objects", ASKED))[1] == {"objects": DOCUMENTS}
