"""D1: store files and manifests of strangers, whose aliases stand for far more than what is written."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import pytest

from keystead.authz.errors import ModelError
from keystead.authz.language.manifest import read_manifest
from keystead.authz.storefile import run_store_file
from keystead.core.errors import ConfigurationError

pytestmark = pytest.mark.attack("D1")

SECONDS: Final = 5.0
LEVELS: Final = 12
MODEL: Final = """name: shop
model: |
  model
    schema 1.1
  type user
  type order
    relations
      define owner: [user with known]
  condition known(x: any) {
    x == x
  }
"""


def laughter(indent: str) -> str:
    """Return lines each of which stands for nine times the one before."""
    lines = [f'{indent}x0: &x0 ["lol"]']
    lines += [f"{indent}x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]" for n in range(1, LEVELS)]
    return "\n".join([*lines, f"{indent}x: *x{LEVELS - 1}", ""])


@pytest.mark.parametrize("context", [laughter("        "), "        x: &x [*x]\n"], ids=["large", "endless"])
def test_a_store_file_whose_aliases_grow_is_refused(tmp_path: Path, context: str) -> None:
    path = tmp_path / "shop.fga.yaml"
    before = "tuples:\n  - user: user:a\n    relation: owner\n    object: order:1\n    condition:\n      name: known\n"
    path.write_text(f"{MODEL}{before}      context:\n{context}")
    started = time.process_time()
    with pytest.raises(ConfigurationError, match="aliases"):
        run_store_file(path)
    assert time.process_time() - started < SECONDS


def test_a_few_aliases_are_read(tmp_path: Path) -> None:
    path = tmp_path / "shop.fga.yaml"
    tuples = "tuples:\n  - &a {user: user:a, relation: owner, object: order:1, condition: {name: known}}\n  - *a\n"
    asked = "tests:\n  - check: [{user: user:a, object: order:1, context: {x: 1}, assertions: {owner: true}}]\n"
    path.write_text(MODEL + tuples + asked)
    assert [outcome.passed for outcome in run_store_file(path)] == [True]


@pytest.mark.parametrize("place", ["schema: *x\ncontents: []", "schema: '1.2'\ncontents: [*x]", "contents: {*x : 1}"])
def test_a_manifest_whose_aliases_grow_is_refused(place: str) -> None:
    started = time.process_time()
    with pytest.raises((ModelError, ConfigurationError)):
        read_manifest(laughter("") + place.replace("*x", f"*x{LEVELS - 1}"))
    assert time.process_time() - started < SECONDS
