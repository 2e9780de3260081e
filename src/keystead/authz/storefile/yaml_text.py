"""YAML as store files use it: times stay text, so that conditions see what was written; nesting is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from keystead.core.errors import ConfigurationError

_TIME: Final = "tag:yaml.org,2002:timestamp"
_ALIASED: Final = 100_000
_TIMES: Final = 4
"""With aliases a file may be so large, or so many times what is written in it."""
_ENDLESS: Final = 1 << 62


def read_yaml(path: Path, named_by: Path) -> Any:
    """Read a YAML or JSON file. Raises: ConfigurationError."""
    try:
        import yaml
    except ImportError as missing:
        raise ConfigurationError("reading store files needs PyYAML: `pip install 'keystead[server]'`") from missing

    class TextLoader(yaml.SafeLoader):
        """Leaves times alone."""

        yaml_implicit_resolvers = {  # PyYAML's own way to say it
            first: [each for each in resolvers if each[0] != _TIME]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    loader = None
    try:
        loader = TextLoader(read_text(path, named_by))
        node = loader.get_single_node()
        if node is None:
            return None
        require_bounded(node)
        return loader.construct_document(node)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if path.suffix in {".fga", ".openfga"}:
            remedy = "this is a model, not a store file; `keystead authz model validate` reads models"
            raise ConfigurationError(remedy, where=str(path)) from error
        raise ConfigurationError(f"not YAML: {error}", where=str(path)) from error
    finally:
        if loader is not None:
            loader.dispose()


def require_bounded(node: Any) -> None:
    """Refuse nodes that aliases (`*name`) make endless, or far larger than what is written. Raises: ValueError."""
    sizes: dict[int, int] = {}
    written = 0
    walk = [(node, False)]
    while walk:
        each, seen = walk.pop()
        if not seen and id(each) in sizes:
            continue
        parts = _parts(each)
        if seen:
            sizes[id(each)] = 1 + sum(sizes[id(part)] or _ENDLESS for part in parts)
            continue
        written += 1
        sizes[id(each)] = 0  # until everything in it is known: whoever meets it now goes round in a circle
        walk.append((each, True))
        walk.extend((part, False) for part in parts)
    if sizes[id(node)] > max(_ALIASED, _TIMES * written):
        raise ValueError("its aliases (`*name`) stand for too much; write out what they stand for")


def _parts(node: Any) -> list[Any]:
    if not isinstance(node.value, list):
        return []
    return [part for each in node.value for part in (each if isinstance(each, tuple) else (each,))]


def read_text(path: Path, named_by: Path) -> str:
    """Read a text file. Raises: ConfigurationError naming the file that mentions it."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", where=str(named_by)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"cannot read {path}: it is not UTF-8", where=str(named_by)) from error
