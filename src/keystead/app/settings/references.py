"""References to secrets: `${NAME}` from the environment anywhere in a text, `file:PATH` as a whole secret.

Does not: nest, default or run anything. A name that is not set, or a file that cannot be read, refuses to start.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from keystead.app.settings.document import Document, Place
from keystead.core.errors import ConfigurationError

FILE_PREFIX: Final = "file:"
MAXIMUM_SECRET_BYTES: Final = 65_536
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", re.ASCII)


def fill_in(document: Document, environment: Mapping[str, str] | None = None) -> Any:
    """Return the document's values with every `${NAME}` replaced. Raises: ConfigurationError."""
    return _fill(document, document.value, (), os.environ if environment is None else environment)


def _fill(document: Document, value: Any, place: Place, environment: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(document, item, (*place, key), environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(document, item, (*place, index), environment) for index, item in enumerate(value)]
    if isinstance(value, str) and "${" in value:
        return _VARIABLE.sub(lambda match: _variable(document, match[1], place, environment), value)
    return value


def _variable(document: Document, name: str, place: Place, environment: Mapping[str, str]) -> str:
    if name not in environment:
        raise document.error(place, f"the environment has no {name}; set it, or write the value another way")
    return environment[name]


def read_secret(text: str, directory: Path) -> str:
    """Return what a secret's text stands for: itself, or the content of the file it names.

    A relative path starts at the configuration file's directory. One line end at the end of the file is dropped.
    Raises: ConfigurationError.
    """
    if not text.startswith(FILE_PREFIX):
        return text
    path = directory / text.removeprefix(FILE_PREFIX)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read the secret's file {path}: {error.strerror or error}") from error
    if len(content) > MAXIMUM_SECRET_BYTES:
        raise ConfigurationError(f"the secret's file {path} is larger than {MAXIMUM_SECRET_BYTES} bytes")
    return content.decode("utf-8").removesuffix("\n").removesuffix("\r")
