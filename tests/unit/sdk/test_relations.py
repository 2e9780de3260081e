"""Scope, level of sign-in and relation in one line a route: the same answers from every framework, over real HTTP."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import msgspec
import pytest

import keystead.authz as authz
from keystead.core.errors import ConfigurationError
from keystead.sdk import JsonLinesJournal, Verifier
from keystead.sdk.claim_tuples import ClaimTuples
from keystead.sdk.object_template import ObjectTemplate
from keystead.sdk.relations import Relations
from keystead.storage.ports import Relationship
from tests.unit.sdk.conftest import Clock
from tests.unit.sdk.loopback_issuer import LoopbackIssuer
from tests.unit.sdk.services import CLAIMS, MODEL, SERVICES

ORDERS = "https://orders.acme.example"
TUPLES = (
    "order:17#owner@user:usr_alice",
    "order:17#viewer@user:usr_bob",
    "order:18#viewer@group:staff#member",
    "order:19#viewer@group:role-auditor#member",
    "order:20#viewer@service:billing",
    Relationship("order:21", "owner", "user:usr_alice", "from_office"),
)


class Client:
    """A service, and tokens to call it with."""

    def __init__(self, url: str, issuer: LoopbackIssuer, clock: Clock) -> None:
        self.http = httpx2.AsyncClient(base_url=url, trust_env=False)
        self._issuer = issuer
        self._clock = clock
        self.log = io.StringIO()

    def token(self, subject: str = "usr_alice", **claims: Any) -> str:
        """Return a token."""
        return self._issuer.token(ORDERS, self._clock(), sub=subject, **{"acr": "2", **claims})

    async def get(
        self, order: str, subject: str = "usr_alice", *, method: str = "GET", **claims: Any
    ) -> httpx2.Response:
        """Ask for an order."""
        headers = {"authorization": f"Bearer {self.token(subject, **claims)}"}
        return await self.http.request(method, f"/orders/{order}", headers=headers)

    def lines(self, action: str = "authz.check") -> list[dict[str, Any]]:
        """Return the decisions that were recorded."""
        read = [msgspec.json.decode(line) for line in self.log.getvalue().splitlines()]
        return [line for line in read if line["action"] == action]


@pytest.fixture
async def engine() -> AsyncIterator[authz.AuthorizationEngine]:
    """The service's own tuples."""
    async with authz.open("memory://", model=MODEL) as opened:
        await opened.write(TUPLES)
        yield opened


@pytest.fixture(params=list(SERVICES))
async def client(
    request: pytest.FixtureRequest, issuer: LoopbackIssuer, clock: Clock, engine: authz.AuthorizationEngine
) -> AsyncIterator[Client]:
    """A client of the service in each framework."""
    verifier = Verifier(issuer=issuer.url, audience=ORDERS, clock=clock, timer=clock, danger_ignore_revocations=True)
    log = io.StringIO()
    async with SERVICES[request.param](verifier, JsonLinesJournal(log, "orders"), engine) as url:
        made = Client(url, issuer, clock)
        made.log = log
        yield made
        await made.http.aclose()
    await verifier.close()


def error_of(reply: httpx2.Response) -> str:
    """Return the error code, wherever the framework puts the body."""
    body = reply.json()
    code: str = body.get("detail", body)["error"]
    return code


async def test_who_has_the_relation_gets_in(client: Client) -> None:
    reply = await client.get("17")
    assert reply.status_code == 200, reply.text
    assert reply.json() == {"object": "order:17", "id": "17", "subject": "usr_alice"}
    (line,) = client.lines()
    assert (line["allowed"], line["reason"], line["facts"]["object"]) == (True, "authz.allowed", "order:17")
    assert line["checks"]
    assert len(client.lines("resource.access")) == 1


@pytest.mark.spec("RFC 6750 section 3")
@pytest.mark.spec("RFC 9470 section 3")
async def test_the_token_is_judged_first(client: Client) -> None:
    nothing = await client.http.get("/orders/17")
    assert (nothing.status_code, nothing.headers["www-authenticate"]) == (401, "Bearer")
    narrow = await client.get("17", scope="orders:write")
    assert (narrow.status_code, error_of(narrow)) == (403, "insufficient_scope")
    assert 'scope="orders:read"' in narrow.headers["www-authenticate"]
    weak = await client.get("17", method="PUT", acr="1")
    assert (weak.status_code, error_of(weak)) == (401, "insufficient_user_authentication")
    assert 'acr_values="2"' in weak.headers["www-authenticate"]
    assert client.lines() == []


async def test_without_the_relation_there_is_no_such_thing(client: Client) -> None:
    hidden, absent = await client.get("17", "usr_mallory"), await client.get("99", "usr_mallory")
    assert hidden.status_code == absent.status_code == 404
    assert (hidden.json(), error_of(hidden)) == (absent.json(), "not_found")
    assert "retry-after" not in hidden.headers
    assert [(line["allowed"], line["reason"]) for line in client.lines()] == [(False, "authz.no_path")] * 2


async def test_who_may_see_it_is_told_that_more_is_not_allowed(client: Client) -> None:
    assert (await client.get("17", method="PUT")).status_code == 200
    seen = await client.get("17", "usr_bob", method="PUT")
    assert (seen.status_code, error_of(seen)) == (403, "access_denied")
    assert (await client.get("17", "usr_mallory", method="PUT")).status_code == 404


