"""Regular expressions: RE2's meaning, found in time linear in the text whatever the pattern says."""

from __future__ import annotations

import random
import re
import time
import warnings
from typing import Final

import pytest

from keystead.authz.conditions.patterns import Matcher
from keystead.authz.conditions.patterns.parser import MAX_LENGTH
from keystead.authz.conditions.values import Budget, Failure, TooCostly

CASES: Final = 2_000


def found(pattern: str, text: str) -> bool:
    """Compile and look."""
    return Matcher(pattern)(text, Budget())


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("b+", "abbc", True), ("^b", "ab", False), ("b$", "ab", True), ("^$", "", True), ("", "x", True),
        (r"^\d{3}-\d{4}$", "555-1234", True), (r"^\d{3}-\d{4}$", "555-12345", False),
        (r"(?i)^admin$", "AdMiN", True), ("(?i)k", "\u212a", True), (r"(?i)\x{17f}", "S", True),
        ("a.c", "a\nc", False), ("(?s)a.c", "a\nc", True), ("^b", "a\nb", False), ("(?m)^b", "a\nb", True),
        (r"\Qa.c\E", "abc", False), (r"\Qa.c", "xa.c", True), (r"[[:upper:]][^[:digit:]]", "Ab", True),
        (r"\p{Lu}\pN", "Ä٣", True), (r"\P{L}", "abc", False), (r"[^\p{L}]", "ab1", True), (r"\w", "ä", False),
        (r"[]a]", "]", True), (r"[a\]-]", "-", True), (r"a{,2}", "a{,2}", True), (r"x{2,}", "axx", True),
        (r"(?P<user>[a-z]+)@(?P<host>\w+)", "bob@home", True), (r"(?:a|b|)c", "c", True), (r"\101\x42", "AB", True),
        (r"a**", "", Failure), (r"(a", "", Failure), (r"a)", "", Failure), (r"[a", "", Failure), (r"\1", "", Failure),
        (r"[b-a]", "", Failure), (r"(?=a)", "", Failure), (r"a{1001}", "", Failure), (r"\p{Greek}", "", Failure),
        (r"*a", "", Failure), ("a\\", "", Failure), (r"(?z)a", "", Failure), (r"\8", "", Failure),
    ],
)  # fmt: skip
def test_what_a_pattern_means(pattern: str, text: str, expected: bool | type[Failure]) -> None:
    if isinstance(expected, bool):
        assert found(pattern, text) is expected
    else:
        with pytest.raises(expected, match="the pattern"):
            found(pattern, text)


def random_pattern(source: random.Random, depth: int) -> str:
    """Write a pattern that means the same to RE2 and to Python."""
    kind = source.randrange(9)
    if depth == 0 or kind < 3:
        return source.choice(
            ["a", "b", "c", ".", "[ab]", "[^a]", r"\w", r"\n", r"\b", "^", "$", r"\B", "[a-c]", r"\d", r"\S"]
        )
    inner = [random_pattern(source, depth - 1) for _ in range(3)]
    match kind:
        case 3 | 4:
            return f"(?:{inner[0]}|{inner[1]})"
        case 5:
            return f"(?:{inner[0]}){source.choice(['*', '+', '?', '{2}', '{1,2}', '*?'])}"
        case 6:
            return source.choice(["(?i:", "(?s:", "(?m:", "("]) + inner[0] + ")"
        case _:
            return "".join(inner)


def test_random_patterns_mean_what_they_mean_to_python() -> None:
    source = random.Random(20261122)
    compared = 0
    for _ in range(CASES):
        pattern = random_pattern(source, 4)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                theirs = re.compile(pattern, re.ASCII)
            except re.error:
                continue
        ours = Matcher(pattern)
        for _ in range(3):
            text = "".join(source.choice("abcA1\n _") for _ in range(source.randrange(7)))
            if text.endswith("\n") or not text:
                continue  # Python's `$` matches before a last newline, and its \B never in nothing
            compared += 1
            assert ours(text, Budget()) is (theirs.search(text) is not None), (pattern, text)
    assert compared > CASES


@pytest.mark.attack("D1")
@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a*)*b$", "a" * 200_000),
        ("(a|a)*b", "a" * 200_000),
        ("(a|aa)+$", "a" * 200_000 + "!"),
        ("(x+x+)+y", "x" * 200_000),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 200_000),
        ("(.*)(.*)(.*)(.*)(.*)[^a]", "a" * 200_000),
        ("a{500}{2}b?" + "(?:a?){50}", "a" * 200_000),
        ("[ab]{0,700}a[ab]{300}", "ab" * 100_000),
        ("(?:.{3}a|.b.{9}){30}z", "ab1" * 60_000),
        (r"\p{L}+\d", "".join(map(chr, range(0x4E00, 0x9FFF))) * 9),
    ],
    ids=range(10),
)
def test_a_hostile_pattern_takes_linear_time_or_is_given_up(pattern: str, text: str) -> None:
    started = time.process_time()
    try:
        matcher = Matcher(pattern)
        matcher(text, Budget())
    except (Failure, TooCostly):
        pass
    assert time.process_time() - started < 5  # it takes some 0.05; going back would take centuries


@pytest.mark.attack("D1")
@pytest.mark.parametrize(
    "pattern", ["(" * 5_000, "(" * 400 + ")" * 400, "a{1000}{1000}", "((a{99}){99}){99}", "x" * MAX_LENGTH * 2]
)
def test_a_pattern_too_large_is_refused(pattern: str) -> None:
    with pytest.raises(Failure):
        Matcher(pattern)


def test_what_a_matcher_remembers_is_bounded() -> None:
    matcher = Matcher(r"(?i)([a-f]|[d-z]|\p{Lu}|[^x-z\n])+\b[0-9]x$")
    for start in range(0, 0x3000, 0x80):
        matcher("".join(map(chr, range(start, start + 0x80))) * 2, Budget())
    remembered = sum(len(each.leads_to) for each in matcher._states.values())
    assert len(matcher._states) <= 200
    assert len(matcher._kind_of) <= 4_000
    assert remembered <= 200 * 256
