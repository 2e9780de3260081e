"""What a client says about itself: read from JSON by name and type, and nothing else of the JSON is ever looked at.

Shape: a JSON object with members of RFC 7591's registry. Unknown members are ignored, null is absent.
Does not: judge. A member that is not in `REGISTRABLE` cannot be set this way, whatever it is called.
Spec: RFC 7591 section 2, RFC 7592 section 2.2 (null), OpenID Connect Registration section 2.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from keystead.core.records.client import Client
from keystead.core.registration_errors import InvalidClientMetadata
from keystead.core.strict_json import NotStrictJson, parse_object

REGISTRABLE: Final[tuple[str, ...]] = (
    *("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "application_type"),
    *("redirect_uris", "post_logout_redirect_uris", "response_types", "response_modes", "grant_types", "scope"),
    *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri", "profile"),
    *("software_id", "software_version", "initiate_login_uri", "default_max_age", "default_acr_values"),
    *("require_auth_time", "require_pushed_authorization_requests", "require_signed_request_object", "request_uris"),
    *("request_object_signing_alg", "request_object_encryption_alg", "request_object_encryption_enc"),
    *("authorization_details_types", "authorization_signed_response_alg"),
    *("authorization_encrypted_response_alg", "authorization_encrypted_response_enc", "dpop_bound_access_tokens"),
    *("tls_client_certificate_bound_access_tokens", "tls_client_auth_subject_dn", "tls_client_auth_san_dns"),
    *("tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email"),
    *("subject_type", "sector_identifier_uri", "id_token_signed_response_alg", "id_token_encrypted_response_alg"),
    *("id_token_encrypted_response_enc", "userinfo_signed_response_alg", "userinfo_encrypted_response_alg"),
    *("userinfo_encrypted_response_enc", "introspection_signed_response_alg"),
    *("introspection_encrypted_response_alg", "introspection_encrypted_response_enc"),
    *("backchannel_logout_uri", "backchannel_logout_session_required"),
    *("frontchannel_logout_uri", "frontchannel_logout_session_required"),
    *("backchannel_token_delivery_mode", "backchannel_client_notification_endpoint"),
    *("backchannel_authentication_request_signing_alg", "backchannel_user_code_parameter"),
)
MAXIMUM_BODY: Final = 65_536
_LONGEST_TEXT: Final = 2_048
_MOST_ENTRIES: Final = 64
_MEMBER: Final = re.compile(r"\$\.([A-Za-z_]+)")


def read_metadata(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a registration request. Raises: InvalidClientMetadata."""
    try:
        members = parse_object(body, maximum_bytes=MAXIMUM_BODY)
    except NotStrictJson as error:
        raise metadata_refused(f"send one JSON object: {error}", "malformed") from None
    return {name: value for name, value in members.items() if value is not None}


def draft_client(realm: str, client_id: str, members: dict[str, Any]) -> Client:
    """Return what the members say as a client record, unjudged. Raises: InvalidClientMetadata naming the member."""
    told = {name: members[name] for name in REGISTRABLE if name in members}
    for name, value in told.items():
        _require_bounded(name, value)
    try:
        return msgspec.convert({**told, "realm": realm, "id": client_id}, Client)
    except msgspec.ValidationError as error:
        found = _MEMBER.search(str(error))
        name = found[1] if found else "a member"
        raise metadata_refused(f"{name} has the wrong type", "type") from None


def metadata_refused(description: str, reason: str) -> InvalidClientMetadata:
    """Return the refusal of metadata."""
    return InvalidClientMetadata(description, reason=f"registration.{reason}")


def _require_bounded(name: str, value: object) -> None:
    texts = value if isinstance(value, list) else [value]
    if len(texts) > _MOST_ENTRIES:
        raise metadata_refused(f"{name} has more than {_MOST_ENTRIES} entries", "too_many")
    for text in texts:
        if isinstance(text, str) and (len(text) > _LONGEST_TEXT or not text.isprintable()):
            raise metadata_refused(f"{name} is too long or has characters that cannot be printed", "text")
