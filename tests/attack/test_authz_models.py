"""D1: models made to be slow to read. Time grows with the length of the text, whatever it says."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import pytest

from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import ModelError
from keystead.authz.language import read_model
from tests.attack.test_authz_fan_out import YARDSTICK, yardstick

HEAD: Final = "model\n  schema 1.1\ntype user\n"
ONE_TYPE: Final = f"{HEAD}type d\n  relations\n    define z: [user]\n"
LIMIT: Final = 1.5
SIZE: Final = 4_000


def alternatives(count: int) -> str:
    """Relations that each name every one before."""
    return ONE_TYPE + "".join(
        f"    define r{each}: z{''.join(f' or r{before}' for before in range(each))}\n" for each in range(count)
    )


SHAPES: Final[dict[str, Callable[[], str]]] = {
    "a chain": lambda: ONE_TYPE + "".join(f"    define r{n + 1}: r{n}\n" for n in range(SIZE)) + "    define r0: z\n",
    "a chain upside down": lambda: (
        ONE_TYPE + "".join(f"    define r{n}: r{n + 1}\n" for n in range(SIZE)) + f"    define r{SIZE}: z\n"
    ),
    "a circle": lambda: (
        ONE_TYPE + "".join(f"    define r{n}: r{n + 1}\n" for n in range(SIZE)) + f"    define r{SIZE}: r0\n"
    ),
    "a chain of usersets": lambda: (
        HEAD
        + "".join(f"type t{n}\n  relations\n    define p: [t{n + 1}#p]\n" for n in range(SIZE))
        + f"type t{SIZE}\n  relations\n    define p: [user]\n"
    ),
    "a chain of exclusions": lambda: (
        ONE_TYPE + "    define r0: [user]\n" + "".join(f"    define r{n + 1}: z but not r{n}\n" for n in range(SIZE))
    ),
    "a wide union": lambda: ONE_TYPE + f"    define r: {' or '.join(f'r{n} from z' for n in range(15_000))}\n",
    "everything from everything": lambda: alternatives(180),
    "the same again": lambda: f"{ONE_TYPE}    define r: {' or '.join(['z'] * 50_000)}\n",
    "duplicate types": lambda: HEAD + "type x\n" * 30_000,
    "parentheses": lambda: f"{ONE_TYPE}    define r: {'(' * 200_000}",
    "braces": lambda: f"{HEAD}condition c(x: int) {'{' * 200_000}",
    "white space": lambda: HEAD + " " * 250_000,
    "number signs": lambda: HEAD + " #" * 120_000,
    "one long name": lambda: f"{HEAD}type {'x' * 250_000}\n",
    "too much": lambda: HEAD + "\n" * 10_000_000,
}


@pytest.mark.attack("D1")
@pytest.mark.parametrize("shape", SHAPES)
def test_a_model_is_read_or_refused_in_linear_time(shape: str) -> None:
    text = SHAPES[shape]()
    limit = LIMIT * max(1.0, yardstick() / YARDSTICK)
    started = time.process_time()
    with suppress(ModelError):
        compile_model(read_model(text))
    assert time.process_time() - started < limit
