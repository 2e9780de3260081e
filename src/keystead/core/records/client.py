"""A client: its metadata in the names of RFC 7591, and ours beside them."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record


class Client(Record, frozen=True, kw_only=True):
    """A client. Its `id` is the `client_id`.

    `client_secret_digests` are SHA-256 digests of high-entropy secrets (two while rotating). `workload` names the
    workload whose assertion authenticates this client. `scope` is a space-separated list, as in RFC 7591.
    `self_registered` marks a client nobody here vouched for: pages say so, consent is always asked, and no error is
    redirected to it before a person has acted (RFC 9700 section 4.11.2).
    Spec: RFC 7591 section 2.
    """

    kind: ClassVar[str] = "client"
    indexes: ClassVar[tuple[str, ...]] = ("workload",)
    cached: ClassVar[bool] = True

    enabled: bool = True
    client_name: str = ""
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - the name of a method
    client_secret_digests: tuple[str, ...] = ()
    jwks: dict[str, Any] | None = None
    workload: str = ""
    grant_types: tuple[str, ...] = ("authorization_code",)
    response_types: tuple[str, ...] = ("code",)
    scope: str = ""
    access_token_format: str = "opaque"  # noqa: S105 - opaque | jwt
    skip_consent: bool = False
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    id_token_signed_response_alg: str = ""
    default_max_age: int | None = None
    self_registered: bool = False
    managed_by: str = ""

    @property
    def wants_jwt(self) -> bool:
        """Return whether its access tokens are JWTs."""
        return self.access_token_format == "jwt"  # noqa: S105 - the name of a format
