"""`fga.mod`, the manifest of a modular model: the schema version and the files, in YAML.

    schema: '1.2'
    contents:
      - core.fga
      - projects/board.fga

Spec: OpenFGA modular models. Paths stay below the manifest's folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from keystead.authz.errors import ModelError, Problem, Span
from keystead.core.errors import ConfigurationError

_SCHEMA: Final = "1.2"
_SUFFIX: Final = ".fga"


class Entry(msgspec.Struct, frozen=True):
    """A value of the manifest and where it stands."""

    value: str
    span: Span


class Manifest(msgspec.Struct, frozen=True):
    """A whole manifest."""

    schema: Entry
    contents: tuple[Entry, ...]


def read_manifest(text: str, file: str = "fga.mod") -> Manifest:
    """Read a manifest. Raises: ModelError with every problem, ConfigurationError when YAML cannot be read at all."""
    found = _mapping(text, file)
    problems: list[Problem] = []
    schema = _schema(found.get("schema"), file, problems)
    contents = _contents(found.get("contents"), file, problems)
    if problems or schema is None:
        raise ModelError(problems)
    return Manifest(schema, contents)


def read_files(path: Path, manifest: Manifest) -> dict[str, str]:
    """Read the files a manifest at `path` names. Raises: ModelError naming those that cannot be read."""
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for entry in manifest.contents:
        try:
            files[entry.value] = (path.parent / entry.value).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            problems.append(_problem(f"cannot read {entry.value}: {reason}", entry.span, "correct the path"))
    if problems:
        raise ModelError(problems)
    return files


def _schema(node: Any, file: str, problems: list[Problem]) -> Entry | None:
    if node is None:
        problems.append(_problem("missing schema field", Span(1, 1, 1, file), f"write `schema: '{_SCHEMA}'`"))
        return None
    entry = Entry(_shown(node), _span(node, file))
    remedy = f"write `schema: '{_SCHEMA}'`, in quotes"
    if _is_string(node) and entry.value == _SCHEMA:
        return entry
    if _is_string(node):
        message = f"unsupported schema version, fga.mod only supported in version `{_SCHEMA}`"
    else:
        message = f"unexpected schema type, expected string got value {entry.value}"
    problems.append(_problem(message, entry.span, remedy))
    return None


def _contents(node: Any, file: str, problems: list[Problem]) -> tuple[Entry, ...]:
    remedy = "list the files of the modules below `contents:`, each with `- `"
    if node is None:
        problems.append(_problem("missing contents field", Span(1, 1, 1, file), remedy))
        return ()
    if not isinstance(node.value, list) or node.id != "sequence":
        message = f"unexpected contents type, expected list of strings got value {_shown(node)}"
        problems.append(_problem(message, _span(node, file), remedy))
        return ()
    entries = []
    for item in node.value:
        entry = Entry(unquote(_shown(item)).replace("\\", "/"), _span(item, file))
        complaint = _complaint(item, entry.value)
        if complaint:
            problems.append(_problem(complaint, entry.span, f"write a path below this folder, ending in {_SUFFIX}"))
        entries.append(entry)
    return tuple(entries)


def _complaint(item: Any, path: str) -> str:
    if not _is_string(item):
        return f"unexpected contents item type, expected string got value {_shown(item)}"
    if ".." in path.split("/") or path.startswith("/") or "\0" in path:
        return f"invalid contents item {item.value}"
    if not path.endswith(_SUFFIX):
        return f"contents items should use fga file extension, got {item.value}"
    return ""


def _mapping(text: str, file: str) -> dict[str, Any]:
    try:
        import yaml
    except ImportError as missing:
        raise ConfigurationError("reading fga.mod needs PyYAML: `pip install pyyaml`") from missing
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigurationError(f"not YAML: {error}", where=file) from error
    if not isinstance(node, yaml.MappingNode):
        return {}
    return {_shown(key): value for key, value in node.value}


def _shown(node: Any) -> str:
    """Return a scalar's text. Never what is inside of others: aliases can make that as large as they like."""
    return node.value if isinstance(node.value, str) else "a list" if node.id == "sequence" else "a mapping"


def _is_string(node: Any) -> bool:
    return bool(node.id == "scalar" and node.tag == "tag:yaml.org,2002:str")


def _span(node: Any, file: str) -> Span:
    start, end = node.start_mark, node.end_mark
    return Span(start.line + 1, start.column + 1, (end.column if end.line == start.line else start.column) + 1, file)


def _problem(message: str, span: Span, remedy: str) -> Problem:
    return Problem(message, span, "manifest", remedy)
