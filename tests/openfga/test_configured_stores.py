"""`authz.stores` of a file: made, changed and taken away by plan and apply."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from keystead.app.convergence import apply, plan
from keystead.app.convergence.authorization import store_id
from keystead.app.settings import Settings
from keystead.app.settings.load import settings_from_text
from keystead.authz.served import AuthorizationStores, UnknownStore
from keystead.core.errors import ConfigurationError
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds
from keystead.identity.passwords import Argon2Passwords
from keystead.storage.memory import MemoryStore
from keystead.storage.ports import ReadRelationships, Relationship, WriteRelationships

NOW = EpochSeconds(1_790_000_000)
SEALER = AesGcmSealer(secrets.token_bytes(32))
SHOP = store_id("acme", "shop")
ALICE = Relationship("order:17", "owner", "user:alice")


FGA = """
        model
          schema 1.1
        type user
        type order
          relations
            define owner: """


def settings(*stores: str, model: str = "[user]") -> Settings:
    """Return settings with stores of the realm `acme`, all with one model."""
    realms, text = "realms: {acme: {}, rival: {}}\n", ""
    for name in stores:
        text += f"    {name}:\n      realm: acme\n      model: |{FGA}{model}\n"
    return settings_from_text(f"{realms}authz:\n  stores:\n{text}" if stores else realms)


async def applied(backend: MemoryStore, wanted: Settings, **more: Any) -> list[str]:
    """Apply settings and return what changed, as `plan` had said."""
    planned = await plan(backend, wanted, SEALER, NOW, **more)
    changes = await apply(backend, wanted, SEALER, Argon2Passwords(), NOW, **more)
    assert [(each.verb, each.kind) for each in planned] == [(each.verb, each.kind) for each in changes]
    return [f"{each.verb} {each.kind}" for each in changes if each.kind.startswith("authorization")]


async def test_a_store_keeps_its_id_and_gets_a_new_model_with_a_changed_file() -> None:
    backend = MemoryStore()
    stores = AuthorizationStores(backend, lambda: float(NOW))
    made = ["create authorization_model", "create authorization_store"]
    shown = [str(each) for each in await plan(backend, settings("shop"), SEALER, NOW)]
    assert f"+ acme: authorization_store {SHOP} shop" in shown
    assert await applied(backend, settings("shop")) == made
    assert await applied(backend, settings("shop")) == []
    first = (await stores.open("acme", SHOP)).model_id
    await stores.write(WriteRelationships("acme", SHOP, (ALICE,), (), NOW))
    changed = settings("shop", model="[user, user:*]")
    assert await applied(backend, changed) == ["create authorization_model", "update authorization_store"]
    opened = await stores.open("acme", SHOP)
    assert opened.model_id > first
    assert [each.model for each in await stores.models("acme", SHOP)] == [opened.model_id, first]
    assert await stores.read(ReadRelationships("acme", SHOP)) == [ALICE]


async def test_a_store_leaves_with_all_it_holds_and_only_when_pruned() -> None:
    backend = MemoryStore()
    stores = AuthorizationStores(backend, lambda: float(NOW))
    await applied(backend, settings("shop"))
    own = await stores.create("acme", "made by the API")
    await stores.write(WriteRelationships("acme", SHOP, (ALICE,), (), NOW))
    assert await applied(backend, settings()) == []
    assert await applied(backend, settings(), prune=True) == ["delete authorization_store"]
    with pytest.raises(UnknownStore):
        await stores.open("acme", SHOP)
    assert (await stores.find("acme", own.id)).name == "made by the API"
    await applied(backend, settings("shop"))
    assert await stores.read(ReadRelationships("acme", SHOP)) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{shop: {realm: nowhere}}", "there is no realm `nowhere`"),
        ("{shop: {realm: acme, model: 'type user'}}", "model"),
        ("{shop: {realm: acme, model_file: absent.fga}}", "cannot read the model"),
        ("{shop: {realm: acme, model: x, model_file: y}}", "exclude each other"),
        ("{a: {realm: acme, default: true}, b: {realm: acme, default: true}}", "is the default already"),
    ],
)
def test_a_store_that_cannot_be_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        settings_from_text(f"realms: {{acme: {{}}}}\nauthz: {{stores: {text}}}\n")
