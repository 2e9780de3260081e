"""A YAML document as plain values, and the line each came from.

Does not: know tags, anchors, aliases or several documents (a small file could otherwise grow without bound), nor
YAML 1.1's surprises: `no`, `on` and `12:30` are texts, only `true` and `false` are booleans.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from keystead.core.errors import ConfigurationError

MAXIMUM_BYTES: Final = 4 * 1024 * 1024
MAXIMUM_DEPTH: Final = 24
Place = tuple[str | int, ...]

QUOTED: Final = frozenset("'\"|>")
_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]*)", re.ASCII)
_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+", re.ASCII)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Document:
    """The values of a file, and where each stands."""

    def __init__(self, path: Path, value: Any, lines: dict[Place, int]) -> None:
        self.path = path
        self.value = value
        self._lines = lines

    def where(self, path: Place) -> str:
        """Return `file:line` of a value, or of the nearest one around it."""
        while path and path not in self._lines:
            path = path[:-1]
        return f"{self.path}:{self._lines.get(path, 1)}"

    def error(self, path: Place, message: str) -> ConfigurationError:
        """Return an error that names the line."""
        return ConfigurationError(message, where=self.where(path))


def read_document(path: Path) -> Document:
    """Read and parse a file.

    Raises: ConfigurationError when it cannot be read, is too large, is not YAML, or uses what we do not take.
    """
    return parse_document(path, _read(path))


def parse_document(path: Path, text: bytes) -> Document:
    """Parse the bytes of a file. Raises: ConfigurationError."""
    if len(text) > MAXIMUM_BYTES:
        raise ConfigurationError(
            f"larger than {MAXIMUM_BYTES} bytes; split it or remove what is not configuration", where=str(path)
        )
    try:
        node = yaml.compose(text.decode("utf-8"), Loader=_LOADER)
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"not UTF-8 at byte {error.start}; save the file as UTF-8", where=str(path)) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"not YAML: {error.problem}; mend this line", where=f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"not YAML: {error}", where=str(path)) from error
    if node is None:
        raise ConfigurationError("the file is empty; it needs at least `server:` and `realms:`", where=str(path))
    reader = _Reader(path)
    return Document(path, reader.value(node, ()), reader.lines)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigurationError(
            f"cannot read the configuration: {reason}. Name a file with --config.", where=str(path)
        ) from error


class _Reader:
    """Turns YAML nodes into values, remembering lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[int] = set()
        self.lines: dict[Place, int] = {}

    def value(self, node: yaml.Node, path: Place) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._seen or len(path) > MAXIMUM_DEPTH:
            raise self._refuse(line, "aliases and deep nesting are not taken; write the value out")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        try:
            return _scalar(node)
        except ValueError:
            raise self._refuse(line, "the number has too many digits") from None

    def _mapping(self, node: yaml.MappingNode, path: Place) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                raise self._refuse(line, "a key must be a plain text")
            key = str(key_node.value)
            if key in result:
                raise self._refuse(line, f"`{key}` is there twice; remove one of them")
            self.lines[(*path, key)] = line
            result[key] = self.value(value_node, (*path, key))
        return result

    def _refuse(self, line: int, message: str) -> ConfigurationError:
        return ConfigurationError(message, where=f"{self._path}:{line}")


def _scalar(node: yaml.Node) -> Any:
    text = str(node.value)
    if getattr(node, "style", None) in QUOTED:
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text
