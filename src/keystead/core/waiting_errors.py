"""The errors of decisions that a client waits for: a device's, or one asked on the back channel.

A part of the tree in `keystead.core.errors`, in a file of its own.
"""

from __future__ import annotations

from keystead.core.errors import AccessDenied, OAuthError
from keystead.core.spec import RFC8628


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