@pytest.mark.attack("AUTHZ-PATH")
async def test_a_path_parameter_names_nothing_but_an_id(client: Client) -> None:
    odd = ["17%23owner", "17%23viewer@user", "order%3A17", "17%3A", "%2A", "17%20", "%2017", "17%0A", "17%00"]
    for id in (*odd, "17%E2%80%A8"):
        assert (await client.get(id)).status_code == 404, id
    assert {line["allowed"] for line in client.lines()} == {False}
    assert {line["reason"] for line in client.lines()} == {"authz.malformed_name"}


async def test_what_the_token_says_counts_for_this_question(client: Client) -> None:
    assert (await client.get("18", "usr_carol")).status_code == 404
    assert (await client.get("18", "usr_carol", groups=["x", "staff"])).status_code == 200
    assert (await client.get("18", "usr_carol", groups="staff")).status_code == 200
    assert (await client.get("18", "usr_carol")).status_code == 404
    assert (await client.get("19", "usr_carol", realm_access={"roles": ["auditor"]})).status_code == 200
    many = [f"g{number}" for number in range(300)]
    assert (await client.get("18", "usr_carol", groups=[*many, "staff"])).status_code == 200


@pytest.mark.attack("AUTHZ-CLAIM")
async def test_a_claim_names_nothing_but_an_id(client: Client) -> None:
    odd = ["staff#member", "group:staff", "*", "", " staff", "staff\n", None, True, {"id": "staff"}, 1.5]
    assert (await client.get("18", "usr_carol", groups=odd)).status_code == 404
    assert client.lines()[-1]["checks"][1:] == [
        {"name": "claim groups", "passed": False, "why": f"{len(odd)} values cannot name a group"}
    ]
    assert (await client.get("18", "usr_carol", groups=[*odd, "staff"])).status_code == 200


async def test_a_service_is_no_person(client: Client) -> None:
    assert (await client.get("20", "billing")).status_code == 200
    assert (await client.get("17", "alice")).status_code == 404


async def test_conditions_get_the_request_s_parameters(client: Client) -> None:
    reply = await client.get("21", method="DELETE")
    assert reply.status_code == 404
    headers = {"authorization": f"Bearer {client.token()}", "x-network": "office"}
    assert (await client.http.request("DELETE", "/orders/21", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("relation", "object", "says"),
    [
        ("sees", "order:{id}", "no `sees` on type `order`"),
        ("viewer", "invoice:{id}", "no `viewer` on type `invoice`"),
        ("viewer", "{type}:{id}", "is not a name like"),
        ("viewer", "order", "is not a name like"),
        ("viewer", "order:{id}#viewer", "is not a name like"),
        ("viewer", "order:{a}{b}", "must stand between"),
        ("viewer", "order:{a b}", "is not a name like"),
        ("viewer", "order:{a", "write a place to fill"),
    ],
    ids=range(8),
)
async def test_a_rule_that_cannot_be_met_stops_the_service(
    engine: authz.AuthorizationEngine, relation: str, object: str, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Relations(engine).rule(relation, object)


@pytest.mark.parametrize(
    ("claim", "says"),
    [
        ("group:{value}#owner", "no `owner` on type `group`"),
        ("group:{value}", "is not a relation name"),
        ("group:{name}#member", "one place"),
        ("group:staff#member", "one place"),
        ("{value}#member", "is not a name like"),
        ("order:{value}#shop", "does not take a `user`"),
    ],
    ids=range(6),
)
async def test_a_claim_that_maps_to_nothing_stops_the_service(
    engine: authz.AuthorizationEngine, claim: str, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        Relations(engine, claims={"groups": claim})


async def test_callers_are_of_a_type_the_model_has(engine: authz.AuthorizationEngine) -> None:
    unknown: list[dict[str, Any]] = [{"user": "person"}, {"service": "robot"}]
    for types in unknown:
        with pytest.raises(ConfigurationError, match="defines no type"):
            Relations(engine, **types)


async def test_what_a_claim_gives_people_it_does_not_give_services(client: Client) -> None:
    assert (await client.get("18", "billing", groups="staff")).status_code == 404
    assert (await client.get("20", "billing", groups="staff")).status_code == 200


@pytest.mark.attack("AUTHZ-PATH")
def test_parts_of_a_name_cannot_trade_places() -> None:
    template = ObjectTemplate("file:{tenant}/{path}")
    assert template.fill({"tenant": "a", "path": "b"}) == "file:a/b"
    for parts in ({"tenant": "a/b", "path": "c"}, {"tenant": "a", "path": "b/c"}, {"tenant": "", "path": "a"}):
        with pytest.raises(authz.InvalidRelationship):
            template.fill(parts)


def test_claims_become_tuples_once_each() -> None:
    said = {"groups": ["a", "b", "a", 7], "realm_access": {"roles": ["r"]}, "https://x.test/groups": ["u"]}
    mapped = ClaimTuples({**CLAIMS, "https://x.test/groups": "group:{value}#member"})
    tuples, checks = mapped.of(said, "user:alice")
    assert [each.object for each in tuples] == ["group:a", "group:b", "group:7", "group:role-r", "group:u"]
    assert {(each.relation, each.user) for each in tuples} == {("member", "user:alice")}
    assert checks == ()
    assert mapped.of({"groups": None, "realm_access": "no object"}, "user:alice") == ((), ())
