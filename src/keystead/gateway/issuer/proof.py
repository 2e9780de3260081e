"""How the gateway proves to the issuer who it is: an assertion from the local agent, or a client secret.

Spec: RFC 6749 section 2.3.1, RFC 7521 section 4.2.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Protocol
from urllib.parse import quote

from keystead.core.errors import UpstreamError
from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.gateway.call import Caller
from keystead.gateway.pool import Address
from keystead.workload.assertions import ASSERTION_TYPE


class ClientProof(Protocol):
    """Proves who the client is."""

    async def prove(self, trace: TraceContext) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
        """Return form fields and headers to send with one request.

        Raises: UpstreamError when there is no proof to be had now.
        """
        ...


class SecretProof:
    """A client secret, sent as HTTP Basic."""

    def __init__(self, client_id: str, secret: Secret) -> None:
        credentials = f"{quote(client_id, safe='')}:{quote(secret.reveal(), safe='')}"
        self._header = Secret(f"Basic {b64encode(credentials.encode()).decode()}")

    async def prove(self, trace: TraceContext) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
        """Return the header."""
        return {}, (("authorization", self._header.reveal()),)


class AgentProof:
    """A fresh workload assertion for every request, from the agent on this machine, which knows us by the kernel."""

    def __init__(self, client_id: str, issuer: str, socket: str) -> None:
        self._client_id = client_id
        self._socket = socket
        self._target = f"/identity/token?resource={quote(issuer, safe='')}"
        self._caller = Caller(Address(path=socket), "localhost", reuse=False)

    async def prove(self, trace: TraceContext) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
        """Return the assertion as form fields."""
        headers = (("keystead-metadata", "true"), ("traceparent", trace.traceparent()))
        answer = await self._caller.call("GET", self._target, headers)
        assertion = answer.document().get("access_token")
        if answer.status != 200 or not isinstance(assertion, str):
            error = str(answer.document().get("error_description", ""))[:200]
            raise UpstreamError(f"the agent on {self._socket} gave no assertion ({answer.status} {error})")
        fields = {
            "client_id": self._client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        return fields, ()
