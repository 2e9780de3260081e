"""workload: the local agent vouches for the service that calls; no secret anywhere."""

from __future__ import annotations

from typing import Final

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.protocols import VerifiedWorkload
from keystead.core.records.client import Client
from keystead.core.records.workload import Workload
from keystead.core.spec import RFC7523
from keystead.oauth.client_authentication import Caller, ClientAuthentication, Shown, refuse
from keystead.oauth.context import ServerContext
from keystead.storage.ports import get

WORKLOAD_ASSERTION: Final = "urn:keystead:params:oauth:client-assertion-type:workload"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant


class WorkloadAuthentication(ClientAuthentication):
    """A workload assertion, signed by the agent on the workload's machine.

    Shape: `client_assertion_type=urn:keystead:params:oauth:client-assertion-type:workload`, `client_assertion=<JWT>`.
    `client_id` may name a client whose `workload` it is; without one the workload is its own client, good for
    client_credentials, token exchange and jwt-bearer only.
    Spec: the frame of RFC 7523 section 2.2, with an issuer (the agent) that is not the subject.
    """

    method = "workload"
    specs = (RFC7523["2.2"],)
    events = ("client.workload_refused", "client.other_workload")

    def recognises(self, shown: Shown) -> bool:
        """Return whether the assertion says it is a workload's."""
        return shown.text("client_assertion_type") == WORKLOAD_ASSERTION

    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Check the assertion, then that the workload is enabled and may speak for the client it names."""
        request, client_id = shown.request, shown.text("client_id")
        issuer = cx.issuer(request.realm)
        assertion = shown.text("client_assertion")
        verified = await cx.workload_assertions.verify(request.realm, assertion, issuer, request.now)
        if isinstance(verified, Denied):
            raise refuse("client.workload_refused", f"{verified.reason}: {verified.detail}")
        workload = await cx.store.read(get(Workload, request.realm, verified.workload, request.now))
        if workload is None or not workload.enabled:
            raise refuse("client.workload_refused", f"workload {verified.workload} is unknown or disabled")
        if await self._means_itself(shown, client_id, workload, cx):
            return _caller(own_client(workload), verified)
        client = await self.registered(shown, client_id, cx)
        if client.workload != workload.id:
            raise refuse("client.other_workload", f"client {client_id} is not the client of workload {workload.id}")
        return _caller(client, verified)

    async def _means_itself(self, shown: Shown, client_id: str, workload: Workload, cx: ServerContext) -> bool:
        if client_id != workload.id:
            return not client_id
        realm, now = shown.request.realm, shown.request.now
        return await cx.store.read(get(Client, realm, client_id, now)) is None


def own_client(workload: Workload) -> Client:
    """Return the client a workload is by itself: its name, its scope, JWTs, and no person's authorization."""
    return Client(
        realm=workload.realm,
        id=workload.id,
        enabled=workload.enabled,
        token_endpoint_auth_method=WorkloadAuthentication.method,
        workload=workload.id,
        grant_types=("client_credentials", TOKEN_EXCHANGE, JWT_BEARER),
        response_types=(),
        scope=workload.scope,
        access_token_format="jwt",  # noqa: S106 - the name of a format
    )


def _caller(client: Client, verified: VerifiedWorkload) -> Caller:
    credential = Credential(
        kind="workload_assertion", issuer=verified.agent, subject=verified.workload, token_id=verified.token_id
    )
    passed = Check("client_authentication", True, f"agent {verified.agent} vouches for workload {verified.workload}")
    return Caller(client, WorkloadAuthentication.method, credential, (*verified.checks, passed), verified.workload)
