"""YAML as store files use it: times stay text, so that conditions see what was written; nesting is bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from keystead.core.errors import ConfigurationError

_TIME: Final = "tag:yaml.org,2002:timestamp"


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

    try:
        return yaml.load(read_text(path, named_by), TextLoader)  # noqa: S506  # it is a SafeLoader
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        if path.suffix in {".fga", ".openfga"}:
            remedy = "this is a model, not a store file; `keystead authz model validate` reads models"
            raise ConfigurationError(remedy, where=str(path)) from error
        raise ConfigurationError(f"not YAML: {error}", where=str(path)) from error


def read_text(path: Path, named_by: Path) -> str:
    """Read a text file. Raises: ConfigurationError naming the file that mentions it."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}", where=str(named_by)) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"cannot read {path}: it is not UTF-8", where=str(named_by)) from error
