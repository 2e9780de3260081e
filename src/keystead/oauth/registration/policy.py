"""What the realm admits of what the specifications admit, and what it puts on a client whatever it asks.

Does not: let an update pass that a registration would not: both come here.
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.registration import RegistrationPolicy
from keystead.core.registration_errors import InvalidRedirectUri
from keystead.core.uris import host_is_among, host_of
from keystead.oauth.answer_contradictions import contradictions as answer_contradictions
from keystead.oauth.catalogue import client_authentications, grants
from keystead.oauth.profile_contradictions import contradictions
from keystead.oauth.profiles import PROFILES
from keystead.oauth.registration.metadata import metadata_refused
from keystead.oauth.registration.rules import EITHER_SECRET
from keystead.oauth.request_contradictions import contradictions as request_contradictions
from keystead.oauth.scopes import IDENTITY_SCOPES

_RANK: Final = ("", "oauth21", "mcp", "fapi2_security", "fapi2_message_signing")

_SIGNED_BY_US: Final = (
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "authorization_signed_response_alg",
)


def under_policy(client: Client, policy: RegistrationPolicy, realm: Realm) -> Client:
    """Return the client as the policy has it. Raises: InvalidRedirectUri, InvalidClientMetadata."""
    _require_methods(client, policy)
    _require_hosts(client, policy)
    profile = _profile(client, policy)
    client = msgspec.structs.replace(
        client,
        scope=_scope(client, policy),
        profile=profile,
        id_token_signed_response_alg=client.id_token_signed_response_alg or _default_signature(realm, profile),
    )
    _require_signed_by_realm(client, realm)
    for member, message in contradictions(client, client.token_endpoint_auth_method, realm.signing_algorithm):
        if member == "redirect_uris":
            raise InvalidRedirectUri(message.replace("`", ""), reason="registration.profile")
        raise metadata_refused(message.replace("`", ""), "profile")
    for member, message in answer_contradictions(msgspec.structs.asdict(client), realm.signing_algorithms):
        raise metadata_refused(f"{member}: {message}", "answers")
    for member, message in request_contradictions(msgspec.structs.asdict(client), realm.encryption_key_types):
        raise metadata_refused(f"{member}: {message.replace('`', '')}", "requests")
    beyond = set(client.authorization_details_types) - set(policy.authorization_details_types)
    if beyond:
        raise metadata_refused(f"authorization_details_types: {', '.join(sorted(beyond))} may not be had", "details")
    return client


def _require_methods(client: Client, policy: RegistrationPolicy) -> None:
    unknown = [name for name in client.grant_types if name not in grants() or name not in policy.grant_types]
    if unknown:
        raise metadata_refused(f"grant_types: choose among {', '.join(policy.grant_types)}", "grant_type")
    served = {method.method for method in client_authentications()}
    methods = [method for method in policy.token_endpoint_auth_methods if method in served]
    if client.token_endpoint_auth_method not in methods and not _means_a_secret(client, methods):
        raise metadata_refused(f"token_endpoint_auth_method: choose among {', '.join(methods)}", "method")
    if client.token_endpoint_auth_method == "none" and "client_credentials" in client.grant_types:  # noqa: S105
        raise metadata_refused("client_credentials needs a client that authenticates", "method")


def _means_a_secret(client: Client, methods: list[str]) -> bool:
    return client.token_endpoint_auth_method == EITHER_SECRET and {"client_secret_basic", "client_secret_post"} <= {
        *methods
    }


def _require_signed_by_realm(client: Client, realm: Realm) -> None:
    offered = realm.signing_algorithms
    for name in _SIGNED_BY_US:
        if getattr(client, name) not in ("", *offered):
            raise metadata_refused(f"{name}: this realm signs with {', '.join(offered)}", "algorithm")


def _require_hosts(client: Client, policy: RegistrationPolicy) -> None:
    for uri in (*client.redirect_uris, *client.post_logout_redirect_uris):
        if not host_is_among(host_of(uri), policy.redirect_hosts):
            raise InvalidRedirectUri(
                f"redirect URIs are at {', '.join(policy.redirect_hosts)} here", reason="registration.redirect_host"
            )


def _scope(client: Client, policy: RegistrationPolicy) -> str:
    """Return what is asked of what is admitted; all that is admitted where nothing is asked. Spec: RFC 7591 2."""
    admitted = policy.scope.split() or list(IDENTITY_SCOPES)
    asked = client.scope.split()
    given = [scope for scope in asked if scope in admitted] if asked else admitted
    if asked and not given:
        raise metadata_refused(f"scope: choose among {' '.join(admitted)}", "scope")
    return " ".join(dict.fromkeys(given))


def _profile(client: Client, policy: RegistrationPolicy) -> str:
    """Return the stricter of the profile asked for and the policy's."""
    if client.profile not in PROFILES:
        raise metadata_refused(f"profile is one of {', '.join(_RANK[1:])}", "profile")
    return max(client.profile, policy.profile, key=_RANK.index)


def _default_signature(realm: Realm, profile: str) -> str:
    """Return what a client means that says nothing: RS256, or what realm and profile admit in its place.

    Spec: OpenID Connect Dynamic Client Registration section 2 (`id_token_signed_response_alg`).
    """
    for name in ("RS256", *realm.signing_algorithms):
        if name in realm.signing_algorithms and name in PROFILES[profile].algorithms:
            return name
    return realm.signing_algorithm
