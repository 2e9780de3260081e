"""The JSON Schema of the configuration file, for editors."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.app.settings.settings import Settings
from keystead.core.values import Secret

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Return the schema, made from the settings' own types and docstrings."""

    def secrets(kind: type) -> dict[str, Any]:
        if kind is not Secret:
            raise NotImplementedError(kind)
        return {"type": "string", "description": "A secret: `${NAME}`, `file:PATH`, or the text itself."}

    schema = msgspec.json.schema(Settings, schema_hook=secrets)
    return {"$schema": DIALECT, "title": "keystead.yaml", **schema}
