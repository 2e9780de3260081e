"""Forms and query strings: application/x-www-form-urlencoded, read strictly, into a typed struct per form.

Flow: bytes -> `parse_parameters` (limits, spelling, repeats) -> `read_form` (names, bounds, types) -> a struct.
A form is a `Form` subclass: a field `str` is a parameter that may appear once, a field `tuple[str, ...]` one that
may repeat. An empty parameter counts as absent; an unknown one is ignored, as the specification demands.
Does not: guess. Bad percent-encoding, raw non-ASCII, non-UTF-8, NUL and repeats are refused, because two readers
could understand them differently.
Spec: RFC 6749 sections 3.1, 3.2 and appendix B.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.http import Request

MAXIMUM_BYTES: Final = 65_536
MAXIMUM_PARAMETERS: Final = 64
MAXIMUM_NAME: Final = 128
MAXIMUM_VALUE: Final = 32_768
REPEATABLE: Final = frozenset({"resource", "audience"})

Parameters = dict[str, str | tuple[str, ...]]
"""Parameters by name. A repeatable one is always a tuple, every other one a text; none is empty."""

Word = Annotated[str, msgspec.Meta(max_length=255)]
"""A short parameter: a client_id, a grant type, a token type."""
Line = Annotated[str, msgspec.Meta(max_length=4096)]
"""A longer one: a scope list, a URI, a state."""
Token = Annotated[str, msgspec.Meta(max_length=16_384)]
"""A token or an assertion."""

_FORM_TYPE: Final = b"application/x-www-form-urlencoded"
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)
_FIELD: Final = re.compile(r"`\$\.([^`.\[]*)|required field `([^`]*)`")


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The base of every form."""


F = TypeVar("F", bound=Form)


def parse_parameters(
    encoded: bytes, *, repeatable: frozenset[str] = REPEATABLE, maximum_bytes: int = MAXIMUM_BYTES
) -> Parameters:
    """Return the parameters of a form body or a query string.

    Raises: InvalidRequest when it is malformed, too large, or repeats a name that is not `repeatable`.
    """
    if len(encoded) > maximum_bytes:
        raise _refusal("too_large", f"the parameters are longer than {maximum_bytes} bytes")
    try:
        text = encoded.decode("ascii")
    except UnicodeDecodeError:
        raise _refusal("not_ascii", "percent-encode every character that is not ASCII") from None
    parameters: Parameters = {}
    if not text:
        return parameters
    pairs = text.split("&", MAXIMUM_PARAMETERS)
    if len(pairs) > MAXIMUM_PARAMETERS:
        raise _refusal("too_many", f"there are more than {MAXIMUM_PARAMETERS} parameters")
    escaped = "%" in text or "+" in text or "\0" in text
    for pair in pairs:
        name, _, value = pair.partition("=")
        if escaped:
            name, value = _unescape(name), _unescape(value)
        if len(name) > MAXIMUM_NAME or len(value) > MAXIMUM_VALUE:
            raise _refusal("too_long", "a parameter is too long")
        if name in repeatable:
            parameters[name] = (*parameters.get(name, ()), value) if value else parameters.get(name, ())
        elif name in parameters:
            raise _refusal("repeated", f"the parameter {_quoted(name)} is repeated")
        elif name or value:
            parameters[name] = value
    return {name: value for name, value in parameters.items() if value} if _has_empty(parameters) else parameters


def read_body(request: Request, *, maximum_bytes: int = MAXIMUM_BYTES) -> Parameters:
    """Return the parameters of a POST request's form body.

    Raises: InvalidRequest, also when the content type is another.
    """
    try:
        content_type = request.header(b"content-type")
    except ValueError:
        raise _refusal("content_type", "the Content-Type header is repeated") from None
    if content_type != _FORM_TYPE and not _is_form(content_type or b""):
        raise _refusal("content_type", "send the parameters as application/x-www-form-urlencoded")
    return parse_parameters(request.body, maximum_bytes=maximum_bytes)


def read_form(parameters: Parameters, form: type[F]) -> F:
    """Return the typed form.

    Raises: InvalidRequest naming the parameter that is missing, too long or too short. Never quotes a value.
    """
    try:
        return msgspec.convert(parameters, form)
    except msgspec.ValidationError as error:
        raise _refusal("parameter", _explain(str(error))) from None


def _unescape(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" in text:
        if _BAD_ESCAPE.search(text):
            raise _refusal("percent_encoding", "a percent sign is not followed by two hexadecimal digits")
        try:
            text = unquote_to_bytes(text).decode("utf-8")
        except UnicodeDecodeError:
            raise _refusal("not_utf8", "a percent-encoded parameter is not UTF-8") from None
    if "\0" in text:
        raise _refusal("nul", "a parameter contains a NUL character")
    return text


def _has_empty(parameters: Parameters) -> bool:
    return "" in parameters.values() or () in parameters.values()


def _is_form(content_type: bytes) -> bool:
    media_type, _, rest = content_type.partition(b";")
    if media_type.strip().lower() != _FORM_TYPE:
        return False
    name, _, charset = rest.strip().lower().partition(b"=")
    return not name or (name == b"charset" and charset.strip(b'"') == b"utf-8")


def _explain(message: str) -> str:
    found = _FIELD.search(message)
    name = (found[1] or found[2]) if found else ""
    if "missing required" in message:
        return f"the parameter {name} is missing"
    if "length" in message:
        return f"the parameter {name} has a length that is not allowed"
    return f"the parameter {name} is malformed" if name else "a parameter is malformed"


def _quoted(name: str) -> str:
    return repr(name[:40])


def _refusal(reason: str, description: str) -> InvalidRequest:
    return InvalidRequest(description, reason=f"form.{reason}")
