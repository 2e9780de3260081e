"""docs/reference/conformance.md: which specification sections are implemented, and which are proved by tests.

Made from the `specs` of the plug-ins, the `Spec:` lines of docstrings, and the `spec` markers of the tests.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from keystead.app.catalogue import endpoints
from keystead.cli.reference.markdown import GENERATED, table
from keystead.core.spec import Section
from keystead.oauth.catalogue import client_authentications, grants

_DOCUMENT: Final = re.compile(r"(.*?),? (?:section|sections) (.*)")


def page(root: Path) -> str:
    """Return the page."""
    tested = sections_tested(root)
    implemented = {str(section) for section in _implemented()}
    by_document: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for section in implemented | tested.keys():
        match = _DOCUMENT.fullmatch(section)
        document, number = (match[1], match[2]) if match else (section, "")
        count = tested.get(section, 0)
        by_document[document].append((number, "yes" if section in implemented else "", str(count or "")))
    parts = ["# Conformance", GENERATED, "Sections that a plug-in names as its own, and how many tests prove each."]
    for document in sorted(by_document, key=_natural):
        rows = sorted(by_document[document], key=lambda row: _natural(row[0]))
        parts += [f"## {document}", table(["section", "plug-in", "tests"], rows)]
    return "\n\n".join(parts) + "\n"


def sections_tested(root: Path) -> Counter[str]:
    """Return how many test functions carry the `spec` marker of each section."""
    found: Counter[str] = Counter()
    for path in sorted((root / "tests").rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.update(_marked(node))
            elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "pytestmark":
                found.update(_sections(node.value))
    return found


def _implemented() -> Iterator[Section]:
    for endpoint in endpoints().values():
        yield from endpoint.specs
    for grant in grants().values():
        yield from grant.specs
    for method in client_authentications():
        yield from method.specs


def _marked(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        yield from _sections(decorator)


def _sections(node: ast.expr) -> Iterator[str]:
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "spec":
            yield from (str(argument.value) for argument in call.args if isinstance(argument, ast.Constant))


def _natural(text: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", text)]
