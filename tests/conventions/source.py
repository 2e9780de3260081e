"""The source, parsed once for all convention tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "keystead"

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """One file."""

    name: str
    path: Path
    tree: ast.Module
    lines: int


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of the package, named like `oauth.token`."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found.append(Module(name, path, ast.parse(text), text.count("\n")))
    return tuple(found)


def functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Return every function with its qualified name."""
    for name, node in _definitions(tree, ""):
        if isinstance(node, Function):
            yield name, node


def classes(tree: ast.Module) -> Iterator[tuple[str, ast.ClassDef]]:
    """Return every class with its qualified name."""
    for name, node in _definitions(tree, ""):
        if isinstance(node, ast.ClassDef):
            yield name, node


def _definitions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            yield name, child
            yield from _definitions(child, f"{name}.")
        else:
            yield from _definitions(child, prefix)
