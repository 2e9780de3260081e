"""The registration endpoint: clients register themselves, and see, change and remove what they registered."""

from __future__ import annotations

from hmac import compare_digest
from typing import Any, Final

from keystead.core.decisions import Check, Credential, Decision
from keystead.core.errors import InvalidRequest, InvalidToken, OAuthError, StorageError
from keystead.core.forms import parse_parameters
from keystead.core.http import NO_STORE, Reply, Request, json_reply
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.registration import REGISTERED
from keystead.core.spec import OIDC_REGISTRATION, RFC7591, RFC7592
from keystead.core.values import handle_digest
from keystead.oauth.bearer import header_token
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply, storage_failed
from keystead.oauth.registration.admission import admit
from keystead.oauth.registration.enrolment import Enrolled, amend, enrol, strike
from keystead.oauth.registration.metadata import metadata_refused, read_metadata
from keystead.oauth.registration.response import information
from keystead.storage.ports import get

ACTIONS: Final = {"POST": "client.register", "GET": "client.read", "PUT": "client.update", "DELETE": "client.delete"}
_OURS: Final = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


class RegisterEndpoint(EndpointPlugin):
    """Registers clients, and is the client configuration endpoint of each.

    Shape: POST metadata (JSON) -> 201 with the client information; with `?client_id=` and the registration access
    token as bearer: GET reads, PUT replaces, DELETE removes. Errors are those of RFC 7591 section 3.2.2.
    Does not: register anybody unless the realm's `registration` is open or an initial access token is shown.
    Spec: RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration 1.0.
    """

    path = "register"
    methods = frozenset({"POST", "GET", "PUT", "DELETE"})
    specs = (RFC7591["3"], RFC7592["2"], OIDC_REGISTRATION["3"], OIDC_REGISTRATION["4"])

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return where it is."""
        return {"registration_endpoint": f"{issuer}/{self.path}"}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return whether a `client_id` may be the address of a client's metadata."""
        return {"client_id_metadata_document_supported": realm.registration.metadata_documents}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one request, and record what was decided."""
        client_id = ""
        try:
            realm = await cx.store.read(get(Realm, request.realm, request.realm, request.now))
            assert realm is not None
            if request.method == "POST":
                reply, client_id = await _register(request, realm, cx)
            else:
                client = await _managed(request, cx)
                client_id = client.id
                reply = await _manage(client, request, realm, cx)
        except OAuthError as error:
            cx.journal.record(_decision(request, client_id, error))
            return error_reply(error)
        except StorageError as error:
            cx.journal.record(_decision(request, client_id, storage_failed(error)))
            raise
        cx.journal.record(_decision(request, client_id, None))
        return reply


async def _register(request: Request, realm: Realm, cx: ServerContext) -> tuple[Reply, str]:
    admission = await admit(request, realm, cx)
    enrolled = await enrol(_read(request), realm, admission, cx, request.now)
    document = information(enrolled, "", realm, cx.issuer(realm.id))
    return json_reply(document, status=201), enrolled.client.id


async def _manage(client: Client, request: Request, realm: Realm, cx: ServerContext) -> Reply:
    if request.method == "DELETE":
        await strike(client, cx, request.now)
        return Reply(204, NO_STORE)
    enrolled = Enrolled(client)
    if request.method == "PUT":
        members = _read(request)
        _require_same_client(members, client)
        enrolled = await amend(client, members, realm, cx, request.now)
    return json_reply(information(enrolled, header_token(request), realm, cx.issuer(realm.id)))


async def _managed(request: Request, cx: ServerContext) -> Client:
    """Return the client whose registration access token the request shows. Raises: InvalidToken for anything else.

    A client that is gone, disabled or made by the operator is answered like a wrong token. Spec: RFC 7592 section 2.1.
    """
    named = parse_parameters(request.query).get("client_id", "")
    shown = handle_digest(header_token(request))
    client_id = named if isinstance(named, str) else ""
    client = await cx.store.read(get(Client, request.realm, client_id, request.now)) if client_id else None
    expected = client.registration_access_token_digest if client is not None else ""
    right = compare_digest(shown, expected or "0" * 64)
    if client is None or not right or not client.enabled or client.managed_by != REGISTERED:
        raise InvalidToken(
            "the registration access token is not good for this client", reason="registration.management_token"
        )
    return client


def _read(request: Request) -> dict[str, Any]:
    types = [value.partition(b";")[0].strip().lower() for name, value in request.headers if name == b"content-type"]
    if types != [b"application/json"]:
        raise InvalidRequest("send the metadata as application/json", reason="registration.content_type")
    return read_metadata(request.body)


def _require_same_client(members: dict[str, Any], client: Client) -> None:
    """Demand what RFC 7592 section 2.2 demands of an update's members."""
    if members.get("client_id") != client.id:
        raise metadata_refused("an update names its own client_id", "client_id")
    ours = [name for name in _OURS if name in members]
    if ours:
        raise metadata_refused(f"leave {', '.join(ours)} out of an update", "not_yours")
    secret = members.get("client_secret")
    if secret is not None and not (isinstance(secret, str) and handle_digest(secret) in client.client_secret_digests):
        raise metadata_refused("client_secret is not the one that was issued; a client cannot choose it", "not_yours")


def _decision(request: Request, client_id: str, error: OAuthError | None) -> Decision:
    reason = error.reason if error is not None else "registration.done"
    return Decision(
        action=ACTIONS[request.method],
        allowed=error is None,
        reason=reason,
        trace=request.trace,
        realm=request.realm,
        client_id=client_id,
        credential=Credential(kind="registration_access_token" if request.method != "POST" else "initial_access_token"),
        checks=(Check("registration", error is None, error.description if error is not None else "admitted"),),
        facts={"error": error.code, "detail": error.detail or error.description} if error is not None else {},
    )
