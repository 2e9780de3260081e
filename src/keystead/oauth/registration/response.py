"""The client information response: everything that is registered, defaults too, so that nobody has to guess.

Spec: RFC 7591 section 3.2.1, RFC 7592 section 3, OpenID Connect Registration sections 3.2 and 4.3.
"""

from __future__ import annotations

from typing import Any, Final

from keystead.core.records.realm import Realm
from keystead.oauth.registration.enrolment import SECRET_METHODS, Enrolled
from keystead.oauth.registration.metadata import REGISTRABLE
from keystead.oauth.registration.rules import EITHER_SECRET

_ALWAYS: Final = frozenset(
    {
        "redirect_uris",
        "response_types",
        "grant_types",
        "application_type",
        "token_endpoint_auth_method",
        "subject_type",
        "scope",
        "require_auth_time",
        "dpop_bound_access_tokens",
        "tls_client_certificate_bound_access_tokens",
        "require_pushed_authorization_requests",
    }
)


def information(enrolled: Enrolled, token: str, realm: Realm, issuer: str) -> dict[str, Any]:
    """Return the answer to a registration, a read or an update. `token` is the registration access token shown."""
    client = enrolled.client
    document: dict[str, Any] = {
        "client_id": client.id,
        "client_id_issued_at": client.client_id_issued_at,
        "registration_client_uri": f"{issuer}/register?client_id={client.id}",
        "registration_access_token": enrolled.registration_access_token or token,
    }
    for name in REGISTRABLE:
        value = getattr(client, name)
        if name in _ALWAYS or value not in ("", (), None, False):
            document[name] = list(value) if isinstance(value, tuple) else value
    if client.token_endpoint_auth_method == EITHER_SECRET:
        document["token_endpoint_auth_method"] = "client_secret_basic"  # noqa: S105 - the name of a method
    document.setdefault("id_token_signed_response_alg", realm.signing_algorithm)
    if enrolled.client_secret:
        document["client_secret"] = enrolled.client_secret
    if client.token_endpoint_auth_method in SECRET_METHODS:
        document["client_secret_expires_at"] = client.client_secret_expires_at
    return document
