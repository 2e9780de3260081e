"""What can be told about a person: the standard claims, the scopes that open them, and the form of each.

Shape: `claims_of` returns every standard claim an account has; a claim in another language has its tag behind a hash
(`name#ja-Kana-JP`) and is opened with the claim it translates.
Does not: decide who may be told. `keystead.oauth.disclosure` does.
Spec: OpenID Connect Core sections 5.1, 5.1.1, 5.2 and 5.4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from keystead.core.records.account import Account

SCOPE_CLAIMS: Final[dict[str, tuple[str, ...]]] = {
    "profile": (
        *("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username", "profile"),
        *("picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"),
    ),
    "email": ("email", "email_verified"),
    "address": ("address",),
    "phone": ("phone_number", "phone_number_verified"),
}
"""The claims each scope opens. Spec: OpenID Connect Core section 5.4."""

STANDARD_CLAIMS: Final = tuple(name for names in SCOPE_CLAIMS.values() for name in names)
SCOPE_OF: Final = {name: scope for scope, names in SCOPE_CLAIMS.items() for name in names}

_NOT_TEXT: Final = {"updated_at": int, "email_verified": bool, "phone_number_verified": bool, "address": dict}
_FROM_FIELDS: Final = ("preferred_username", "email", "email_verified")
_ADDRESS: Final = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_URLS: Final = ("profile", "picture", "website")
_BIRTHDATE: Final = re.compile(r"(?:\d{4}|0000-\d{2}-\d{2}|\d{4}-\d{2}-\d{2})", re.ASCII)
_LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
_LONGEST_TEXT: Final = 1_024


def claims_of(account: Account) -> dict[str, Any]:
    """Return every standard claim the account has a value for."""
    told = {name: value for name, value in account.claims.items() if base_name(name) in SCOPE_OF}
    fields = {"name": account.name, "given_name": account.given_name, "family_name": account.family_name}
    told |= {name: value for name, value in fields.items() if value}
    told["preferred_username"] = account.username
    if account.email:
        told |= {"email": account.email, "email_verified": account.email_verified}
    if "phone_number" in told:
        told.setdefault("phone_number_verified", False)
    else:
        told.pop("phone_number_verified", None)
    if account.updated_at:
        told.setdefault("updated_at", account.updated_at)
    return told


def base_name(claim: str) -> str:
    """Return the name of a claim without its language tag. Spec: OpenID Connect Core section 5.2."""
    return claim.partition("#")[0]


def problem_with(name: str, value: object) -> str:
    """Return what is wrong with a claim an operator wrote, empty when nothing is. Claims that are not standard pass."""
    base, _, tag = name.partition("#")
    if tag and not _LANGUAGE_TAG.fullmatch(tag):
        return "behind the # stands a language tag such as ja or fr-CA"
    if base not in SCOPE_OF:
        return ""
    if base in _FROM_FIELDS:
        return f"{base} has a field of its own" if not tag else "it has no translations"
    kind = _NOT_TEXT.get(base, str)
    if type(value) is not kind:
        return f"it is a {_KINDS[kind]}"
    if isinstance(value, str):
        return _problem_with_text(base, value)
    return _problem_with_address(value) if isinstance(value, dict) else ""


def _problem_with_text(name: str, text: str) -> str:
    if not text or len(text) > _LONGEST_TEXT:
        return f"it has 1 to {_LONGEST_TEXT} characters; leave it out where there is none"
    if name in _URLS and not text.startswith(("https://", "http://")):
        return "it is a URL"
    if name == "birthdate" and not _BIRTHDATE.fullmatch(text):
        return "it is YYYY-MM-DD, or YYYY alone"
    return ""


def _problem_with_address(address: Mapping[Any, Any]) -> str:
    if not address or not set(address) <= set(_ADDRESS):
        return f"an address has some of {', '.join(_ADDRESS)}"
    if not all(isinstance(text, str) and text for text in address.values()):
        return "each part of an address is a text"
    return ""


_KINDS: Final = {str: "text", int: "whole number of seconds", bool: "true or false", dict: "group of texts"}
