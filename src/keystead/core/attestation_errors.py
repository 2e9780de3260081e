"""The error by which a client attestation is asked to carry a challenge of ours."""

from __future__ import annotations

from keystead.core.errors import OAuthError
from keystead.core.spec import CLIENT_ATTESTATION


class UseAttestationChallenge(OAuthError):
    """The proof of possession of a client attestation must carry the challenge that comes with this error."""

    code = "use_attestation_challenge"
    spec = CLIENT_ATTESTATION["6.2"]

    def __init__(self, description: str, *, reason: str, challenge: str) -> None:
        super().__init__(description, reason=reason)
        self.challenge = challenge
