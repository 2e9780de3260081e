"""What a field may hold, held as OpenFGA's request validation holds it: same patterns, same messages, same codes.

Spec: the validate rules of openfga/v1/openfga_service.proto, openfga.proto and authzmodel.proto.
Does not: know a model. What is well formed and unknown to the model is judged by `questions` and `tuple_keys`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from keystead.api.openfga.faults import VALIDATION, ApiFault


class Rule(NamedTuple):
    """A pattern, as it is matched and as it is shown."""

    matches: re.Pattern[str]
    shown: str


def _rule(pattern: str) -> Rule:
    inner = pattern.removeprefix("^").removesuffix("$")
    return Rule(re.compile(rf"(?s:{inner})", re.ASCII), pattern.replace("\\", "\\\\"))


ULID: Final = _rule(r"^[ABCDEFGHJKMNPQRSTVWXYZ0-9]{26}$")
STORE_NAME: Final = _rule(r"^[a-zA-Z0-9\s\.\-\/^_&@]{3,64}$")
USER: Final = _rule(r"^[^\s]{2,512}$")
RELATION: Final = _rule(r"^[^:#@\s]{1,50}$")
OBJECT: Final = _rule(r"^[^\s]{2,256}$")
OBJECT_ID: Final = _rule(r"[^#:\s]+$")
TYPE: Final = _rule(r"^[^:#@\s]{1,254}$")
CHANGES_TYPE: Final = _rule(r"^[^:#\s]{1,254}$")
READ_USER: Final = _rule(r"^[^\s]{1,511}:[^\s]{1,511}$")
CORRELATION_ID: Final = _rule(r"^[\w\d-]{1,36}$")
CONDITION_NAME: Final = _rule(r"^[^\s]{2,256}$")
CONTINUATION_TOKEN: Final = Rule(re.compile(r"(?:[A-Za-z0-9\-_]+={0,2})?"), r"^$|^[A-Za-z0-9-_]+={0,2}$")
LONGEST_TOKEN: Final = 5_120
LONGEST_USER: Final = 512

_PATTERN_CODES: Final = {"Type": "type_invalid_pattern"}
_REQUIRED_CODES: Final = {
    "TupleKey": "tuple_key_value_not_specified",
    "Base": "difference_base_missing_value",
    "Subtract": "subtract_base_missing_value",
}


def require(rule: Rule, place: str, text: str) -> None:
    """Refuse a text that does not match. `place` is `Message.Field`. Raises: ApiFault."""
    if rule.matches.fullmatch(text) is None:
        code = _PATTERN_CODES.get(place.rpartition(".")[2], VALIDATION)
        raise ApiFault(code, f'invalid {place}: value does not match regex pattern "{rule.shown}"')


def require_if_any(rule: Rule, place: str, text: str) -> None:
    """Do the same, and let an empty text pass. Raises: ApiFault."""
    if text:
        require(rule, place, text)


def missing(place: str) -> ApiFault:
    """Return the error for a field that must be there and is not."""
    return ApiFault(_REQUIRED_CODES.get(place.rpartition(".")[2], VALIDATION), f"invalid {place}: value is required")


def require_bytes(place: str, text: str, most: int, least: int = 0) -> None:
    """Refuse a text that takes too many bytes, or too few. Raises: ApiFault."""
    size = len(text.encode())
    if size > most or size < least:
        if least:
            raise ApiFault(
                VALIDATION, f"invalid {place}: value length must be between {least} and {most} bytes, inclusive"
            )
        raise ApiFault(VALIDATION, f"invalid {place}: value length must be at most {most} bytes")


def require_at_most(place: str, items: int, most: int, code: str = VALIDATION) -> None:
    """Refuse a list that is too long. Raises: ApiFault."""
    if items > most:
        raise ApiFault(code, f"invalid {place}: value must contain no more than {most} item(s)")


def require_at_least_one(place: str, items: int, code: str = VALIDATION) -> None:
    """Refuse an empty list. Raises: ApiFault."""
    if items < 1:
        raise ApiFault(code, f"invalid {place}: value must contain at least 1 item(s)")


def require_page_size(place: str, size: int | None, most: int, default: int) -> int:
    """Return how many items a page has. Raises: ApiFault."""
    if size is None:
        return default
    if not 1 <= size <= most:
        raise ApiFault("page_size_invalid", f"invalid {place}: value must be inside range [1, {most}]")
    return size


def require_token(place: str, token: str) -> None:
    """Refuse what cannot be a continuation token. Raises: ApiFault."""
    require_bytes(place, token, LONGEST_TOKEN)
    require(CONTINUATION_TOKEN, place, token)
