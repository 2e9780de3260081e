"""A forgotten `await` is no yes."""

from __future__ import annotations

import asyncio

import pytest

from keystead.authz import open

MODEL = """
model
  schema 1.1
type user
type order
  relations
    define viewer: [user]
"""


async def test_a_question_that_was_not_awaited_is_neither_true_nor_false() -> None:
    async with open("memory://", model=MODEL) as engine:
        with pytest.raises(TypeError, match="write `await`"):
            assert engine.check("user:mallory", "viewer", "order:17")
        with pytest.raises(TypeError, match="write `await`"):
            assert not engine.explain("user:mallory", "viewer", "order:17")


async def test_it_is_awaited_and_made_a_task_like_any_other() -> None:
    async with open("memory://", model=MODEL) as engine:
        await engine.write(["order:17#viewer@user:alice"])
        task = asyncio.create_task(engine.check("user:alice", "viewer", "order:17"))
        answers = await asyncio.gather(task, engine.check("user:bob", "viewer", "order:17"))
        assert [bool(answer) for answer in answers] == [True, False]
        assert await asyncio.wait_for(engine.check("user:alice", "viewer", "order:17"), 60)
