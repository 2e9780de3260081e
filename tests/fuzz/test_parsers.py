"""No parser of untrusted input raises what it should not, or thinks for long (J7)."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.fuzz.documents import DOCUMENTS
from tests.fuzz.mutation import inputs
from tests.fuzz.requests import REQUESTS
from tests.fuzz.target import Target
from tests.fuzz.tokens import TOKENS

TARGETS = (*REQUESTS, *TOKENS, *DOCUMENTS)
QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)


@pytest.mark.attack("J7")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_answers_or_refuses(target: Target) -> None:
    """The same inputs in every run, so that a failure is there again."""
    _feed(target, 120, derandomize=True)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.attack("J7")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_a_parser_answers_or_refuses_for_long(target: Target) -> None:
    """Other inputs in every run."""
    _feed(target, int(os.environ.get("KEYSTEAD_FUZZ", "5000")), derandomize=False)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_the_seeds_are_understood(target: Target) -> None:
    """A parser that refuses everything is not being tested."""
    for seed in target.seeds[:1]:
        target.parse(seed)


def _feed(target: Target, examples: int, *, derandomize: bool) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=derandomize,
        suppress_health_check=QUIET,
        phases=(Phase.generate, Phase.shrink),
    )
    @given(data=inputs(target))
    def feed(data: bytes) -> None:
        target.feed(data)

    feed()
