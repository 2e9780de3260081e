"""Who is the client? One question for every endpoint a client calls, answered by exactly one plug-in.

Flow: `authenticate_client` looks at what the request shows (Authorization header, `client_secret`,
`client_assertion`, or only a `client_id`), refuses two at once, and lets the one plug-in of `client_auth/` that
recognises it prove the client. The method must be the one the client registered.
Does not: say why it refused. Every failure is the same `invalid_client`; the reason goes to the log.
Spec: RFC 6749 sections 2.3 and 3.2.1, OpenID Connect Core section 9.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

import msgspec

from keystead.core.decisions import Check, Credential
from keystead.core.errors import InvalidClient, InvalidRequest
from keystead.core.forms import Parameters
from keystead.core.http import Request
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.spec import Section
from keystead.core.values import handle_digest
from keystead.oauth.context import ServerContext
from keystead.storage.ports import get

URL_SCHEMES: Final = ("https://", "http://")
ATTESTATION_HEADER: Final = b"oauth-client-attestation"
_FAILED: Final = "client authentication failed"


class Shown(msgspec.Struct, frozen=True):
    """What a request shows of its client. `authorization` is the raw header, absent as None.

    `attested`: it brings a client attestation.
    """

    request: Request
    parameters: Parameters
    authorization: bytes | None
    attested: bool = False

    def text(self, name: str) -> str:
        """Return a parameter, empty when absent."""
        value = self.parameters.get(name, "")
        return value if isinstance(value, str) else ""


class Caller(msgspec.Struct, frozen=True):
    """A client that proved who it is, how, and what it showed.

    `workload` is the service identity behind the client, when it authenticated with a workload assertion. `instance` is
    the thumbprint of the key that one attested instance of it holds.
    """

    client: Client
    method: str
    credential: Credential
    checks: tuple[Check, ...] = ()
    workload: str = ""
    instance: str = ""

    @property
    def holder(self) -> str:
        """Return whom a refresh family is bound to: the client, or the one instance of it that was vouched for."""
        return f"{self.client.id} {self.instance}" if self.instance else self.client.id

    @property
    def actor(self) -> str:
        """Return the name under which it acts for others: the workload's, else the client's."""
        return self.workload or self.client.id

    def is_named(self, *names: str) -> bool:
        """Return whether any of these names means this caller."""
        return self.client.id in names or (bool(self.workload) and self.workload in names)


class ClientAuthentication(ABC):
    """A client authentication method: one file, one object.

    `method` is its registered name. `family` is a name that registers for any method of a family: a client given a
    secret and no method may use Basic or the form. `by_certificate` methods show nothing in the request but a
    `client_id`. `events` are the reason slugs it may put into the audit.
    """

    method: ClassVar[str]
    family: ClassVar[str] = ""
    by_certificate: ClassVar[bool] = False
    specs: ClassVar[tuple[Section, ...]]
    events: ClassVar[tuple[str, ...]] = ()

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return further entries for the discovery document; the method's name is listed without asking."""
        return {}

    def offered(self, realm: Realm) -> bool:
        """Return whether clients of the realm can use it; what nobody can use is not advertised."""
        return True

    @abstractmethod
    def recognises(self, shown: Shown) -> bool:
        """Return whether the request tries to authenticate this way. Looks, proves nothing."""

    @abstractmethod
    async def prove(self, shown: Shown, cx: ServerContext) -> Caller:
        """Prove the client. Raises: InvalidClient, made by `refuse`."""

    async def registered(self, shown: Shown, client_id: str, cx: ServerContext) -> Client:
        """Return the enabled client that registered for this method. Raises: InvalidClient."""
        realm = shown.request.realm
        if client_id.startswith(URL_SCHEMES):
            await _welcome(client_id, shown.request, cx)
        client = await cx.store.read(get(Client, realm, client_id, shown.request.now)) if client_id else None
        if client is None:
            raise refuse("client.unknown", f"no client with digest {handle_digest(client_id)[:12]} in realm {realm}")
        if not client.enabled:
            raise refuse("client.disabled", f"client {client_id} is disabled")
        expected = client.token_endpoint_auth_method
        if expected != self.method and (not self.family or expected != self.family):
            raise refuse("client.wrong_method", f"client {client_id} must use {expected}, it used {self.method}")
        return client


async def _welcome(client_id: str, request: Request, cx: ServerContext) -> None:
    """Let the document at this `client_id` become a client. Imported late: registration knows the methods, too."""
    from keystead.oauth.registration.metadata_documents import welcome

    await welcome(client_id, request, cx)


def refuse(reason: str, detail: str) -> InvalidClient:
    """Return the one error every failed client authentication ends in."""
    return InvalidClient(_FAILED, reason=reason, detail=detail)


def show(request: Request, parameters: Parameters) -> Shown:
    """Collect what the request shows. Raises: InvalidRequest when it shows more than one way to authenticate."""
    try:
        authorization = request.header(b"authorization")
    except ValueError:
        raise InvalidRequest("the Authorization header is repeated", reason="client.repeated_header") from None
    ways = (authorization is not None) + ("client_secret" in parameters)
    attested = any([name == ATTESTATION_HEADER for name, _ in request.headers])  # noqa: C419 - a list is quicker here
    ways += attested
    ways += "client_assertion" in parameters or "client_assertion_type" in parameters
    if ways > 1:
        raise InvalidRequest(
            "the client must authenticate in one way only: Authorization header, client_secret or client_assertion",
            reason="client.several_methods",
        )
    return Shown(request, parameters, authorization, attested)


async def authenticate_client(
    request: Request, parameters: Parameters, cx: ServerContext, methods: tuple[ClientAuthentication, ...]
) -> Caller:
    """Return the proven client.

    Raises: InvalidClient, always with the same words; InvalidRequest when it shows more than one method.
    """
    shown = show(request, parameters)
    for method in methods:
        if method.recognises(shown):
            caller = await (await _meant(method, shown, methods, cx)).prove(shown, cx)
            require_same_client(shown, caller.client)
            return caller
    raise refuse("client.no_credentials", "the request shows no client credentials of a known kind")


def require_same_client(shown: Shown, client: Client) -> None:
    """Demand that `client_id`, where it is sent, names the client that authenticates. Raises: InvalidClient."""
    named = shown.text("client_id")
    if named and named != client.id:
        whom = f"a client with digest {handle_digest(str(named))[:12]}"  # whatever was put there by mistake
        raise refuse("client.contradiction", f"client_id names {whom}, {client.id} authenticated")


async def _meant(
    recognised: ClientAuthentication, shown: Shown, methods: tuple[ClientAuthentication, ...], cx: ServerContext
) -> ClientAuthentication:
    """Return the method a request means. Where it shows only a `client_id`, and the connection a certificate, the
    client's registration says whether that certificate is how it authenticates. Spec: RFC 8705 section 2."""
    request = shown.request
    if recognised.method != "none" or not request.client_certificate:
        return recognised
    client = await cx.store.read(get(Client, request.realm, shown.text("client_id"), request.now))
    registered = client.token_endpoint_auth_method if client is not None else ""
    return next((one for one in methods if one.by_certificate and one.method == registered), recognised)
