"""A client: its metadata in the names of the registries, and ours beside them."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.records.registration import RegistrationPolicy
from keystead.core.values import EpochSeconds


class Client(Record, frozen=True, kw_only=True):
    """A client. Its `id` is the `client_id`.

    `client_secret_digests` are SHA-256 digests of high-entropy secrets (two while rotating); `client_secrets_sealed`
    are the same secrets sealed, only for methods that must use them (client_secret_jwt, symmetric encryption).
    `client_secret_expiries` says when each of them ends, in the same order, 0 for never; empty when none does.
    `client_secret_expires_at` ends all of them.
    `workload` names the workload whose assertion authenticates this client. `scope` is a space-separated list, as in
    RFC 7591. `profile` is `oauth21`, `fapi2_security`, `fapi2_message_signing` or `mcp`, empty for none.
    `response_modes` bounds how answers travel; empty allows every mode.
    `self_registered` marks a client nobody here vouched for: pages say so, consent is always asked, and no error is
    redirected to it before a person has acted (RFC 9700 section 4.11.2).
    `registration_policy` is the one it registered under, None for the realm's own.
    Does not: let a profile be weakened. What a profile demands is asked of `keystead.oauth.profiles`, never read off
    one field.
    Spec: RFC 7591 section 2 and the registry it opened.
    """

    kind: ClassVar[str] = "client"
    indexes: ClassVar[tuple[str, ...]] = ("workload", "spiffe_id")
    cached: ClassVar[bool] = True

    enabled: bool = True
    client_name: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - the name of a method
    token_endpoint_auth_signing_alg: str = ""
    client_secret_digests: tuple[str, ...] = ()
    client_secrets_sealed: tuple[bytes, ...] = ()
    client_secret_expiries: tuple[EpochSeconds, ...] = ()
    client_secret_expires_at: EpochSeconds = EpochSeconds(0)
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
    # Registration
    self_registered: bool = False
    registration_access_token_digest: str = ""
    registration_policy: RegistrationPolicy | None = None
    client_id_issued_at: EpochSeconds = EpochSeconds(0)
    managed_by: str = ""

    @property
    def wants_jwt(self) -> bool:
        """Return whether its access tokens are JWTs. A pairwise client must not see who the person is to others."""
        return self.access_token_format == "jwt" and self.subject_type != "pairwise"  # noqa: S105 - a format
