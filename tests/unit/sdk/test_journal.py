"""The journal: one honest line per decision, whatever comes from outside and whatever the reader does."""

from __future__ import annotations

import io
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.trace import new_trace
from keystead.core.values import Secret
from keystead.sdk.journal import JsonLinesJournal

DECISION = Decision("resource.access", True, "token.accepted", facts={"path": "/orders"})


def written(decision: Decision, service: str = "orders") -> dict[str, Any]:
    """Return the one line a decision becomes."""
    stream = io.StringIO()
    JsonLinesJournal(stream, service, clock=lambda: 1_800_000_000.0625).record(decision)
    lines = stream.getvalue().split("\n")
    assert len(lines) == 2
    assert lines[1] == ""
    line: dict[str, Any] = msgspec.json.decode(lines[0])
    return line


def test_a_line_says_when_where_what_and_why() -> None:
    trace = new_trace()
    line = written(
        Decision(
            "resource.access",
            False,
            "jwt.audience",
            trace=trace,
            credential=Credential("jwt_access_token", subject="usr_1"),
            checks=(Check("audience", False, "meant for another"),),
        )
    )
    assert line["time"] == "2027-01-15T08:00:00.062Z"
    assert (line["level"], line["service"]) == ("warning", "orders")
    assert (line["action"], line["allowed"], line["reason"]) == ("resource.access", False, "jwt.audience")
    assert line["trace"]["trace_id"] == trace.trace_id
    assert line["credential"] == {"kind": "jwt_access_token", "subject": "usr_1"}
    assert line["checks"] == [{"name": "audience", "passed": False, "why": "meant for another"}]
    assert written(DECISION)["level"] == "info"


@given(st.text(), st.text())
def test_nothing_from_outside_breaks_out_of_its_line(subject: str, value: str) -> None:
    stream = io.StringIO()
    JsonLinesJournal(stream, "s").record(Decision("a", False, "r", subject=subject, facts={"x": value}))
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]", text)
    line = msgspec.json.decode(text)
    if line["reason"] == "r":
        assert line.get("subject", "") == subject
        assert line["facts"]["x"] == value


@pytest.mark.parametrize("value", ["\ud800", object(), 2**70, {1: {2: {3}}}, Secret("y")])
def test_it_never_raises_and_never_prints_a_secret(value: object) -> None:
    stream = io.StringIO()
    JsonLinesJournal(stream, "s").record(Decision("\ud800action", False, "r", facts={"x": value}))
    JsonLinesJournal(stream, "s").record(Decision("action", False, "r", facts={"secret": Secret("tell-nobody")}))
    lines = [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    assert len(lines) == 2
    assert "tell-nobody" not in stream.getvalue()
    assert "hidden" in stream.getvalue()


def test_a_closed_stream_does_not_raise() -> None:
    stream = io.StringIO()
    journal = JsonLinesJournal(stream, "s")
    stream.close()
    journal.record(DECISION)


@pytest.fixture
def pipe() -> Iterator[tuple[int, TextIO]]:
    """A pipe: the descriptor to read from, the stream to write to."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


def read_until(reading: int, enough: int) -> list[dict[str, Any]]:
    """Read lines until there are enough."""
    text = b""
    while text.count(b"\n") < enough:
        text += os.read(reading, 65_536)
    return [msgspec.json.decode(line) for line in text.splitlines()]


def test_lines_reach_a_reader_at_once(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s")
    for number in range(10):
        journal.record(Decision("a", True, str(number)))
    assert [line["reason"] for line in read_until(reading, 10)] == [str(number) for number in range(10)]
    assert journal._sink._thread is None


def test_a_reader_that_stops_does_not_stop_us_and_gets_everything_later(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s")
    padding = {"x": "y" * 900}
    started = time.perf_counter()
    for number in range(1_000):
        journal.record(Decision("a", True, str(number), facts=padding))
    assert time.perf_counter() - started < 20
    assert [line["reason"] for line in read_until(reading, 1_000)] == [str(number) for number in range(1_000)]
    journal.close()


def test_what_does_not_fit_is_counted_and_told(pipe: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keystead.sdk.line_sink._MAXIMUM_WAITING", 100_000)
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s")
    padding = {"x": "y" * 900}
    for number in range(500):
        journal.record(Decision("a", True, str(number), facts=padding))
    lost = journal._sink._lost
    assert lost > 100
    lines = read_until(reading, 500 - lost)
    journal.record(Decision("a", True, "after"))
    lines += read_until(reading, 2)
    assert lines[-2]["action"] == "journal.lost"
    assert lines[-2]["facts"] == {"lines": lost}
    assert lines[-1]["reason"] == "after"
    numbers = [int(line["reason"]) for line in lines[:-2]]
    assert numbers == sorted(numbers)
    assert len(numbers) == 500 - lost
    journal.close()


def test_a_long_line_is_never_cut(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s")
    journal.record(Decision("a", True, "long", facts={"x": "y" * 300_000}))
    journal.record(Decision("a", True, "short"))
    assert [line["reason"] for line in read_until(reading, 2)] == ["long", "short"]
    journal.close()


def test_a_reader_that_went_away_costs_nothing() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    journal, before = JsonLinesJournal(os.fdopen(writing, "w"), "s"), set(threading.enumerate())
    for _ in range(100):
        journal.record(DECISION)
    assert journal._sink._lost == 100
    assert len(set(threading.enumerate()) - before) < 5


def test_several_threads_write_whole_lines(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s")

    def work(name: str) -> None:
        for number in range(200):
            journal.record(Decision(name, True, str(number), facts={"x": "y" * 200}))

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    lines = read_until(reading, 800)
    for thread in threads:
        thread.join()
    for name in ("t0", "t1", "t2", "t3"):
        assert [line["reason"] for line in lines if line["action"] == name] == [str(number) for number in range(200)]
    journal.close()


def test_gathered_lines_go_out_together_in_order_and_at_close(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    asked: list[Callable[[], None]] = []

    def soon(call: Callable[[], None]) -> bool:
        asked.append(call)
        return True

    journal = JsonLinesJournal(stream, "s", soon=soon)
    os.set_blocking(reading, False)
    for number in range(30):
        journal.record(Decision("a", True, str(number), facts={"x": "y" * 200}))
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    assert len(asked) == 1
    asked[0]()
    os.set_blocking(reading, True)
    assert [line["reason"] for line in read_until(reading, 30)] == [str(number) for number in range(30)]
    journal.record(Decision("a", True, "last"))
    journal.close()
    assert [line["reason"] for line in read_until(reading, 1)] == ["last"]


def test_lines_are_not_gathered_where_nobody_would_flush_them(pipe: tuple[int, TextIO]) -> None:
    reading, stream = pipe
    journal = JsonLinesJournal(stream, "s", soon=lambda _: False)
    journal.record(DECISION)
    assert len(read_until(reading, 1)) == 1


def test_gathered_lines_that_do_not_fit_are_counted_one_by_one() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    journal = JsonLinesJournal(os.fdopen(writing, "w"), "s", soon=lambda _: True)
    for _ in range(100):
        journal.record(DECISION)
    journal.close()
    assert journal._sink._lost == 100
