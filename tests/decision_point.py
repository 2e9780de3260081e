"""An AuthZEN decision point for tests: a served store behind the routes of the server, and a client with a token."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import httpx2
import msgspec

from keystead.api.access import Access
from keystead.api.authzen.service import Authzen, DefaultStore
from keystead.app.asgi import AsgiApplication
from keystead.app.authzen_routes import AuthzenRoutes
from keystead.app.http_server.application import Application
from keystead.app.routes import IssuerRoutes, SeveralRoutes
from keystead.authz.language import read_model
from keystead.authz.language.json_form import to_json
from keystead.authz.names import relationship
from keystead.authz.served import AuthorizationStores
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import endpoints
from keystead.storage.ports import Relationship, RelationshipsWritten, WriteRelationships
from tests.app.bare_server import Counter
from tests.issuer import BASE, Issuer, confidential

EVERYTHING = "authz:read authz:write authz:model authz:admin"


class DecisionPoint:
    """A store that is the default one of its realm, asked over HTTP."""

    def __init__(self, issuer: Issuer, store: str, token: str, *, realms: tuple[str, ...] = ("acme",)) -> None:
        self.issuer = issuer
        self.store = store
        self.token = token
        self.stores = AuthorizationStores(issuer.store, time.time)
        access = Access(issuer.cx, realms)
        authzen = Authzen(issuer.cx, self.stores, access.authorize, DefaultStore(issuer.realm, store))
        routes = SeveralRoutes(AuthzenRoutes(authzen), IssuerRoutes(issuer.cx, endpoints()))
        transport = httpx2.ASGITransport(AsgiApplication(Application(routes, meter=Counter())))
        self.http = httpx2.AsyncClient(transport=transport, base_url=BASE)

    async def send(self, path: str, document: Any, **headers: str) -> httpx2.Response:
        """Post a body to an endpoint: JSON, or a text or bytes as they are."""
        content = document if isinstance(document, str | bytes) else msgspec.json.encode(document)
        usual = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in (usual | named).items() if value}
        target = path if path.startswith("/") else f"/access/v1/{path}"
        return await self.http.post(target, content=content, headers=sent)

    async def ask(self, path: str, document: Any, **headers: str) -> Any:
        """Do the same and return the JSON of an answer that must be 200."""
        reply = await self.send(path, document, **headers)
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "application/json"
        return reply.json()

    async def write(self, *tuples: str | Relationship) -> int:
        """Write tuples. Answer: the revision."""
        writes = tuple(relationship(each) if isinstance(each, str) else each for each in tuples)
        operation = WriteRelationships(self.issuer.realm, self.store, writes, (), self.issuer.now)
        outcome = await self.stores.write(operation)
        assert isinstance(outcome, RelationshipsWritten), outcome
        return outcome.revision


async def token_for(issuer: Issuer, client: str = "pep", **form: Any) -> str:
    """Return an access token for the authorization API."""
    answer = await issuer.token("client_credentials", client=client, resource=f"{BASE}/authz", **form)
    assert answer.status == 200, answer.body
    return str(answer.json["access_token"])


async def open_decision_point(issuer: Issuer, model: str, tuples: Iterable[str | Relationship] = ()) -> DecisionPoint:
    """Set an issuer up with a client, make a store of a model and tuples, and return its decision point."""
    issuer.now = EpochSeconds(int(time.time()))
    await issuer.set_up(
        confidential("pep", access_token_format="jwt", grant_types=("client_credentials",), scope=EVERYTHING)
    )
    stores = AuthorizationStores(issuer.store, lambda: float(issuer.now))
    store = await stores.create(issuer.realm, "fixture")
    await stores.add_model(issuer.realm, store.id, msgspec.json.encode(to_json(read_model(model))))
    point = DecisionPoint(issuer, store.id, await token_for(issuer))
    if tuples:
        await point.write(*tuples)
    return point


def entity(name: str, **properties: Any) -> dict[str, Any]:
    """Return a subject or resource written `type:id`."""
    type, _, id = name.partition(":")
    return {"type": type, "id": id} | ({"properties": properties} if properties else {})


def question(user: str, action: str, object: str, **more: Any) -> dict[str, Any]:
    """Return an evaluation."""
    return {"subject": entity(user), "action": {"name": action}, "resource": entity(object), **more}


def without(document: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Return a document without one member, written `subject` or `subject.type`."""
    head, _, rest = place.partition(".")
    if rest:
        return {**document, head: without(document[head], rest)}
    return {name: value for name, value in document.items() if name != head}
