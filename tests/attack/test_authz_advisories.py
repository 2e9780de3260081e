"""Published vulnerabilities of OpenFGA and SpiceDB whose cause was what an answer means, each asked of our engine.

Each test is named after its advisory and builds the situation that the advisory describes, through the surface that a
service uses. Those about caches, transports and who may ask stand with their own subjects.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

import pytest

from keystead.authz import Allowed, Conditional, Denied, InvalidRelationship, open
from keystead.storage.ports import Relationship

HEAD: Final = "model\n  schema 1.1\ntype user\n"
ANSWER: Final = "\ncondition right(n: int) {\n  n == 42\n}\n"
PUBLIC: Final = f"""{HEAD}
type group
  relations
    define member: [user, group#member]
type document
  relations
    define viewer: [user, user:*, group:*, group#member]
"""

pytestmark = pytest.mark.attack("Z1")


async def test_cve_2025_25196_public_access_of_a_type_does_not_let_its_usersets_in() -> None:
    async with open("memory://", model=PUBLIC) as engine:
        await engine.write(["document:1#viewer@group:*"])
        assert await engine.check("group:staff", "viewer", "document:1")
        assert not await engine.check("group:staff#member", "viewer", "document:1")
        assert await engine.list_objects("document", "viewer", "group:staff#member") == []
        assert await engine.list_users("document:1", "viewer", "group#member") == []


async def test_cve_2025_48371_contextual_tuples_are_told_apart_by_the_type_of_their_user() -> None:
    async with open("memory://", model=PUBLIC) as engine:
        everybody, members = ["document:1#viewer@group:*"], ["document:1#viewer@group:staff#member"]
        assert not await engine.check("group:staff#member", "viewer", "document:1", tuples=everybody)
        assert not await engine.check("group:staff", "viewer", "document:1", tuples=members)
        assert await engine.check("group:staff#member", "viewer", "document:1", tuples=members)
        assert await engine.list_objects("document", "viewer", "group:staff#member", tuples=everybody) == []


async def test_cve_2025_64751_a_wildcard_without_condition_is_not_one_with_a_condition() -> None:
    with_condition = f"{HEAD}type document\n  relations\n    define viewer: [user, user:* with right]{ANSWER}"
    without = f"{HEAD}type document\n  relations\n    define viewer: [user, user:*]\n"
    async with open("memory://", model=with_condition) as engine:
        with pytest.raises(InvalidRelationship, match="right"):
            await engine.write(["document:1#viewer@user:*"])
        with pytest.raises(InvalidRelationship):
            await engine.check("user:alice", "viewer", "document:1", tuples=["document:1#viewer@user:*"])
    async with open("memory://", model=without) as engine:
        with pytest.raises(InvalidRelationship):
            await engine.write([Relationship("document:1", "viewer", "user:*", "right", '{"n":42}')])


async def test_cve_2025_64751_a_tuple_from_an_older_model_does_not_slip_past_the_condition(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/tuples.db"
    older = f"{HEAD}type document\n  relations\n    define viewer: [user, user:*]\n"
    newer = f"{HEAD}type document\n  relations\n    define viewer: [user, user:* with right]{ANSWER}"
    async with open(url, model=older) as engine:
        await engine.write(["document:1#viewer@user:*"])
        assert await engine.check("user:alice", "viewer", "document:1")
    async with open(url, model=newer) as engine:
        assert not await engine.check("user:alice", "viewer", "document:1", context={"n": 42})
        assert await engine.list_objects("document", "viewer", "user:alice", context={"n": 42}) == []


async def test_cve_2026_24851_public_and_private_access_do_not_leak_to_a_larger_object_id() -> None:
    async with open("memory://", model=PUBLIC) as engine:
        await engine.write(
            ["document:1#viewer@user:*", "document:1#viewer@group:a#member", "document:2#viewer@group:a#member"]
        )
        assert await engine.check("user:mallory", "viewer", "document:1")
        assert not await engine.check("user:mallory", "viewer", "document:2")
        assert await engine.list_objects("document", "viewer", "user:mallory") == ["document:1"]


async def test_cve_2025_46331_what_a_circle_answered_once_it_does_not_answer_for_others() -> None:
    circle = [f"group:{a}#member@group:{b}#member" for a, b in ("ab", "bc", "ca")]
    async with open("memory://", model=PUBLIC) as engine:
        await engine.write([*circle, "document:1#viewer@group:a#member", "group:c#member@user:alice"])
        for group in "abcabc":
            assert not await engine.check("user:bob", "member", f"group:{group}")
            assert await engine.check("user:alice", "member", f"group:{group}")
        assert await engine.check("user:alice", "viewer", "document:1")
        await engine.write(deletes=["group:c#member@user:alice"])
        assert not await engine.check("user:alice", "viewer", "document:1")
        await engine.write(["group:b#member@user:bob"])
        assert await engine.check("user:bob", "viewer", "document:1")


async def test_cve_2026_34972_items_of_a_batch_do_not_share_answers() -> None:
    model = f"{HEAD}type document\n  relations\n    define viewer: [user with right]{ANSWER}"
    async with open("memory://", model=model) as engine:
        await engine.write([Relationship("document:1", "viewer", "user:alice", "right")])
        question = ("user:alice", "viewer", "document:1")
        (yes,), (no,), (hangs,) = await asyncio.gather(
            engine.check_many([question], context={"n": 42}),
            engine.check_many([question], context={"n": 41}),
            engine.check_many([question]),
        )
        assert [type(yes), type(no), type(hangs)] == [Allowed, Denied, Conditional]
        answers = await engine.check_many([question, ("user:bob", "viewer", "document:1"), question], context={"n": 42})
        assert [bool(answer) for answer in answers] == [True, False, True]


@pytest.mark.parametrize("number", [42, 41, "42", None, True, 42.0, [42]], ids=repr)
async def test_cve_2026_41131_questions_that_differ_in_their_context_only_are_different(number: object) -> None:
    model = f"{HEAD}type document\n  relations\n    define viewer: [user with right]{ANSWER}"
    async with open("memory://", model=model) as engine:
        await engine.write([Relationship("document:1", "viewer", "user:alice", "right")])
        assert await engine.check("user:alice", "viewer", "document:1", context={"n": 42})
        decision = await engine.check("user:alice", "viewer", "document:1", context={"n": number})
        assert bool(decision) is (number in (42, "42") and number is not True)
        assert await engine.check("user:alice", "viewer", "document:1", context={"n": 42})


async def test_cve_2024_56323_contextual_tuples_that_differ_in_their_condition_only_are_different() -> None:
    model = f"{HEAD}type document\n  relations\n    define viewer: [user, user with right]{ANSWER}"
    given = [Relationship("document:1", "viewer", "user:alice", "right", f'{{"n":{n}}}') for n in (42, 41)]
    async with open("memory://", model=model) as engine:
        for _ in range(2):
            assert await engine.check("user:alice", "viewer", "document:1", tuples=[given[0]])
            assert not await engine.check("user:alice", "viewer", "document:1", tuples=[given[1]])
            assert not await engine.check("user:alice", "viewer", "document:1")
        await engine.write(["document:1#viewer@user:alice"])
        assert not await engine.check("user:alice", "viewer", "document:1", tuples=[given[1]])


async def test_cve_2026_55170_identifiers_that_differ_in_case_are_different(tmp_path: Path) -> None:
    async with open(f"sqlite:///{tmp_path}/tuples.db", model=PUBLIC) as engine:
        await engine.write(["document:Plan#viewer@user:Alice"])
        for user, object in (("alice", "Plan"), ("Alice", "plan"), ("ALICE", "PLAN"), ("alice", "plan")):
            assert not await engine.check(f"user:{user}", "viewer", f"document:{object}")
        assert await engine.list_users("document:Plan", "viewer", "user") == ["user:Alice"]
        assert [each.user for each in await engine.read("document:Plan")] == ["user:Alice"]
        assert await engine.read("document:plan") == []


@pytest.mark.parametrize("order", [1, -1], ids=["forward", "backward"])
async def test_cve_2024_31452_an_error_or_a_no_first_does_not_decide_and_or_but_not(order: int) -> None:
    parts = ["[user]", "also", "more"][::order]
    model = f"""{HEAD}type document
  relations
    define also: [user]
    define more: [user with right]
    define listed: [user]
    define all: {" and ".join(part.replace("[user]", "listed") for part in parts)}
    define rest: listed but not more
{ANSWER}"""
    alice = [Relationship("document:1", relation, "user:alice") for relation in ("listed", "also")]
    async with open("memory://", model=model) as engine:
        await engine.write([*alice, Relationship("document:1", "more", "user:alice", "right")])
        await engine.write(["document:2#listed@user:alice", Relationship("document:2", "more", "user:alice", "right")])
        assert type(await engine.check("user:alice", "all", "document:1")) is Conditional
        assert type(await engine.check("user:alice", "all", "document:2")) is Denied
        assert type(await engine.check("user:alice", "rest", "document:1")) is Conditional
        assert not await engine.check("user:alice", "rest", "document:1", context={"n": 42})
        assert await engine.check("user:alice", "rest", "document:1", context={"n": 1})
        assert await engine.check("user:alice", "all", "document:1", context={"n": 42})


async def test_cve_2024_42473_but_not_of_something_from_a_parent_with_a_userset() -> None:
    model = f"""{HEAD}type group
  relations
    define member: [user]
type folder
  relations
    define blocked: [user, group#member]
type document
  relations
    define parent: [folder]
    define editor: [user, group#member]
    define viewer: editor but not blocked from parent
"""
    async with open("memory://", model=model) as engine:
        await engine.write(
            [
                "group:g#member@user:alice", "group:g#member@user:bob", "group:out#member@user:bob",
                "document:1#editor@group:g#member", "document:1#parent@folder:1", "folder:1#blocked@group:out#member",
            ]
        )  # fmt: skip
        for _ in range(2):
            assert await engine.check("user:alice", "viewer", "document:1")
            denied = await engine.check("user:bob", "viewer", "document:1")
            assert (bool(denied), getattr(denied, "reason", "")) == (False, "authz.excluded")
        assert await engine.list_objects("document", "viewer", "user:bob") == []
        assert await engine.list_users("document:1", "viewer", "user") == ["user:alice"]


async def test_cve_2023_40579_lists_pass_parents_of_several_types_only_where_the_relation_is() -> None:
    model = f"""{HEAD}type folder
  relations
    define viewer: [user]
type bin
  relations
    define owner: [user]
type document
  relations
    define parent: [folder, bin]
    define viewer: viewer from parent
"""
    async with open("memory://", model=model) as engine:
        await engine.write(
            ["document:1#parent@bin:1", "bin:1#owner@user:alice", "document:2#parent@folder:1",
             "folder:1#viewer@user:alice"]
        )  # fmt: skip
        assert await engine.list_objects("document", "viewer", "user:alice") == ["document:2"]
        assert not await engine.check("user:alice", "viewer", "document:1")


OFFICES: Final = f"""{HEAD}
type office
  relations
    define parent: [office]
    define manager: [user]
    define read: manager or read from parent
type group
  relations
    define parent: [office]
    define read: read from parent
type document
  relations
    define owner: [group with right, group with other]
    define read: read from owner
{ANSWER}
condition other(m: int) {{
  m == 1
}}
"""


async def test_cve_2025_49011_one_of_several_conditional_branches_is_enough() -> None:
    async with open("memory://", model=OFFICES) as engine:
        await engine.write(
            [
                "office:head#manager@user:alice", "office:branch#parent@office:head", "group:a#parent@office:branch",
                "group:b#parent@office:head", Relationship("document:1", "owner", "group:a", "right", '{"n":41}'),
                Relationship("document:1", "owner", "group:b", "right", '{"n":42}'),
                Relationship("document:1", "owner", "group:none", "other"),
            ]
        )  # fmt: skip
        assert await engine.check("user:alice", "read", "document:1")
        assert type(await engine.check("user:bob", "read", "document:1")) is Denied


async def test_cve_2024_46989_several_groups_under_one_condition() -> None:
    model = f"""{HEAD}type group
  relations
    define member: [user]
type document
  relations
    define viewer: [group#member with right]
{ANSWER}"""
    async with open("memory://", model=model) as engine:
        for number, group in ((41, "a"), (42, "b"), (43, "c")):
            given = Relationship("document:1", "viewer", f"group:{group}#member", "right", f'{{"n":{number}}}')
            await engine.write([given, f"group:{group}#member@user:alice", f"group:{group}#member@user:{group}"])
        assert await engine.check("user:alice", "viewer", "document:1")
        assert await engine.list_users("document:1", "viewer", "user") == ["user:alice", "user:b"]
        assert type(await engine.check("user:c", "viewer", "document:1")) is Denied


async def test_cve_2024_38361_an_exclusion_below_several_parents() -> None:
    model = f"""{HEAD}type folder
  relations
    define member: [user]
    define banned: [user]
    define view: member but not banned
type resource
  relations
    define folder: [folder]
    define view: view from folder
"""
    async with open("memory://", model=model) as engine:
        for folder in "abc":
            await engine.write([f"resource:1#folder@folder:{folder}", f"folder:{folder}#member@user:alice"])
        for banned in "abc":
            assert await engine.check("user:alice", "view", "resource:1")
            await engine.write([f"folder:{banned}#banned@user:alice"])
        assert not await engine.check("user:alice", "view", "resource:1")


async def test_cve_2024_48909_a_list_uses_the_context_that_was_given() -> None:
    async with open("memory://", model=OFFICES) as engine:
        await engine.write(
            [
                "office:head#manager@user:alice", "group:a#parent@office:head",
                Relationship("document:1", "owner", "group:a", "right"),
            ]
        )  # fmt: skip
        assert await engine.list_objects("document", "read", "user:alice", context={"n": 42}) == ["document:1"]
        assert await engine.list_objects("document", "read", "user:alice", context={"n": 41}) == []


async def test_ghsa_9m7r_g8hg_x3vr_a_relation_that_names_somebody_and_leads_on_is_listed_both_ways() -> None:
    model = f"""{HEAD}type group
  relations
    define member: [user]
    define admin: [user]
type job
  relations
    define team: [group]
    define doer: [user, group#member]
    define may: doer or admin from team
"""
    async with open("memory://", model=model) as engine:
        await engine.write(
            ["job:1#doer@group:g#member", "job:1#team@group:g", "group:g#admin@user:alice", "job:2#doer@user:alice"]
        )
        assert await engine.list_objects("job", "may", "user:alice") == ["job:1", "job:2"]


async def test_ghsa_4vrg_r928_h5vv_a_conditional_branch_does_not_become_a_yes_beside_a_plain_one() -> None:
    model = f"""{HEAD}type document
  relations
    define reader: [user, user with right]
    define approved: [user with right]
    define banned: [user with right]
    define both: reader and approved
    define unless: reader but not banned
{ANSWER}"""
    async with open("memory://", model=model) as engine:
        await engine.write(
            [
                "document:1#reader@user:alice",
                Relationship("document:1", "approved", "user:alice", "right"),
                Relationship("document:1", "banned", "user:alice", "right"),
            ]
        )
        questions = [("user:alice", relation, "document:1") for relation in ("reader", "both", "unless")] * 8
        for decisions in await asyncio.gather(*(engine.check_many(questions) for _ in range(8))):
            assert [type(decision) for decision in decisions] == [Allowed, Conditional, Conditional] * 8
