"""A type of `authorization_details`: what one of this type may say, and how it reads to a person."""

from __future__ import annotations

from typing import Any, Final

import msgspec

FIELD_KINDS: Final = ("string", "integer", "number", "boolean", "array", "object")


class DetailField(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One field of an authorization detail.

    `type` is `string`, `integer`, `number`, `boolean`, `array` (of `items`) or `object` (with `fields`). `label` is how
    the consent page calls it. `required` ones must be there. `enum` lists the only values it may have. `minimum` and
    `maximum` bound a number, or the length of a string or array.
    """

    type: str = "string"
    label: str = ""
    required: bool = False
    enum: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    items: DetailField | None = None
    fields: dict[str, DetailField] = {}


class DetailType(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A type of authorization detail that clients may ask for.

    `description` is the heading on the consent page. `fields` are its own; of the common ones, `actions`, `datatypes`,
    `privileges` and `locations` list what may stand in them, and a member without a list may not be there at all.
    `locations` also names the APIs that tokens with such a detail are for, where the detail itself names none.
    `remember` lets an earlier consent answer for the same again; without it a person is asked each time.
    Spec: RFC 9396 section 2.
    """

    description: str = ""
    fields: dict[str, DetailField] = {}
    actions: tuple[str, ...] = ()
    datatypes: tuple[str, ...] = ()
    privileges: tuple[str, ...] = ()
    locations: tuple[str, ...] = ()
    remember: bool = False
