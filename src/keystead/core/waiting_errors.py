"""The errors of decisions that a client waits for: a device's, or one asked on the back channel.

A part of the tree in `keystead.core.errors`, in a file of its own.
"""

from __future__ import annotations

from keystead.core.errors import AccessDenied, OAuthError
from keystead.core.spec import CIBA, FIRST_PARTY_APPS, RFC8628


class DecisionDenied(AccessDenied):
    """The person said no to what a device or a back channel waits for: an error of the token endpoint."""

    status = 400
    spec = RFC8628["3.5"]


class AuthorizationPending(OAuthError):
    """The person has not answered yet: poll again."""

    code = "authorization_pending"
    spec = RFC8628["3.5"]


class SlowDown(OAuthError):
    """The person has not answered yet, and the client polls too often."""

    code = "slow_down"
    spec = RFC8628["3.5"]


class ExpiredToken(OAuthError):
    """The device code or authentication request ran out unanswered."""

    code = "expired_token"
    spec = RFC8628["3.5"]


class UnknownUserId(OAuthError):
    """The hint names nobody here."""

    code = "unknown_user_id"
    spec = CIBA["13"]


class ExpiredLoginHintToken(OAuthError):
    """The login_hint_token ran out."""

    code = "expired_login_hint_token"
    spec = CIBA["13"]


class MissingUserCode(OAuthError):
    """The person has a code that must come with the request."""

    code = "missing_user_code"
    spec = CIBA["13"]


class InvalidUserCode(OAuthError):
    """That is not the person's code."""

    code = "invalid_user_code"
    spec = CIBA["13"]


class InvalidBindingMessage(OAuthError):
    """The message cannot be shown: too long, or not plain text."""

    code = "invalid_binding_message"
    spec = CIBA["13"]


class InsufficientAuthorization(OAuthError):
    """A first-party application has to ask the person for more."""

    code = "insufficient_authorization"
    spec = FIRST_PARTY_APPS["5.2.2"]


class InvalidSession(OAuthError):
    """The auth_session is unknown, over, or another client's."""

    code = "invalid_session"
    spec = FIRST_PARTY_APPS["5.2.2"]


class RedirectToWeb(OAuthError):
    """What is missing can only be done in a browser."""

    code = "redirect_to_web"
    spec = FIRST_PARTY_APPS["5.2.2"]
