"""What the specifications demand of a client's metadata, whoever registers it.

Shape: each rule takes the drafted client and raises; `settle` fills in what was left out first.
Does not: know the realm's policy (`policy`), or fetch anything (`sector`).
Spec: RFC 7591 section 2, OpenID Connect Registration section 2, RFC 8705 section 2.1.2, OpenID Connect CIBA section 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.jwe import ALL_KEY_ALGORITHMS, CONTENT_ENCRYPTIONS, DEFAULT_CONTENT_ENCRYPTION
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.shared_secret import HMAC_ALGORITHMS
from keystead.core.records.client import Client
from keystead.core.registration_errors import InvalidRedirectUri
from keystead.core.uris import host_of, wrong_frontchannel_uri, wrong_redirect_uri, wrong_web_uri
from keystead.oauth.registration.metadata import metadata_refused
from keystead.oauth.registration.sector import REDIRECTED

EITHER_SECRET: Final = "client_secret"  # noqa: S105 - the name of a method
"""Who names no method means `client_secret_basic`, says RFC 7591; its library may send the form all the same."""

_LONGEST_NAME: Final = 255
_RESPONSE_TYPES: Final = ("code",)
_REDIRECTING: Final = "authorization_code"
_CIBA: Final = "urn:openid:params:grant-type:ciba"
_PAGES: Final = ("client_uri", "logo_uri", "policy_uri", "tos_uri")
_SERVERS: Final = (
    "jwks_uri",
    "sector_identifier_uri",
    "initiate_login_uri",
    "backchannel_logout_uri",
    "frontchannel_logout_uri",
    "backchannel_client_notification_endpoint",
)
_SIGNED: Final = (
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "backchannel_authentication_request_signing_alg",
)
_ENCRYPTED: Final = ("request_object", "authorization", "id_token", "userinfo", "introspection")
_EITHER: Final = ("RS256", "PS256")
_SUBJECTS: Final = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)


def settle(client: Client, members: frozenset[str]) -> Client:
    """Return the client with the defaults of the registries for what its metadata leaves out."""
    changes: dict[str, object] = {}
    if "token_endpoint_auth_method" not in members:
        changes["token_endpoint_auth_method"] = EITHER_SECRET
    if "response_types" not in members and _REDIRECTING not in client.grant_types:
        changes["response_types"] = ()
    for place in _ENCRYPTED:
        alg, enc = _encryption_members(place)
        if getattr(client, alg) and not getattr(client, enc):
            changes[enc] = DEFAULT_CONTENT_ENCRYPTION
    return msgspec.structs.replace(client, **changes) if changes else client


def require_sound(client: Client) -> None:
    """Demand everything below. Raises: InvalidRedirectUri, InvalidClientMetadata."""
    for rule in _RULES:
        rule(client)


def _require_redirect_uris(client: Client) -> None:
    for uri in client.redirect_uris:
        wrong = wrong_redirect_uri(uri)
        if not wrong and client.application_type == "web" and not uri.startswith(("https://", "http://")):
            wrong = "a web client's answers go to https; an app registers as application_type native"
        if wrong:
            raise InvalidRedirectUri(f"redirect_uris: {wrong}", reason="registration.redirect_uri")
    if _REDIRECTING in client.grant_types and not client.redirect_uris:
        raise InvalidRedirectUri(
            "authorization_code needs at least one of redirect_uris", reason="registration.redirect_uri"
        )
    for uri in client.post_logout_redirect_uris:
        if wrong := wrong_redirect_uri(uri):
            raise metadata_refused(f"post_logout_redirect_uris: {wrong}", "uri")


def _require_web_uris(client: Client) -> None:
    for name in (*_PAGES, *_SERVERS):
        uri = getattr(client, name)
        if uri and (wrong := wrong_web_uri(uri)):
            raise metadata_refused(f"{name}: {wrong}", "uri")
    if client.frontchannel_logout_uri and (
        wrong := wrong_frontchannel_uri(client.frontchannel_logout_uri, client.redirect_uris)
    ):
        raise metadata_refused(f"frontchannel_logout_uri: {wrong}", "uri")
    for uri in client.request_uris:
        if wrong := wrong_web_uri(uri):
            raise metadata_refused(f"request_uris: {wrong}", "uri")


def _require_types(client: Client) -> None:
    if client.application_type not in ("web", "native"):
        raise metadata_refused("application_type is web or native", "application_type")
    if client.subject_type not in ("public", "pairwise"):
        raise metadata_refused("subject_type is public or pairwise", "subject_type")
    if len(client.client_name) > _LONGEST_NAME:
        raise metadata_refused(f"client_name has at most {_LONGEST_NAME} characters", "text")
    unknown = [kind for kind in client.response_types if kind not in _RESPONSE_TYPES]
    if unknown:
        raise metadata_refused("response_types: only code is served", "response_type")
    if ("code" in client.response_types) != (_REDIRECTING in client.grant_types):
        raise metadata_refused("response_types and grant_types disagree: code belongs to authorization_code", "types")
    if client.default_max_age is not None and client.default_max_age < 0:
        raise metadata_refused("default_max_age is a number of seconds", "default_max_age")


def _require_keys(client: Client) -> None:
    if client.jwks is not None and client.jwks_uri:
        raise metadata_refused("jwks and jwks_uri exclude one another; send one", "two_key_sets")
    usable = 0
    if client.jwks is not None:
        try:
            # An RSA key that names no algorithm is usable for one of two: it counts whichever that will be.
            usable = sum(len(KeySet.from_jwks(client.jwks, algorithms=ALGORITHMS - {one}).keys) for one in _EITHER)
        except ValueError as error:
            raise metadata_refused(f"jwks: {error}", "jwks") from None
    if client.token_endpoint_auth_method == "private_key_jwt" and not (usable or client.jwks_uri):  # noqa: S105
        raise metadata_refused("private_key_jwt needs a signing key in jwks, or jwks_uri", "without_keys")
    if client.token_endpoint_auth_method == "self_signed_tls_client_auth" and not (client.jwks or client.jwks_uri):  # noqa: S105
        raise metadata_refused("self_signed_tls_client_auth needs jwks or jwks_uri", "without_keys")
    subjects = [name for name in _SUBJECTS if getattr(client, name)]
    wanted = 1 if client.token_endpoint_auth_method == "tls_client_auth" else 0  # noqa: S105
    if len(subjects) != wanted:
        raise metadata_refused("tls_client_auth goes with exactly one of " + ", ".join(_SUBJECTS), "tls_subject")


def _require_algorithms(client: Client) -> None:
    for name in _SIGNED:
        named = getattr(client, name)
        if named and named not in ALGORITHMS:
            raise metadata_refused(f"{name} is one of {', '.join(sorted(ALGORITHMS))}", "algorithm")
    signing = client.token_endpoint_auth_signing_alg
    allowed = HMAC_ALGORITHMS if client.token_endpoint_auth_method == "client_secret_jwt" else ALGORITHMS  # noqa: S105
    if signing and signing not in allowed:
        raise metadata_refused(f"token_endpoint_auth_signing_alg is one of {', '.join(sorted(allowed))}", "algorithm")
    for place in _ENCRYPTED:
        alg, enc = (getattr(client, name) for name in _encryption_members(place))
        if alg and alg not in ALL_KEY_ALGORITHMS:
            raise metadata_refused(f"{_encryption_members(place)[0]} is one of {', '.join(ALL_KEY_ALGORITHMS)}", "jwe")
        if enc and (not alg or enc not in CONTENT_ENCRYPTIONS):
            names = ", ".join(CONTENT_ENCRYPTIONS)
            raise metadata_refused(f"{_encryption_members(place)[1]} goes with its alg and is one of {names}", "jwe")


def _require_sector(client: Client) -> None:
    hosts = {host_of(uri) for uri in client.redirect_uris}
    if client.subject_type == "pairwise" and len(hosts) > 1 and not client.sector_identifier_uri:
        raise metadata_refused(
            "pairwise subjects for redirect_uris at several hosts need a sector_identifier_uri", "sector"
        )
    vouched = bool(client.sector_identifier_uri and client.jwks_uri)
    if client.subject_type == "pairwise" and not (vouched or REDIRECTED.issuperset(client.grant_types) or not hosts):
        raise metadata_refused(
            "pairwise subjects of a client that has other grants than authorization_code need a sector_identifier_uri "
            "whose document names its redirect_uris and jwks_uri",
            "sector",
        )


def _require_backchannel(client: Client) -> None:
    mode, notified = client.backchannel_token_delivery_mode, client.backchannel_client_notification_endpoint
    if mode not in ("", "poll", "ping", "push") or (_CIBA in client.grant_types and not mode):
        raise metadata_refused("backchannel_token_delivery_mode is poll, ping or push", "delivery_mode")
    if mode in ("ping", "push") and not notified:
        raise metadata_refused(f"{mode} needs a backchannel_client_notification_endpoint", "delivery_mode")


def _encryption_members(place: str) -> tuple[str, str]:
    stem = f"{place}_encryption" if place == "request_object" else f"{place}_encrypted_response"
    return f"{stem}_alg", f"{stem}_enc"


_RULES: Final[tuple[Callable[[Client], None], ...]] = (
    _require_redirect_uris,
    _require_web_uris,
    _require_types,
    _require_keys,
    _require_algorithms,
    _require_sector,
    _require_backchannel,
)
