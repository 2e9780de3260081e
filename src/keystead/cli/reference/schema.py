"""docs/reference/keystead.schema.json: the JSON Schema of the configuration file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from keystead.app.settings import json_schema


def page(root: Path) -> str:
    """Return the schema, formatted."""
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=2).decode() + "\n"
