"""docs/reference/errors.md: the OAuth errors callers see, and every reason slug that stands in a log line.

Reasons are found in the source: wherever one is given to an error, a refusal or a decision, or is among the `events`
of a plug-in.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import keystead
from keystead.cli.reference.markdown import GENERATED, code, table
from keystead.core import attestation_errors, errors, registration_errors, request_errors, waiting_errors

_SLUG: Final = re.compile(r"[a-z*][a-z0-9_*]*(\.[a-z0-9_*]+)+")
_FIRST_ARGUMENT: Final = frozenset({"Denied", "Rejected", "NotAttested", "Doubt", "Conditional"})
_RECORDING: Final = re.compile(r"_?refus\w*|_done|_record")
"""What functions are called that take a reason by position, among other texts."""
_SKIPPED: Final = ("demo", "cli")

Found = dict[str, dict[str, str]]
"""For each kind (`action`, `reason`): slug to the module it stands in."""


def page(root: Path) -> str:
    """Return the page."""
    found = slugs()
    codes = [(code(kind.code), str(kind.status), str(kind.spec), inspect.getdoc(kind) or "") for kind in oauth_errors()]
    parts = [
        "# Errors, actions and reasons",
        GENERATED,
        '## Errors callers see\n\nJSON: `{"error": code, "error_description": ...}`. The description is for people.',
        table(["code", "status", "specification", "meaning"], sorted(codes)),
        "## Actions\n\nWhat a log line is about (`action`). One line a decision.",
        table(["action", "from"], ((code(slug), code(where)) for slug, where in sorted(found["action"].items()))),
        "## Reasons\n\nWhy (`reason`): stable slugs to search for. `*` stands for a name put in at run time.",
        table(["reason", "from"], ((code(slug), code(where)) for slug, where in sorted(found["reason"].items()))),
    ]
    return "\n\n".join(parts) + "\n"


def oauth_errors() -> list[type[errors.OAuthError]]:
    """Return every error class with a code of its own."""
    files = (errors, waiting_errors, request_errors, registration_errors, attestation_errors)
    named = {name: kind for file in files for name, kind in vars(file).items()}
    kinds = [kind for kind in named.values() if inspect.isclass(kind) and issubclass(kind, errors.OAuthError)]
    return [kind for kind in kinds if "code" in vars(kind)]


def slugs() -> Found:
    """Return every action and reason that stands in the source."""
    found: Found = {"action": {}, "reason": {}}
    package = Path(keystead.__file__).parent
    for path in sorted(package.rglob("*.py")):
        inside = path.relative_to(package)
        if inside.parts[0] in _SKIPPED:
            continue
        module = ".".join(inside.with_suffix("").parts)
        tree = ast.parse(path.read_text())
        constants = _constants(tree)
        for node in ast.walk(tree):
            for kind, argument in (*_slug_arguments(node), *_events(node)):
                for slug in _texts(argument, constants):
                    if _SLUG.fullmatch(slug) or (kind == "action" and slug.isidentifier()):
                        found[kind].setdefault(slug, module)
    return found


def _events(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the reasons a plug-in announces."""
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(target, ast.Name) and target.id == "events":
        yield from (("reason", text) for text in getattr(node.value, "elts", ()))


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    named: dict[str, ast.expr] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            named[node.target.id] = node.value
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            named[node.targets[0].id] = node.value
    return named


def _slug_arguments(call: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if not isinstance(call, ast.Call):
        return
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in ("Decision", "tell") and call.args:
        yield "action", call.args[0]
        if len(call.args) > 2:
            yield "reason", call.args[2]
    elif name in _FIRST_ARGUMENT and call.args:
        yield "reason", call.args[0]
    elif _RECORDING.fullmatch(name):
        yield from _recorded(call)
    for keyword in call.keywords:
        if keyword.arg in ("reason", "action"):
            yield keyword.arg, keyword.value


def _recorded(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    if any(keyword.arg == "reason" for keyword in call.keywords):
        yield from (("action", argument) for argument in call.args[:1])
        return
    for argument in call.args:
        is_action = isinstance(argument, ast.Name) and argument.id.endswith("ACTION")
        yield "action" if is_action else "reason", argument


def _texts(node: ast.expr, constants: dict[str, ast.expr]) -> Iterator[str]:
    """Return the texts an expression may stand for; what is put in at run time is `*`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, constants)
        yield from _texts(node.orelse, constants)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value, constants)
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from _texts(constants[node.id], {})
    elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        found = constants.get(node.value.id)
        for value in found.values if isinstance(found, ast.Dict) else ():
            yield from _texts(value, {})
