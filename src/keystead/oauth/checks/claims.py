"""The `claims` parameter: which claims the client wants by name, where, and with which values.

Spec: OpenID Connect Core sections 5.5 and 5.5.1.
Does not: decide what is told. Whoever makes ID tokens and userinfo answers does, with what is carried from here.
"""

from __future__ import annotations

from typing import Any, Final

from keystead.core.errors import InvalidRequest
from keystead.core.strict_json import NotStrictJson, parse_object
from keystead.oauth.checks.draft import Draft

_PLACES: Final = ("id_token", "userinfo")
_MAXIMUM_BYTES: Final = 8_192
_MAXIMUM_CLAIMS: Final = 64
_MAXIMUM_NAME: Final = 255


def require_readable_claims(draft: Draft) -> str:
    """Demand a `claims` parameter of the registered shape; what is not understood in it is left out.

    A `sub` with a value means that only this person may answer, as an `id_token_hint` does.
    """
    text = draft.form.claims
    if not text:
        return "no claims were asked for by name"
    try:
        members = parse_object(text.encode(), maximum_bytes=_MAXIMUM_BYTES, maximum_depth=8)
    except NotStrictJson as error:
        raise InvalidRequest(
            f"The claims parameter is not one JSON object: {error}.", reason="claims.malformed"
        ) from None
    draft.claims = {place: _wishes(members[place], place) for place in _PLACES if members.get(place) is not None}
    _require_one_subject(draft)
    return f"{sum(map(len, draft.claims.values()))} claims are asked for by name"


def _wishes(members: object, place: str) -> dict[str, Any]:
    if not isinstance(members, dict) or len(members) > _MAXIMUM_CLAIMS:
        raise _refused(f"{place} is not an object of at most {_MAXIMUM_CLAIMS} claims")
    return {name: _wish(name, wish) for name, wish in members.items()}


def _wish(name: str, wish: object) -> dict[str, Any] | None:
    if not name or len(name) > _MAXIMUM_NAME:
        raise _refused(f"a name has 1 to {_MAXIMUM_NAME} characters")
    if wish is None:
        return None
    if not isinstance(wish, dict):
        raise _refused("each claim is null or an object")
    if type(wish.get("essential", False)) is not bool:
        raise _refused("essential is true or false")
    if "values" in wish and not (isinstance(wish["values"], list) and wish["values"]):
        raise _refused("values is a list, and not empty")
    return {key: wish[key] for key in ("essential", "value", "values") if key in wish}


def _require_one_subject(draft: Draft) -> None:
    wish = draft.claims.get("id_token", {}).get("sub") or {}
    if "value" not in wish:
        return
    if not isinstance(wish["value"], str) or not wish["value"]:
        raise _refused("the value of sub is a text")
    if draft.required_subject not in ("", wish["value"]):
        raise InvalidRequest(
            "The id_token_hint and the sub in claims name two people.", reason="claims.sub_contradicts_hint"
        )
    draft.required_subject = wish["value"]


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest(f"The claims parameter is malformed: {why}.", reason="claims.malformed")
