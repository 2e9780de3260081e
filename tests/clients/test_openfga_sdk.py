"""OpenFGA's own SDKs against `keystead serve`, logged in with their own client credentials; nothing is patched."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openfga_sdk
import pytest
from openfga_sdk.client import ClientConfiguration, OpenFgaClient
from openfga_sdk.client.models import (
    ClientAssertion,
    ClientBatchCheckItem,
    ClientBatchCheckRequest,
    ClientCheckRequest,
    ClientExpandRequest,
    ClientListObjectsRequest,
    ClientListRelationsRequest,
    ClientReadChangesRequest,
    ClientTuple,
    ClientWriteRequest,
)
from openfga_sdk.client.models.list_users_request import ClientListUsersRequest
from openfga_sdk.credentials import CredentialConfiguration, Credentials
from openfga_sdk.exceptions import (
    ApiException,
    ForbiddenException,
    NotFoundException,
    UnauthorizedException,
    ValidationException,
)
from openfga_sdk.sync import OpenFgaClient as SyncOpenFgaClient

from keystead.authz.language import read_model
from keystead.authz.language.json_form import to_json
from keystead.core.jose.algorithms import generate, private_to_pem
from tests.clients.node_client import run_node
from tests.harness.configuration import new_secret
from tests.harness.issuer import RunningIssuer, issuer_in

untyped: Any = openfga_sdk
models: Any = openfga_sdk.models
MODEL = """
model
  schema 1.1

type user

