"""A started issuer with stores of relationships in it, and people who may look at them, or may not.

alice edits, bob looks, carol may do neither; dave belongs to another realm with a store of its own.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from keystead.authz import read_model, relationship
from keystead.authz.language.json_form import to_json
from keystead.authz.served import AuthorizationStores
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship, WriteRelationships
from keystead.storage.sqlite import open_store
from tests.harness.configuration import new_secret
from tests.harness.databases import SQLITE
from tests.harness.issuer import RunningIssuer, issuer_in

SHOP = (Path(__file__).parents[1] / "cases" / "shop.fga").read_text()
TUPLES = (
    "order:17#owner@user:alice",
    "order:17#shop@shop:main",
    "order:18#owner@user:bob",
    "order:18#shop@shop:main",
    "order:18#gift_for@user:dora",
    "shop:main#clerk@team:staff#member",
    "shop:main#banned@user:mallory",
    "team:staff#member@user:carol",
    "team:staff#member@team:night#member",
    "team:night#member@user:erin",
    "team:night#member@user:mallory",
)


class Furnished:
    """The issuer, its stores, and the id of the shop's store."""

    def __init__(self, issuer: RunningIssuer, stores: AuthorizationStores) -> None:
        self.issuer = issuer
        self.stores = stores
        self.shop = ""
        self.hidden = ""

    @property
    def console(self) -> str:
        """Where the console is."""
        return f"{self.issuer.base_url}/admin"

    def page(self, name: str, store: str = "", realm: str = "acme") -> str:
        """Return the address of a page of a store."""
        return f"{self.console}/authz/{realm}/{store or self.shop}/{name}"

    def password(self, username: str) -> str:
        """Return somebody's password."""
        users = [user for realm in self.issuer.configuration["realms"].values() for user in realm["users"]]
        found: str = next(user["password"] for user in users if user["username"] == username)
        return found

    async def make(self, name: str, model: str, tuples: Iterable[str | Relationship] = (), realm: str = "acme") -> str:
        """Make a store with a model and tuples; return its id."""
        store = await self.stores.create(realm, name)
        if model:
            await self.stores.add_model(realm, store.id, msgspec.json.encode(to_json(read_model(model))))
        await self.write(store.id, tuples, realm)
        return store.id

    async def write(self, store: str, tuples: Iterable[str | Relationship], realm: str = "acme") -> None:
        """Write tuples, each as a revision of its own."""
        for each in tuples:
            written = (relationship(each) if isinstance(each, str) else each,)
            await self.stores.write(WriteRelationships(realm, store, written, (), EpochSeconds(int(time.time()))))


@asynccontextmanager
async def furnished_in(directory: Path) -> AsyncIterator[Furnished]:
    """Give a furnished issuer: a shop with people, clerks and orders, and a store of another realm."""
    async with issuer_in(directory, SQLITE) as issuer:
        users = issuer.realm["users"]
        users[0]["roles"], users[1]["roles"] = ["customer", "authz-editor"], ["authz-viewer"]
        users.append({"username": "carol", "password": new_secret(), "roles": ["customer"]})
        dave = {"username": "dave", "password": new_secret(), "roles": ["authz-editor"]}
        issuer.configuration["realms"]["other"] = {"users": [dave]}
        await issuer.start()
        store = open_store(str(directory / "keystead.db"))
        furnished = Furnished(issuer, AuthorizationStores(store, time.time))
        try:
            furnished.shop = await furnished.make("Corner shop", SHOP, TUPLES)
            furnished.hidden = await furnished.make("Secrets of others", SHOP, TUPLES[:1], "other")
            yield furnished
        finally:
            await store.close()
