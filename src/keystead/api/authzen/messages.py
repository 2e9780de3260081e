"""Request bodies: strict JSON, checked member by member; members we do not know are ignored.

Spec: AuthZEN Authorization API 1.0 sections 5 to 8 and 10.1.1.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, TypeVar

import msgspec

from keystead.api.authzen.faults import Fault
from keystead.core.http import Request
from keystead.core.strict_json import NotStrictJson, parse_object

MAXIMUM_BODY: Final = 1_048_576
_DEEPEST: Final = 32
_JSON: Final = re.compile(rb"application/json\s*(?:;\s*charset\s*=\s*\"?utf-8\"?\s*)?", re.IGNORECASE)
_PLACE: Final = re.compile(r" - at `\$\.?([^`]*)`")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Properties = dict[str, Any]
T = TypeVar("T")


class Entity(msgspec.Struct, frozen=True):
    """A subject or a resource."""

    type: Name
    id: Name
    properties: Properties | None = None


class Kind(msgspec.Struct, frozen=True):
    """What a search looks for. An `id` is ignored, whatever it is."""

    type: Name
    properties: Properties | None = None


class Action(msgspec.Struct, frozen=True):
    """What is done."""

    name: Name
    properties: Properties | None = None


class Evaluation(msgspec.Struct, frozen=True):
    """One question."""

    subject: Entity
    action: Action
    resource: Entity
    context: Properties | None = None


class Options(msgspec.Struct, frozen=True):
    """How several questions are answered."""

    evaluations_semantic: str = "execute_all"


class Evaluations(msgspec.Struct, frozen=True):
    """Several questions. What one of them leaves out, it takes from here, whole."""

    subject: Entity | None = None
    action: Action | None = None
    resource: Entity | None = None
    context: Properties | None = None
    evaluations: list[Any] | None = None
    options: Options | None = None


class Page(msgspec.Struct, frozen=True):
    """Which part of a result. `limit` is how many at most."""

    token: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    limit: Annotated[int, msgspec.Meta(ge=0)] | None = None


class SubjectSearch(msgspec.Struct, frozen=True):
    """Who may do this to that?"""

    subject: Kind
    action: Action
    resource: Entity
    context: Properties | None = None
    page: Page | None = None


class ResourceSearch(msgspec.Struct, frozen=True):
    """To what may they do this?"""

    subject: Entity
    action: Action
    resource: Kind
    context: Properties | None = None
    page: Page | None = None


class ActionSearch(msgspec.Struct, frozen=True):
    """What may they do to that?"""

    subject: Entity
    resource: Entity
    context: Properties | None = None
    page: Page | None = None


def read_message(request: Request, kind: type[T]) -> T:
    """Return a body as a message. Raises: Fault."""
    try:
        content_type = request.header(b"content-type") or b""
    except ValueError:
        content_type = b""
    if not _JSON.fullmatch(content_type.strip()):
        raise Fault("send the request as Content-Type: application/json")
    try:
        document = parse_object(request.body, maximum_bytes=MAXIMUM_BODY, maximum_depth=_DEEPEST)
    except NotStrictJson as error:
        raise Fault(f"the body must be one JSON object: {error}") from None
    return as_message(document, kind)


def as_message(document: object, kind: type[T]) -> T:
    """Return JSON as a message. Raises: Fault, naming the member."""
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        raise Fault(_PLACE.sub(r", at \1", str(error))) from None


def merged_context(*told: tuple[str, Properties | None], context: Properties | None) -> Properties:
    """Return the parameters of conditions: properties under `subject_` and so on, then what the context says itself."""
    merged = {f"{prefix}_{name}": value for prefix, properties in told for name, value in (properties or {}).items()}
    return merged | (context or {})
