"""What a verifier remembers of the dead: for as long as it matters, bounded, and never forgetting by mistake."""

from __future__ import annotations

import pytest

from keystead.core.records.revocation import Revocation
from keystead.core.revocation_feed import Entry, FeedPage, entry_of
from keystead.core.tokens import AccessClaims, Actor
from keystead.core.values import EpochSeconds, Seconds
from keystead.sdk.revocations import Watched
from keystead.sdk.revoked_marks import RevokedMarks

ISSUER = "https://id.test/realms/acme"
NOW = 1_800_000_000
MEMORY = 3_600


def token(**changes: object) -> Watched:
    claims = {
        "iss": ISSUER,
        "sub": "usr_alice",
        "aud": "https://orders.test",
        "client_id": "web",
        "iat": NOW,
        "exp": NOW + 300,
        "jti": "j1",
        "sid": "s1",
        "gid": "g1",
        "act": Actor("orders", Actor("gateway")),
        **changes,
    }
    return Watched(AccessClaims(**claims), "key-1")  # type: ignore[arg-type]  # the types are those of the claims


def page(*revoked: tuple[str, str], at: int = NOW, floor: int = 0, memory: int = MEMORY) -> FeedPage:
    entries = [entry_of(ISSUER, Revocation(kind, id), EpochSeconds(at)) for kind, id in revoked]
    return FeedPage(
        iss=ISSUER,
        cursor="1.x",
        more=False,
        memory=Seconds(memory),
        floor=EpochSeconds(floor),
        revoked=tuple(entry for entry in entries if entry is not None),
    )


@pytest.mark.parametrize(
    "dead",
    [
        ("token", "j1"),
        ("grant", "g1"),
        ("session", "s1"),
        ("account", "usr_alice"),
        ("client", "web"),
        ("workload", "orders"),
        ("client", "gateway"),
        ("key", "key-1"),
        ("realm", "acme"),
    ],
)
def test_a_token_dies_with_everything_it_stands_on(dead: tuple[str, str]) -> None:
    marks, watched = RevokedMarks(), token()
    assert marks.check(watched).passed
    assert marks.add(page(dead), 0)
    assert not marks.check(watched).passed


@pytest.mark.parametrize(
    "other",
    [
        ("token", "g1"),
        ("grant", "j1"),
        ("session", "usr_alice"),
        ("account", "web"),
        ("client", "usr_alice"),
        ("workload", "s1"),
        ("key", "web"),
    ],
)
def test_an_id_means_only_the_kind_of_thing_it_was_revoked_as(other: tuple[str, str]) -> None:
    marks = RevokedMarks()
    marks.add(page(other), 0)
    assert marks.check(token()).passed


def test_the_same_id_at_another_issuer_is_another_thing() -> None:
    marks = RevokedMarks()
    marks.add(page(("client", "web")), 0)
    assert marks.check(token(iss="https://id.test/realms/other")).passed


@pytest.mark.parametrize("kind", ["account", "client", "session"])
def test_what_was_issued_after_the_end_is_good_again(kind: str) -> None:
    id = {"account": "usr_alice", "client": "web", "session": "s1"}[kind]
    marks = RevokedMarks()
    marks.add(page((kind, id)), 0)
    assert not marks.check(token(iat=NOW)).passed
    assert not marks.check(token(iat=NOW + 1)).passed  # a node's clock may be a second ahead
    assert marks.check(token(iat=NOW + 2)).passed


@pytest.mark.parametrize("dead", [("token", "j1"), ("grant", "g1")])
def test_what_ends_for_good_stays_dead_whatever_the_token_says_of_its_time(dead: tuple[str, str]) -> None:
    marks = RevokedMarks()
    marks.add(page(dead), 0)
    assert not marks.check(token(iat=NOW + 3_000, exp=NOW + 3_300)).passed


def test_news_that_end_nothing_make_no_entry() -> None:
    assert page(("role_assignment", "orders"), ("client_change", "web")).revoked == ()


def test_it_is_forgotten_once_no_token_of_that_time_can_live() -> None:
    marks = RevokedMarks()
    marks.add(page(("token", "j1"), ("account", "usr_bob")), 0)
    marks.add(page(("account", "usr_bob"), at=NOW + 600), 600)
    marks.add(page(), MEMORY)
    assert len(marks) == 2
    marks.add(page(), MEMORY + 121)
    assert len(marks) == 1
    assert not marks.check(token(sub="usr_bob", iat=NOW + 500)).passed
    marks.add(page(), MEMORY + 722)
    assert len(marks) == 0


def test_being_told_twice_changes_nothing() -> None:
    marks = RevokedMarks()
    assert marks.add(page(("token", "j1"), ("session", "s9")), 0)
    revision = marks.revision
    assert not marks.add(page(("token", "j1"), ("session", "s9")), 1)
    assert marks.revision is revision


def test_a_token_that_outlives_the_memory_of_the_feed_is_refused() -> None:
    marks = RevokedMarks()
    marks.add(page(memory=MEMORY), 0)
    assert marks.check(token(exp=NOW + MEMORY)).passed
    assert not marks.check(token(exp=NOW + MEMORY + 1)).passed


@pytest.mark.attack("F5")
def test_millions_of_revocations_cost_bounded_memory_and_let_nothing_dead_through() -> None:
    marks = RevokedMarks(maximum=5_000)
    for number in range(40):
        revoked = [("token", f"{number}-{one}") for one in range(1_000)]
        marks.add(page(*revoked, at=NOW + number), number)
        assert len(marks) <= 5_000
    # What was dropped is refused by its age; what is newer than that is judged by what is known.
    assert not marks.check(token(jti="0-0", iat=NOW)).passed
    assert not marks.check(token(jti="39-7", iat=NOW + 39)).passed
    assert marks.check(token(jti="other", iat=NOW + 39)).passed


@pytest.mark.attack("F5")
def test_a_malformed_entry_takes_nothing_of_its_page() -> None:
    marks = RevokedMarks()
    good = page(("token", "j1")).revoked
    for text in ("", "AAAA", "!" * 22, "A" * 23, "é" * 22):
        broken = FeedPage(
            iss=ISSUER,
            cursor="1.x",
            more=False,
            memory=Seconds(MEMORY),
            floor=EpochSeconds(NOW + 99),
            revoked=(*good, Entry(text, EpochSeconds(NOW))),
        )
        with pytest.raises(ValueError, match=r"mark|base64url|ascii|character"):
            marks.add(broken, 0)
    assert len(marks) == 0
    assert marks.check(token()).passed
