"""Every error Keystead raises on purpose.

    KeysteadError
    ├─ OAuthError                       a registered code, answered to the caller
    │   ├─ InvalidRequest ─ InvalidClient ─ InvalidGrant ─ UnauthorizedClient ─ UnsupportedGrantType
    │   ├─ InvalidScope ─ InvalidTarget ─ UnsupportedTokenType
    │   ├─ those of decisions that are waited for: keystead.core.waiting_errors
    │   ├─ AccessDenied ─ UnsupportedResponseType ─ ServerError ─ TemporarilyUnavailable
    │   ├─ LoginRequired ─ ConsentRequired ─ InteractionRequired ─ AccountSelectionRequired
    │   ├─ RequestNotSupported ─ RequestUriNotSupported ─ RegistrationNotSupported
    │   ├─ InvalidRequestObject ─ InvalidRequestUri ─ InvalidAuthorizationDetails
    │   ├─ UnmetAuthenticationRequirements
    │   ├─ InvalidToken ─ InsufficientScope ─ InsufficientUserAuthentication
    │   └─ InvalidDpopProof ─ UseDpopNonce
    ├─ ConfigurationError               the file is wrong: says where and what to do
    ├─ StorageError                     nothing was acknowledged
    │   ├─ StorageUnavailable           retry later (locked, disk full, gone)
    │   └─ VersionConflict              another writer was first
    └─ UpstreamError                    another server did not answer as it must

`description` is public and goes to the caller. `detail`, `reason` and the cause go to log and audit only.
"""

from __future__ import annotations

from typing import ClassVar

from keystead.core.spec import (
    OIDC_CORE,
    RFC6749,
    RFC6750,
    RFC7009,
    RFC8707,
    RFC9449,
    RFC9470,
    Section,
)


class KeysteadError(Exception):
    """Root of the tree. Never raised itself."""


class OAuthError(KeysteadError):
    """An error with a registered code.

    Shape: `{"error": code, "error_description": description}` with HTTP `status`.
    `reason` is a stable slug such as `refresh_token.replayed`; `detail` explains it to the operator.
    """

    code: ClassVar[str]
    status: ClassVar[int] = 400
    spec: ClassVar[Section]

    def __init__(self, description: str, *, reason: str, detail: str = "") -> None:
        super().__init__(f"{self.code}: {description}")
        self.description = description
        self.reason = reason
        self.detail = detail


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, malformed or contradicts another."""

    code = "invalid_request"
    spec = RFC6749["5.2"]


class InvalidClient(OAuthError):
    """The client is unknown or did not prove who it is."""

    code = "invalid_client"
    status = 401
    spec = RFC6749["5.2"]


class InvalidGrant(OAuthError):
    """The code, token or assertion offered is wrong, spent, expired, revoked or somebody else's."""

    code = "invalid_grant"
    spec = RFC6749["5.2"]


class UnauthorizedClient(OAuthError):
    """The client is known but may not do this."""

    code = "unauthorized_client"
    spec = RFC6749["5.2"]


class UnsupportedGrantType(OAuthError):
    """No such grant here."""

    code = "unsupported_grant_type"
    spec = RFC6749["5.2"]


class InvalidScope(OAuthError):
    """A scope is unknown, malformed or beyond what may be granted."""

    code = "invalid_scope"
    spec = RFC6749["5.2"]


class InvalidTarget(OAuthError):
    """The audience or resource is unknown or not open to this client."""

    code = "invalid_target"
    spec = RFC8707["2"]


class UnsupportedTokenType(OAuthError):
    """This kind of token cannot be revoked here."""

    code = "unsupported_token_type"
    spec = RFC7009["2.2.1"]


class AccessDenied(OAuthError):
    """The person or the policy said no."""

    code = "access_denied"
    status = 403
    spec = RFC6749["4.1.2.1"]


class UnsupportedResponseType(OAuthError):
    """Only the code response type is served."""

    code = "unsupported_response_type"
    spec = RFC6749["4.1.2.1"]


class ServerError(OAuthError):
    """Something of ours failed."""

    code = "server_error"
    status = 500
    spec = RFC6749["4.1.2.1"]


class TemporarilyUnavailable(OAuthError):
    """A part we depend on cannot answer now."""

    code = "temporarily_unavailable"
    status = 503
    spec = RFC6749["4.1.2.1"]


class LoginRequired(OAuthError):
    """`prompt=none`, and the person would have to sign in."""

    code = "login_required"
    spec = OIDC_CORE["3.1.2.6"]


class ConsentRequired(OAuthError):
    """`prompt=none`, and the person would have to consent."""

    code = "consent_required"
    spec = OIDC_CORE["3.1.2.6"]


class InteractionRequired(OAuthError):
    """`prompt=none`, and some other page would have to be shown."""

    code = "interaction_required"
    spec = OIDC_CORE["3.1.2.6"]


class AccountSelectionRequired(OAuthError):
    """`prompt=none`, and the person would have to choose an account."""

    code = "account_selection_required"
    spec = OIDC_CORE["3.1.2.6"]


class RequestNotSupported(OAuthError):
    """The `request` parameter is not served."""

    code = "request_not_supported"
    spec = OIDC_CORE["3.1.2.6"]


class RequestUriNotSupported(OAuthError):
    """The `request_uri` parameter is not served."""

    code = "request_uri_not_supported"
    spec = OIDC_CORE["3.1.2.6"]


class RegistrationNotSupported(OAuthError):
    """The `registration` parameter is not served."""

    code = "registration_not_supported"
    spec = OIDC_CORE["3.1.2.6"]


class InvalidToken(OAuthError):
    """The bearer token is missing, malformed, expired, revoked or meant for another."""

    code = "invalid_token"
    status = 401
    spec = RFC6750["3.1"]


class InsufficientScope(OAuthError):
    """The token is good but does not carry the scope."""

    code = "insufficient_scope"
    status = 403
    spec = RFC6750["3.1"]


class InsufficientUserAuthentication(OAuthError):
    """The person must prove more, or more recently."""

    code = "insufficient_user_authentication"
    status = 401
    spec = RFC9470["3"]


class InvalidDpopProof(OAuthError):
    """The DPoP proof is missing, malformed, of another request, too old, or was used before."""

    code = "invalid_dpop_proof"
    spec = RFC9449["5"]


class UseDpopNonce(OAuthError):
    """The DPoP proof must carry the nonce that comes with this error."""

    code = "use_dpop_nonce"
    spec = RFC9449["8"]

    def __init__(self, description: str, *, reason: str, detail: str = "", nonce: str) -> None:
        super().__init__(description, reason=reason, detail=detail)
        self.nonce = nonce


class ConfigurationError(KeysteadError):
    """The configuration is wrong. The message names the file, the line, the key, and what to write instead."""

    def __init__(self, message: str, *, where: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message)
        self.where = where


class StorageError(KeysteadError):
    """Storage failed, and nothing of the transaction was acknowledged."""


class StorageUnavailable(StorageError):
    """The store cannot take or give anything now: locked, full, read-only, gone. Retry later."""


class VersionConflict(StorageError):
    """A record changed between being read and being written."""


class UpstreamError(KeysteadError):
    """Another server did not answer, or not as the protocol demands."""
