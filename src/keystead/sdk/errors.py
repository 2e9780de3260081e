"""What the SDK raises on purpose, all of it `KeysteadError`. A refused token is not an error but an answer: `Refused`.

UpstreamError
├─ IssuerUnavailable      the issuer did not answer, or not as an issuer must
├─ AgentUnavailable       no agent behind the socket, or it cannot reach the issuer
└─ TokenRefused           the issuer or the agent said no: `error` is its code
"""

from __future__ import annotations

from keystead.core.errors import UpstreamError


class IssuerUnavailable(UpstreamError):
    """The issuer did not answer, or answered something no issuer may. Nothing was obtained; retry later."""


class AgentUnavailable(UpstreamError):
    """The agent's socket is missing or silent. Is the agent running, and may this process open its socket?"""


class TokenRefused(UpstreamError):
    """The issuer or the agent understood and said no. Asking again the same way will not help.

    Shape: `error` is a registered code (`invalid_target`, `invalid_grant`, ...), `description` the sentence with it.
    """

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
