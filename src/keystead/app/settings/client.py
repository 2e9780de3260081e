"""A client in the settings, in the names of RFC 7591 and the registry it opened; ours stand beside them."""

from __future__ import annotations

from typing import Any

import msgspec

from keystead.core.values import Secret


class RetiringSecret(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A client's former `secret`, good `until` a moment (RFC 3339), while its machines take up the new one."""

    secret: Secret
    until: str


class ClientSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A client.

    `client_secret` is the shared secret, `client_secrets` several while rotating, `retiring_client_secrets` former ones
    that are good until a moment; all take `${NAME}` and `file:`.
    `token_endpoint_auth_method` defaults to what the other fields imply: `workload` with a workload,
    `private_key_jwt` with `jwks` or `jwks_uri`, `client_secret_basic` or `client_secret_post` with a secret, else
    `none`. `token_endpoint_auth_signing_alg` names the one algorithm its assertions may have.
    `scope` bounds what it may ask for; where a client that signs people in leaves it out, that is who the person is and
    the scopes of the APIs that admit it by `exchange.from`.
    `access_token_format` is `opaque` or `jwt`. `skip_consent` is for the operator's own applications.
    `first_party` lets the operator's own native application take the person's password itself.
    `profile` turns on all that a profile demands: `oauth21`, `fapi2_security`, `fapi2_message_signing`, `mcp`.
    `response_modes` bounds how answers travel to it; empty allows all. `application_type` is `web` or `native`.
    `require_pushed_authorization_requests` takes its requests only by the back channel (RFC 9126),
    `require_signed_request_object` only signed (RFC 9101): then `request_object_signing_alg`,
    `request_object_encryption_alg`, `request_object_encryption_enc` and `request_uris` say how.
    `authorization_details_types` names the types it may ask for (RFC 9396).
    `authorization_signed_response_alg`, `authorization_encrypted_response_alg` and
    `authorization_encrypted_response_enc` are for JARM.
    `dpop_bound_access_tokens` (RFC 9449) and `tls_client_certificate_bound_access_tokens` (RFC 8705) demand bound
    tokens, `require_dpop_nonce` DPoP proofs that carry a nonce of ours; one of `tls_client_auth_subject_dn`,
    `tls_client_auth_san_dns`, `tls_client_auth_san_uri`, `tls_client_auth_san_ip` and `tls_client_auth_san_email` says
    whose certificate authenticates it.
    `subject_type` is `public` or `pairwise`, the latter per `sector_identifier_uri`. `require_auth_time` puts
    `auth_time` into every ID token, `default_acr_values` is asked where a request asks no `acr`.
    `id_token_encrypted_response_alg`, `id_token_encrypted_response_enc`, `userinfo_signed_response_alg`,
    `userinfo_encrypted_response_alg`, `userinfo_encrypted_response_enc`, `introspection_signed_response_alg`,
    `introspection_encrypted_response_alg` and `introspection_encrypted_response_enc` say what it gets signed and
    encrypted.
    `backchannel_logout_uri`, `backchannel_logout_session_required`, `frontchannel_logout_uri` and
    `frontchannel_logout_session_required` say how it hears of a logout.
    `backchannel_token_delivery_mode` (`poll`, `ping`, `push`), `backchannel_client_notification_endpoint`,
    `backchannel_authentication_request_signing_alg` and `backchannel_user_code_parameter` are for CIBA.
    `spiffe_id` is the SPIFFE ID its JWT-SVIDs name, `client_attesters` whose attestations of it are believed.
    `contacts`, `software_id`, `software_version` and `initiate_login_uri` tell about it.
    Spec: RFC 7591 section 2 and the registry it opened.
    """

    client_id: str
    client_name: str = ""
    client_secret: Secret | None = None
    client_secrets: tuple[Secret, ...] = ()
    retiring_client_secrets: tuple[RetiringSecret, ...] = ()
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = ""
    token_endpoint_auth_signing_alg: str = ""
    jwks: dict[str, Any] | None = None
    jwks_uri: str = ""
    workload: str = ""
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    response_modes: tuple[str, ...] = ()
    scope: str = ""
    access_token_format: str = "opaque"  # noqa: S105 - opaque | jwt
    skip_consent: bool = False
    first_party: bool = False
    profile: str = ""
    application_type: str = "web"
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: tuple[str, ...] = ()
    software_id: str = ""
    software_version: str = ""
    initiate_login_uri: str = ""
    default_max_age: int | None = None
    default_acr_values: tuple[str, ...] = ()
    require_auth_time: bool = False
    # RFC 9126, RFC 9101, RFC 9396, JARM
    require_pushed_authorization_requests: bool = False
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    request_object_signing_alg: str = ""
    request_object_encryption_alg: str = ""
    request_object_encryption_enc: str = ""
    authorization_details_types: tuple[str, ...] = ()
    authorization_signed_response_alg: str = ""
    authorization_encrypted_response_alg: str = ""
    authorization_encrypted_response_enc: str = ""
    # RFC 9449, RFC 8705
    dpop_bound_access_tokens: bool = False
    require_dpop_nonce: bool = False
    tls_client_certificate_bound_access_tokens: bool = False
    tls_client_auth_subject_dn: str = ""
    tls_client_auth_san_dns: str = ""
    tls_client_auth_san_uri: str = ""
    tls_client_auth_san_ip: str = ""
    tls_client_auth_san_email: str = ""
    # OpenID Connect Dynamic Client Registration section 2, RFC 9701
    subject_type: str = "public"
    sector_identifier_uri: str = ""
    id_token_signed_response_alg: str = ""
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    userinfo_signed_response_alg: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    introspection_signed_response_alg: str = ""
    introspection_encrypted_response_alg: str = ""
    introspection_encrypted_response_enc: str = ""
    # Logout
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False
    # CIBA
    backchannel_token_delivery_mode: str = ""
    backchannel_client_notification_endpoint: str = ""
    backchannel_authentication_request_signing_alg: str = ""
    backchannel_user_code_parameter: bool = False
    # SPIFFE, attestation
    spiffe_id: str = ""
    client_attesters: tuple[str, ...] = ()
    enabled: bool = True
