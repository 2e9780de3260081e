"""A store as a store file, for `keystead authz test`, `keystead authz import` and OpenFGA's own tools."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

from keystead.app.openfga_import.client import AuthorizationServer
from keystead.app.openfga_import.tuples import key_of, tuple_of
from keystead.authz.language import to_dsl
from keystead.authz.model import AuthorizationModel
from keystead.authz.served import AuthorizationStores
from keystead.authz.served.model_documents import read_document
from keystead.storage.ports import ReadRelationships, Relationship

Json = dict[str, Any]
_PAGE = 1000


def head_of(name: str, model: AuthorizationModel) -> str:
    """Write the beginning: the name, the model, and the heading of the tuples."""
    text = "".join(f"  {line}\n" if line else "\n" for line in to_dsl(model).splitlines())
    return f"name: {json.dumps(name, ensure_ascii=False)}\nmodel: |\n{text}tuples:\n"


def line_of(tuple: Relationship) -> str:
    """Write a tuple: a line of flow YAML, which is JSON."""
    return f"  - {json.dumps(key_of(tuple), ensure_ascii=False)}\n"


def tail_of(assertions: Iterable[Json]) -> str:
    """Write assertions as tests. Empty for none."""
    tests = "".join(_test(number, each) for number, each in enumerate(assertions, start=1))
    return f"tests:\n{tests}" if tests else ""


async def from_server(server: AuthorizationServer, store: str) -> AsyncIterator[str]:
    """Yield a store of a server as the pieces of a file."""
    document = await server.model(store)
    model = read_document(json.dumps(document).encode())
    yield head_of((await server.store(store))["name"], model)
    after = ""
    while True:
        page, after = await server.read(store, after)
        for each in page:
            yield line_of(tuple_of(each["key"]))
        if not after:
            break
    yield tail_of(await server.assertions(store, document["id"]))


async def from_stores(stores: AuthorizationStores, realm: str, store: str) -> AsyncIterator[str]:
    """Yield a store of a database as the pieces of a file."""
    found = await stores.find(realm, store)
    document = await stores.model(realm, store)
    yield head_of(found.name, read_document(document.document.encode()))
    after: Relationship | None = None
    while page := await stores.read(ReadRelationships(realm, store, after=after, limit=_PAGE)):
        for each in page:
            yield line_of(each)
        after = page[-1]
    yield tail_of(json.loads(await stores.assertions(realm, store, document.model)))


def _test(number: int, assertion: Json) -> str:
    return "".join(_test_lines(number, assertion))


def _test_lines(number: int, assertion: Json) -> Iterator[str]:
    key = assertion["tuple_key"]
    yield f"  - name: {json.dumps(f'assertion {number}')}\n"
    contextual = assertion.get("contextual_tuples") or []
    if contextual:
        yield f"    tuples: {json.dumps(contextual, ensure_ascii=False)}\n"
    check: Json = {"user": key["user"], "object": key["object"]}
    if assertion.get("context"):
        check["context"] = assertion["context"]
    check["assertions"] = {key["relation"]: bool(assertion.get("expectation"))}
    yield f"    check: [{json.dumps(check, ensure_ascii=False)}]\n"
