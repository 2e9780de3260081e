"""The errors of OpenFGA's HTTP API: a name, a message and the status that belongs to the name.

Shape: `{"code": "validation_error", "message": "..."}`.
Does not: answer for access. What a token lacks is said as OAuth says it (`keystead.api.access`).
"""

from __future__ import annotations

from typing import Final

from keystead.core.http import Headers, Reply, json_reply

VALIDATION: Final = "validation_error"
NO_HEADERS: Final[Headers] = ()
_STATUSES: Final = {
    "Aborted": 409,
    "store_id_not_found": 404,
    "undefined_endpoint": 404,
    "unimplemented": 404,
    "forbidden": 403,
    "internal_error": 500,
    "unavailable": 503,
}
"""Where it is not 400."""

CODES: Final = frozenset(_STATUSES) | {
    VALIDATION,
    "assertions_too_many_items",
    "authorization_model_not_found",
    "authorization_model_resolution_too_complex",
    "cannot_allow_duplicate_tuples_in_one_request",
    "difference_base_missing_value",
    "exceeded_entity_limit",
    "invalid_authorization_model",
    "invalid_continuation_token",
    "invalid_expand_input",
    "invalid_start_time",
    "invalid_tuple",
    "invalid_write_input",
    "latest_authorization_model_not_found",
    "page_size_invalid",
    "query_string_type_continuation_token_mismatch",
    "relation_not_found",
    "relations_invalid_pattern",
    "subtract_base_missing_value",
    "tuple_key_value_not_specified",
    "type_definitions_too_few_items",
    "type_invalid_pattern",
    "type_not_found",
    "write_failed_due_to_invalid_input",
}
"""Every code this server answers with. Spec: openfga/v1/errors_ignore.proto."""


class ApiFault(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: str, message: str, headers: Headers = NO_HEADERS) -> None:
        super().__init__(message)
        assert code in CODES, code
        self.code = code
        self.message = message
        self.headers = headers

    def reply(self) -> Reply:
        """Return the reply to send."""
        return json_reply({"code": self.code, "message": self.message}, status=self.status, headers=self.headers)

    @property
    def status(self) -> int:
        """The HTTP status of the code."""
        return _STATUSES.get(self.code, 400)
