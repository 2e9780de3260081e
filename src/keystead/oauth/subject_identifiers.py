"""Subject identifiers: whom a request or an event is about, in the formats of RFC 9493.

Spec: RFC 9493 section 3 (`email`, `iss_sub`, `opaque`), Shared Signals Framework 1.0 section 3 (`complex`).
Does not: compare loosely. An identifier is what it says, character by character, but for the case of an e-mail's host.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.security_events import VERIFICATION, SecurityEvent
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext
from keystead.oauth.subjects import subject_for
from keystead.oauth.verified_addresses import accounts_with
from keystead.storage.ports import Read, get

_MEMBERS: Final = {"email": ("email",), "iss_sub": ("iss", "sub"), "opaque": ("id",)}
_LONGEST: Final = 2_048


def read_subject(value: object) -> dict[str, str]:
    """Return a subject identifier of a format known here. Raises: InvalidRequest."""
    if not isinstance(value, dict):
        raise InvalidRequest("a subject is a JSON object with a `format`", reason="subject.malformed")
    members = _MEMBERS.get(str(value.get("format", "")))
    if members is None:
        raise InvalidRequest(f"the formats known here are {', '.join(_MEMBERS)}", reason="subject.format")
    texts = {name: value.get(name) for name in members}
    if not all(isinstance(text, str) and 0 < len(text) <= _LONGEST and text.isprintable() for text in texts.values()):
        raise InvalidRequest(f"this format needs {' and '.join(members)}", reason="subject.malformed")
    return {"format": str(value["format"]), **{name: str(text) for name, text in texts.items()}}


def subject_digest(stream_id: str, subject: dict[str, str]) -> str:
    """Return the id under which a stream's exclusion of a subject is kept."""
    if subject["format"] == "email":
        name, _, host = subject["email"].rpartition("@")
        subject = {**subject, "email": f"{name}@{host.lower()}"}
    text = msgspec.json.encode(sorted(subject.items()))
    return f"{stream_id}:{hashlib.sha256(text).hexdigest()}"


def names_of(event: SecurityEvent, client: Client, realm: str, cx: ServerContext) -> tuple[dict[str, str], ...]:
    """Return every identifier by which a receiver may know the subject of an event."""
    told = subject_for(cx.sealer, client, event.subject)
    names = [{"format": "iss_sub", "iss": cx.issuer(realm), "sub": told}, {"format": "opaque", "id": told}]
    if event.email:
        names.append({"format": "email", "email": event.email})
    return tuple(names)


def subject_of_event(
    event: SecurityEvent, stream_id: str, client: Client, realm: str, cx: ServerContext
) -> dict[str, Any]:
    """Return the `sub_id` of an event: the person as the receiver knows them, with the session if it is about one."""
    if event.type == VERIFICATION:
        return {"format": "opaque", "id": stream_id}
    told = subject_for(cx.sealer, client, event.subject)
    user = {"format": "iss_sub", "iss": cx.issuer(realm), "sub": told}
    if not event.sid:
        return user
    return {"format": "complex", "user": user, "session": {"format": "opaque", "id": event.sid}}


def accounts_of(subject: dict[str, str], realm: str, issuer: str, now: EpochSeconds) -> Read[list[Account]]:
    """Return the accounts an identifier names: one, or several with one e-mail address, or none."""
    if subject["format"] == "email":
        return (yield from accounts_with(realm, subject["email"], now))
    if subject["format"] == "iss_sub" and subject["iss"] != issuer:
        return []
    account = yield from get(Account, realm, subject.get("sub", subject.get("id", "")), now)
    return [account] if account is not None else []
