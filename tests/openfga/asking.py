"""One store of the API, asked through any wire: for tests that say what they send and what must come back."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.openfga.matrix import Ask, Json

DIRECT: Final[Json] = {"this": {}}


def relation(*types: Json | str) -> Json:
    """Return the metadata of a relation that tuples may be written to."""
    return {"directly_related_user_types": [{"type": each} if isinstance(each, str) else each for each in types]}


MODEL: Final[Json] = {
    "schema_version": "1.1",
    "type_definitions": [
        {"type": "user"},
        {
            "type": "group",
            "relations": {"member": DIRECT},
            "metadata": {"relations": {"member": relation("user", {"type": "group", "relation": "member"})}},
        },
        {
            "type": "folder",
            "relations": {"viewer": DIRECT},
            "metadata": {"relations": {"viewer": relation("user")}},
        },
        {
            "type": "document",
            "relations": {
                "parent": DIRECT,
                "owner": DIRECT,
                "blocked": DIRECT,
                "visitor": DIRECT,
                "viewer": {
                    "union": {
                        "child": [
                            DIRECT,
                            {"computedUserset": {"object": "", "relation": "owner"}},
                            {
                                "tupleToUserset": {
                                    "tupleset": {"object": "", "relation": "parent"},
                                    "computedUserset": {"object": "", "relation": "viewer"},
                                }
                            },
                        ]
                    }
                },
                "reader": {
                    "difference": {
                        "base": {"computedUserset": {"relation": "viewer"}},
                        "subtract": {"computedUserset": {"relation": "blocked"}},
                    }
                },
            },
            "metadata": {
                "relations": {
                    "parent": relation("folder"),
                    "owner": relation("user"),
                    "blocked": relation("user"),
                    "visitor": relation({"type": "user", "condition": "of_age"}),
                    "viewer": relation(
                        "user", {"type": "user", "wildcard": {}}, {"type": "group", "relation": "member"}
                    ),
                }
            },
        },
    ],
    "conditions": {
        "of_age": {
            "name": "of_age",
            "expression": "age >= limit",
            "parameters": {"age": {"type_name": "TYPE_NAME_INT"}, "limit": {"type_name": "TYPE_NAME_INT"}},
        }
    },
}


def key(text: str, **more: Any) -> Json:
    """Return the tuple `object#relation@user` as a message."""
    object, _, rest = text.partition("#")
    name, _, user = rest.partition("@")
    return {"object": object, "relation": name, "user": user, **more}


class Asking:
    """A store, and what is asked of it."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.store = ""
        self.model = ""

    async def set_up(self, model: Json = MODEL) -> None:
        """Make the store and its model."""
        status, made = await self.at("POST", "/stores", {"name": "shop"})
        assert status == 201, made
        self.store = made["id"]
        status, made = await self.post("authorization-models", model)
        assert status == 201, made
        self.model = made["authorization_model_id"]

    async def at(self, method: str, path: str, document: Json | None = None) -> tuple[int, Json]:
        """Send a request to any path."""
        status, body = await self._ask(method, path, document)
        return status, json.loads(body) if body else {}

    async def post(self, name: str, document: Json) -> tuple[int, Json]:
        """Send a POST to an endpoint of the store."""
        return await self.at("POST", f"/stores/{self.store}/{name}", document)

    async def get(self, name: str) -> tuple[int, Json]:
        """Send a GET to an endpoint of the store."""
        return await self.at("GET", f"/stores/{self.store}/{name}")

    async def write(self, *tuples: str, **more: Any) -> tuple[int, Json]:
        """Write tuples."""
        return await self.post("write", {"writes": {"tuple_keys": [key(text) for text in tuples], **more}})

    async def check(self, text: str, **more: Any) -> Any:
        """Check, and return yes or no, or the code of the error."""
        status, answer = await self.post("check", {"tuple_key": key(text), **more})
        return answer["allowed"] if status == 200 else answer["code"]
