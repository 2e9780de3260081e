"""The OpenFGA modelling language: text, modules or JSON in, a checked model or a list of problems out.

Flow: `tokens` cuts the text, `parser` builds the model (`json_reader` from JSON, `modules` from several files that
`manifest` names), `checks` look for what would never work, `json_form` writes the model as OpenFGA's JSON and `dsl`
as text.
Does not own: what a model means (`keystead.authz.engine`), conditions' expressions (`keystead.authz.conditions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keystead.authz.language.bounds import GENEROUS, SERVED, Bounds
from keystead.authz.language.checks import check_model
from keystead.authz.language.dsl import require_one_module_a_file, to_dsl
from keystead.authz.language.json_form import to_json
from keystead.authz.language.json_reader import model_from_json
from keystead.authz.language.manifest import read_files, read_manifest
from keystead.authz.language.modules import merge_modules
from keystead.authz.language.parser import parse_model
from keystead.authz.model import AuthorizationModel
from keystead.core.errors import ConfigurationError

__all__ = [
    "GENEROUS",
    "SERVED",
    "Bounds",
    "check_model",
    "merge_modules",
    "parse_model",
    "read_model",
    "read_model_file",
    "to_dsl",
    "to_json",
]


def read_model(
    source: str | bytes | Mapping[str, Any], bounds: Bounds = GENEROUS, *, lenient: bool = False
) -> AuthorizationModel:
    """Read and check a model: text, JSON text, or decoded JSON. `lenient` as OpenFGA's server is, see `check_model`.

    Raises: ModelError with every problem found.
    """
    if isinstance(source, bytes) or not isinstance(source, str) or source.lstrip()[:1] == "{":
        model = model_from_json(source, bounds)
        require_one_module_a_file(model)
    else:
        model = parse_model(source, bounds)
    check_model(model, bounds, lenient=lenient)
    return model


def read_model_file(path: Path | str, bounds: Bounds = GENEROUS) -> AuthorizationModel:
    """Read a model from a file: text, JSON, or a manifest `fga.mod` with the modules it lists.

    Raises: ModelError with every problem found, ConfigurationError when the file cannot be read.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError(f"cannot read {path}: {reason}") from error
    if path.suffix != ".mod":
        return read_model(text, bounds)
    manifest = read_manifest(text, path.name)
    return merge_modules(read_files(path, manifest), manifest.schema.value, bounds)
