"""Query strings as the gateway in front of OpenFGA reads them: by name, the value as text or number.

Does not: accept a parameter twice; whoever says two things has said nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from keystead.api.openfga import rules
from keystead.api.openfga.faults import VALIDATION, ApiFault
from keystead.core.http import Request

_MOST = 32


class Query(NamedTuple):
    """The parameters of one request. `message` is the request's name in errors."""

    message: str
    parameters: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a parameter, empty when it is absent."""
        return self.parameters.get(name, "")

    def page_size(self, most: int, default: int) -> int:
        """Return how many items a page has. Raises: ApiFault."""
        text = self.text("page_size")
        if text and not (text.removeprefix("-").isdecimal() and text.isascii() and len(text) < 12):
            raise ApiFault(VALIDATION, f"type mismatch, parameter: page_size, error: {text[:20]!r} is no number")
        return rules.require_page_size(f"{self.message}.PageSize", int(text) if text else None, most, default)

    def token(self) -> str:
        """Return the continuation token. Raises: ApiFault."""
        token = self.text("continuation_token")
        rules.require_token(f"{self.message}.ContinuationToken", token)
        return token


def query_of(request: Request, message: str) -> Query:
    """Read the query string of a request. Raises: ApiFault."""
    try:
        pairs = parse_qsl(request.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST)
    except ValueError:
        raise ApiFault(VALIDATION, "the query string cannot be read") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise ApiFault(VALIDATION, "a parameter of the query string is repeated")
    return Query(message, dict(pairs))