type group
  relations
    define member: [user, group#member]

type document
  relations
    define owner: [user]
    define viewer: [user, user:*, group#member] or owner
"""
TUPLES = [
    ClientTuple(user="user:anne", relation="owner", object="document:1"),
    ClientTuple(user="group:staff#member", relation="viewer", object="document:2"),
    ClientTuple(user="user:bob", relation="member", object="group:staff"),
]
KEY = generate("ES256", "of-the-signer")
pytestmark = [pytest.mark.timeout(180), pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture
async def issuer(tmp_path: Path) -> AsyncIterator[RunningIssuer]:
    """A served issuer with clients for the SDKs."""
    async with issuer_in(tmp_path) as running:
        running.realm["clients"] += [
            {
                "client_id": client_id,
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "client_secret_post",
                "client_secret": new_secret(),
                "scope": scope,
            }
            for client_id, scope in (
                ("sdk", "authz:read authz:write authz:model authz:admin"),
                ("reader", "authz:read"),
            )
        ]
        running.realm["clients"].append(
            {
                "client_id": "signer",
                "grant_types": ["client_credentials"],
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": {"keys": [KEY.public().jwk()]},
                "scope": "authz:admin",
            }
        )
        await running.start()
        yield running


def secret_of(issuer: RunningIssuer, client_id: str) -> str:
    """Return the secret of a client."""
    return str(next(entry["client_secret"] for entry in issuer.realm["clients"] if entry["client_id"] == client_id))


def configuration(
    issuer: RunningIssuer, api_issuer: str, client_id: str = "sdk", **credentials: Any
) -> ClientConfiguration:
    """Return what an application gives the SDK."""
    given = {
        "client_secret": secret_of(issuer, client_id),
        "api_audience": f"{issuer.base_url}/authz",
        "api_issuer": api_issuer,
    }
    flow = CredentialConfiguration(client_id=client_id, **(given | credentials))
    return ClientConfiguration(
        api_url=f"{issuer.base_url}/authz",
        credentials=Credentials(method="client_credentials", configuration=flow),
        retry_params=untyped.configuration.RetryParams(max_retry=2, min_wait_in_ms=10),
    )


async def settled(value: Any) -> Any:
    """Return what either client gives: the asynchronous one has to be awaited."""
    return await value if inspect.isawaitable(value) else value


async def listed(stream: Any) -> list[Any]:
    """Return all of a stream of either client."""
    stream = await settled(stream)
    return [each async for each in stream] if hasattr(stream, "__aiter__") else list(stream)


async def use(client: Any) -> None:
    """Do everything an application does."""
    store = await settled(client.create_store(models.CreateStoreRequest(name="smoke")))
    client.set_store_id(store.id)
    assert store.id in [one.id for one in (await settled(client.list_stores())).stores]
    assert (await settled(client.get_store())).name == "smoke"
    model = models.WriteAuthorizationModelRequest(**to_json(read_model(MODEL)))
    written = await settled(client.write_authorization_model(model))
    assert (await settled(client.read_latest_authorization_model())).authorization_model.id == (
        written.authorization_model_id
    )
    client.set_authorization_model_id(written.authorization_model_id)
    assert len((await settled(client.read_authorization_models())).authorization_models) == 1
    assert (await settled(client.read_authorization_model())).authorization_model.schema_version == "1.1"
    await settled(client.write(ClientWriteRequest(writes=TUPLES)))
    await _ask(client)
    await _list(client)
    await _read(client)
    await _fail(client)
    await settled(client.delete_store())
    with pytest.raises(NotFoundException):
        await settled(client.get_store())


async def _ask(client: Any) -> None:
    def asked(user: str, relation: str, object: str) -> ClientCheckRequest:
        return ClientCheckRequest(user=user, relation=relation, object=object)

    assert (await settled(client.check(asked("user:anne", "viewer", "document:1")))).allowed is True
    assert (await settled(client.check(asked("user:bob", "viewer", "document:2")))).allowed is True
    assert (await settled(client.check(asked("user:bob", "viewer", "document:1")))).allowed is False
    lent = asked("user:bob", "viewer", "document:1")
    lent.contextual_tuples = [ClientTuple(user="user:bob", relation="viewer", object="document:1")]
    assert (await settled(client.check(lent))).allowed is True
    items = [
        ClientBatchCheckItem(user=f"user:{name}", relation="viewer", object="document:1", correlation_id=name)
        for name in ("anne", "bob")
    ]
    answer = await settled(client.batch_check(ClientBatchCheckRequest(checks=items)))
    assert {one.correlation_id: one.allowed for one in answer.result} == {"anne": True, "bob": False}
    tree = await settled(client.expand(ClientExpandRequest(relation="owner", object="document:1")))
    assert tree.tree.root.leaf.users.users == ["user:anne"]
    relations = ClientListRelationsRequest(user="user:anne", object="document:1", relations=["owner", "viewer"])
    assert sorted(await settled(client.list_relations(relations))) == ["owner", "viewer"]


async def _list(client: Any) -> None:
    objects = ClientListObjectsRequest(user="user:bob", relation="viewer", type="document")
    assert (await settled(client.list_objects(objects))).objects == ["document:2"]
    assert [one.object for one in await listed(client.streamed_list_objects(objects))] == ["document:2"]
    who = ClientListUsersRequest(
        object=models.FgaObject(type="document", id="2"),
        relation="viewer",
        user_filters=[models.UserTypeFilter(type="user")],
    )
    assert [one.object.id for one in (await settled(client.list_users(who))).users] == ["bob"]


async def _read(client: Any) -> None:
    everything = await settled(client.read(models.ReadRequestTupleKey()))
    assert len(everything.tuples) == len(TUPLES)
    first = await settled(client.read(models.ReadRequestTupleKey(), {"page_size": 1}))
    assert (len(first.tuples), bool(first.continuation_token)) == (1, True)
    changes = await settled(client.read_changes(ClientReadChangesRequest("document")))
    assert [one.tuple_key.object for one in changes.changes] == ["document:1", "document:2"]
    await settled(client.delete_tuples([TUPLES[0]]))
    assert len((await settled(client.read(models.ReadRequestTupleKey()))).tuples) == len(TUPLES) - 1
    await settled(client.write_tuples([TUPLES[0]]))
    await settled(
        client.write_assertions(
            [ClientAssertion(user="user:anne", relation="owner", object="document:1", expectation=True)]
        )
    )
    assert [one.expectation for one in (await settled(client.read_assertions())).assertions] == [True]


async def _fail(client: Any) -> None:
    with pytest.raises(ValidationException) as refused:
        await settled(client.check(ClientCheckRequest(user="user:anne", relation="flies", object="document:1")))
    assert refused.value.parsed_exception.code == "validation_error"
    with pytest.raises(ValidationException) as refused:
        await settled(client.write(ClientWriteRequest(writes=[TUPLES[0]])))
    assert refused.value.parsed_exception.code == "write_failed_due_to_invalid_input"


async def test_the_asynchronous_client(issuer: RunningIssuer) -> None:
    async with OpenFgaClient(configuration(issuer, issuer.base_url)) as client:
        await use(client)
    for path in ("/realms/acme/oauth/token", "/realms/acme/token"):
        async with OpenFgaClient(configuration(issuer, f"{issuer.base_url}{path}")) as client:
            await client.list_stores()


async def test_the_synchronous_client(issuer: RunningIssuer) -> None:
    with SyncOpenFgaClient(configuration(issuer, issuer.base_url)) as client:
        await use(client)
    tokens = issuer.process.decisions("token.issue")
    assert len(tokens) == 1, "one login is enough for all of it"


async def test_who_may_not_is_told_so(issuer: RunningIssuer) -> None:
    async with OpenFgaClient(configuration(issuer, issuer.base_url, "reader")) as client:
        with pytest.raises(ForbiddenException) as forbidden:
            await client.create_store(models.CreateStoreRequest(name="mine"))
        assert forbidden.value.parsed_exception.code == "forbidden"
    async with OpenFgaClient(ClientConfiguration(api_url=f"{issuer.base_url}/authz")) as client:
        with pytest.raises(UnauthorizedException):
            await client.list_stores()
    wrong = configuration(issuer, issuer.base_url, client_secret=new_secret())
    async with OpenFgaClient(wrong) as client:
        with pytest.raises(ApiException) as refused:
            await client.list_stores()
        assert refused.value.status == 401
    elsewhere = configuration(issuer, issuer.base_url, api_audience="https://nowhere.test")
    async with OpenFgaClient(elsewhere) as client:
        with pytest.raises(ApiException) as refused:
            await client.list_stores()
        assert refused.value.status == 400


async def test_the_javascript_client(issuer: RunningIssuer) -> None:
    async def visit(url: str) -> str:
        raise AssertionError("nobody is at a browser")

    given = {
        "base": issuer.base_url,
        "issuer": issuer.url,
        "secret": secret_of(issuer, "sdk"),
        "reader_secret": secret_of(issuer, "reader"),
        "key": private_to_pem(KEY).decode(),
        "model": to_json(read_model(MODEL)),
        "tuples": [{"user": each.user, "relation": each.relation, "object": each.object} for each in TUPLES],
    }
    steps = await run_node("openfga_sdk.mjs", given, visit)
    assert len(steps) == 2 * 5 + 2
