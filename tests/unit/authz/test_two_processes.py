"""Two processes write and ask in turns, in every order: whoever brings the revision of a write knows of it."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.postgres import schema_for
from tests.unit.authz.test_embedded import MODEL

OTHER: Final = """
    import json, sys
    from keystead.authz import open_sync, NEWEST
    engine = open_sync(sys.argv[1], model=sys.argv[2], maximum_lag=float(sys.argv[3]))
    for line in sys.stdin:
        what, *asked = json.loads(line)
        if what == "write":
            answer = engine.write(asked[0], asked[1], ignore_duplicates=True, ignore_missing=True)
        elif what == "check":
            answer = [bool(each) for each in engine.check_many(asked[0], at_least=asked[1])]
        else:
            answer = engine.list_objects("order", "viewer", asked[0], at_least=asked[1])
        print(json.dumps(answer), flush=True)
"""

USERS: Final = ("user:a", "user:b")
OBJECTS: Final = ("order:1", "order:2")
GROUPS: Final = ("group:g", "group:h")
TUPLES: Final = (
    *(f"{object}#{relation}@{user}" for object in OBJECTS for relation in ("owner", "blocked") for user in USERS),
    *(f"{object}#reader@{group}#member" for object in OBJECTS for group in GROUPS),
    *(f"{group}#member@{user}" for group in GROUPS for user in USERS),
    "group:g#member@group:h#member",
)
QUESTIONS: Final = [[user, "viewer", object] for user in USERS for object in OBJECTS]

some = st.lists(st.sampled_from(TUPLES), max_size=3, unique=True)
turns = st.lists(st.tuples(st.integers(0, 1), some, some, st.integers(0, 1), st.booleans()), min_size=1, max_size=12)


class Process:
    """An engine in a process of its own."""

    def __init__(self, url: str, maximum_lag: float) -> None:
        command = [sys.executable, "-c", textwrap.dedent(OTHER), url, MODEL, str(maximum_lag)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *what: Any) -> Any:
        """Let it do something."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def two(url: str, maximum_lag: float) -> Iterator[tuple[Process, Process]]:
    """Start two processes on one database."""
    both = Process(url, maximum_lag), Process(url, maximum_lag)
    try:
        yield both
    finally:
        for each in both:
            each.end()


def viewers(tuples: set[str]) -> list[bool]:
    """Answer the questions in the obvious way."""
    in_g = {user for user in USERS if f"group:g#member@{user}" in tuples}
    in_h = {user for user in USERS if f"group:h#member@{user}" in tuples}
    if "group:g#member@group:h#member" in tuples:
        in_g |= in_h
    members = {"group:g": in_g, "group:h": in_h}
    return [
        (
            f"{object}#owner@{user}" in tuples
            or any(f"{object}#reader@{group}#member" in tuples and user in members[group] for group in GROUPS)
        )
        and f"{object}#blocked@{user}" not in tuples
        for user, _, object in QUESTIONS
    ]


@pytest.mark.parametrize("backend", ["sqlite", "postgres"])
def test_a_write_is_visible_to_the_next_question_that_carries_its_revision(backend: str, tmp_path: Path) -> None:
    """Over PostgreSQL with a lag of an hour allowed, so that it is the revision and not the time that makes it so."""
    url = schema_for(str(tmp_path)) if backend == "postgres" else f"sqlite:///{tmp_path}/service.db"
    with two(url, 3600) as processes:
        tuples = set[str]()

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(turns)
        def play(played: list[tuple[int, list[str], list[str], int, bool]]) -> None:
            for writer, writes, deletes, asker, listing in played:
                writes = [each for each in writes if each not in deletes]
                revision = processes[writer].ask("write", writes, deletes)
                tuples.difference_update(deletes)
                tuples.update(writes)
                expected = viewers(tuples)
                if listing:
                    for number, user in enumerate(USERS):
                        mine = expected[number * 2 : number * 2 + 2]
                        objects = [object for object, seen in zip(OBJECTS, mine, strict=True) if seen]
                        assert processes[asker].ask("list", user, revision) == objects
                else:
                    assert processes[asker].ask("check", QUESTIONS, revision) == expected

        play()
