"""The challenge endpoint: a fresh challenge for the proof that goes with a client attestation."""

from __future__ import annotations

from typing import Any

from keystead.core.http import Reply, Request, json_reply
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.records.realm import Realm
from keystead.core.spec import CLIENT_ATTESTATION
from keystead.oauth.attestation_challenge import fresh_challenge
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin


class AttestationChallengeEndpoint(EndpointPlugin):
    """Hands challenges out.

    Shape: POST -> `{"attestation_challenge": ...}`, good for two to three minutes.
    Spec: draft-ietf-oauth-attestation-based-client-auth section 8.
    """

    path = "attestation-challenge"
    methods = frozenset({"POST"})
    specs = (CLIENT_ATTESTATION["8"],)
    fast = True

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"challenge_endpoint": f"{issuer}/{self.path}"}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return the algorithms where the realm has attesters; else take the endpoint out again."""
        if not realm.client_attesters:
            return {"challenge_endpoint": None}
        names = sorted(ALGORITHMS)
        return {
            "client_attestation_signing_alg_values_supported": names,
            "client_attestation_pop_signing_alg_values_supported": names,
        }

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer with a challenge."""
        return json_reply({"attestation_challenge": fresh_challenge(request, cx)})
