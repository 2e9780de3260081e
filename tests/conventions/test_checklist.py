"""The checklist of the standards: every line has its test, and the page shows them."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conventions.checklist import PAGE, lines, page


def test_every_demand_names_a_test_that_is_there() -> None:
    named = [line.test for found in lines().values() for line in found if line.test]
    assert [test for test in named if test.partition("::")[2] not in _tests_in(test.partition("::")[0])] == []


def test_the_page_is_what_the_lines_say() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.conventions.checklist"


def _tests_in(file: str) -> set[str]:
    tree = ast.parse(Path(file).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
