"""Models as OpenFGA's JSON on their way into and out of a catalogue.

Shape: `{"schema_version", "type_definitions": [{"type", "relations", "metadata"}], "conditions"}`.
Does not: judge the model; `keystead.authz.language` does. As OpenFGA's server, it lets pass what does no harm, such as
conditions that nobody uses. How large a request may be is the API's affair.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from keystead.authz.language import Bounds, check_model
from keystead.authz.language.json_reader import model_from_json
from keystead.authz.model import AuthorizationModel

_KNOWN: Final = ("schema_version", "type_definitions", "conditions")
_FIRST_SCHEMA: Final = "1.1"
_ANY: Final = Bounds(types=100_000, conditions=10_000, characters=64 << 20)


def read_document(document: bytes) -> AuthorizationModel:
    """Read and check a model; one that does not say its schema has the first. Raises: ModelError."""
    model = model_from_json(document, _ANY)
    if not model.schema:
        model = msgspec.structs.replace(model, schema=_FIRST_SCHEMA)
    check_model(model, _ANY, lenient=True)
    return model


def write_document(document: bytes) -> str:
    """Return the part of a request that is the model, as it is kept and given out."""
    sent: dict[str, Any] = msgspec.json.decode(document)
    return msgspec.json.encode({name: sent[name] for name in _KNOWN if sent.get(name)}).decode()
