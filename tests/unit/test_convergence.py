"""Plan and apply: what the file says is what the store holds, once, and leaving a line out loses nothing."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from keystead.app.convergence import Change, apply, plan
from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError
from keystead.core.records.account import Account
from keystead.core.records.client import Client
from keystead.core.records.registration import InitialAccessToken
from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds, Secret, handle_digest
from keystead.identity.accounts import account_by_username
from keystead.identity.passwords import Argon2Passwords
from keystead.oauth.client_secrets import opened_secrets
from keystead.storage.ports import Store, get, put, read_outbox
from keystead.storage.sqlite import open_store

NOW = EpochSeconds(1_800_000_000)
CLIENTS = "{client_id: batch, client_secret: 'a long secret here', grant_types: [client_credentials]}"
USERS = "{username: alice, password: first password, roles: [customer]}, {username: bob}"
FILE = f"realms: {{acme: {{clients: [{CLIENTS}], users: [{USERS}], workloads: [{{name: orders}}]}}}}"


@dataclass
class World:
    """A store and what it takes to converge it."""

    store: Store
    sealer: AesGcmSealer
    passwords: Argon2Passwords

    async def apply(self, text: str, *, prune: bool = False, now: EpochSeconds = NOW) -> list[str]:
        changes = await apply(self.store, settings_from_text(text), self.sealer, self.passwords, now, prune=prune)
        return _said(changes)

    async def plan(self, text: str, *, prune: bool = False) -> list[str]:
        return _said(await plan(self.store, settings_from_text(text), self.sealer, NOW, prune=prune))

    async def account(self, username: str) -> Account | None:
        return await self.store.read(account_by_username("acme", username, NOW))


def _said(changes: list[Change]) -> list[str]:
    return [f"{change.verb} {change.kind}" for change in changes]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    store = open_store(str(tmp_path / "keystead.db"))
    passwords = Argon2Passwords()
    yield World(store, AesGcmSealer(secrets.token_bytes(32)), passwords)
    passwords.close()
    await store.close()


async def test_plan_says_what_apply_does_and_neither_repeats_itself(world: World) -> None:
    planned = await world.plan(FILE)
    assert planned == ["create realm", "create workload", "create client", "create account", "create account"]
    assert await world.plan(FILE) == planned, "a plan changes nothing"
    assert await world.apply(FILE) == planned
    assert await world.plan(FILE) == []
    assert await world.apply(FILE) == []


async def test_an_account_keeps_its_subject_and_its_password_hash(world: World) -> None:
    await world.apply(FILE)
    before = await world.account("alice")
    assert await world.apply(FILE.replace("roles: [customer]", "roles: [customer, support]")) == ["update account"]
    after = await world.account("alice")
    assert before is not None
    assert after is not None
    assert (after.id, after.password_hash, after.authority_epoch) == (before.id, before.password_hash, 0)
    assert after.roles == ("customer", "support")


async def test_a_new_password_replaces_the_hash_and_ends_what_the_old_one_opened(world: World) -> None:
    await world.apply(FILE)
    assert await world.apply(FILE.replace("first password", "second password")) == ["update account"]
    after = await world.account("alice")
    assert after is not None
    assert after.authority_epoch == 1
    assert await world.passwords.check(Secret("second password"), after.password_hash)
    assert not await world.passwords.check(Secret("first password"), after.password_hash)


async def test_a_password_the_person_changed_is_not_set_back(world: World) -> None:
    import msgspec

    from keystead.storage.ports import put

    await world.apply(FILE)
    before = await world.account("alice")
    assert before is not None
    own = await world.passwords.hash(Secret("a password of her own"))
    changed = msgspec.structs.replace(before, password_hash=own)
    await world.store.write(lambda: put(changed, NOW))
    assert await world.apply(FILE) == []
    after = await world.account("alice")
    assert after is not None
    assert after.password_hash == own


async def test_what_leaves_the_file_stays_until_pruned(world: World) -> None:
    await world.apply(FILE)
    without = FILE.replace(", {username: bob}", "")
    assert await world.apply(without) == []
    assert await world.account("bob") is not None
    assert await world.apply(without, prune=True) == ["delete account"]
    assert await world.account("bob") is None
    assert await world.account("alice") is not None


async def test_what_others_made_is_never_pruned(world: World) -> None:
    from keystead.storage.ports import put

    await world.apply(FILE)
    await world.store.write(lambda: put(Client(realm="acme", id="made-elsewhere"), NOW))
    assert await world.apply(FILE, prune=True) == []


async def test_taking_something_away_is_told_in_the_same_transaction(world: World) -> None:
    await world.apply(FILE)
    assert await world.store.read(read_outbox(REVOCATION_TOPIC)) == []
    changed = FILE.replace("{username: bob}", "{username: bob, enabled: false}")
    await world.apply(changed.replace("{name: orders}", "{name: orders, enabled: false}"))
    workload, account = [event.payload for event in await world.store.read(read_outbox(REVOCATION_TOPIC))]
    assert b'"kind":"workload","id":"orders"' in workload
    assert b'"kind":"account"' in account


async def test_two_processes_applying_the_same_file_make_each_thing_once(world: World, tmp_path: Path) -> None:
    import asyncio

    other = World(open_store(str(tmp_path / "keystead.db")), world.sealer, world.passwords)
    first, second = await asyncio.gather(world.apply(FILE), other.apply(FILE))
    await other.store.close()
    assert sorted((len(first), len(second))) == [0, 5]


async def test_no_secret_is_stored_in_the_clear(world: World, tmp_path: Path) -> None:
    await world.apply(FILE)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"a long secret here" not in kept
    assert b"first password" not in kept
    client = await world.store.read(get(Client, "acme", "batch", NOW))
    assert client is not None
    assert client.token_endpoint_auth_method == "client_secret"


async def test_what_is_exported_makes_the_same_records_again(world: World) -> None:
    import yaml

    from keystead.app.convergence.exported import export_realm

    rich = FILE.replace(
        "workloads: [{name: orders}]",
        "workloads: [{name: orders, roles: [{role: bus-sender, on: 'orders.>'}]}], "
        "apis: [{audience: 'https://a.example', scopes: [a:read], exchange: {from: [orders]}}]",
    )
    await world.apply(rich)
    document = await world.store.read(export_realm("acme", NOW))
    exported = yaml.safe_dump({"realms": {"acme": document}})
    assert "long secret" not in exported
    assert "argon2" not in exported
    with pytest.raises(ConfigurationError, match="client_secret"):
        await world.plan(exported)
    document["clients"][0]["client_secret"] = "a long secret here"
    assert await world.plan(yaml.safe_dump({"realms": {"acme": document}})) == [], "only the secret was missing"


async def test_a_client_of_people_without_scope_may_ask_for_what_the_file_opens_to_it(world: World) -> None:
    apis = (
        "{audience: 'https://a.example', scopes: [a:read], served_by: a, exchange: {from: [shop]}}, "
        "{audience: 'https://b.example', scopes: [b:read], exchange: {from: [a]}}, "
        "{audience: 'https://c.example', scopes: [c:read]}"
    )
    clients = (
        "{client_id: shop, client_secret: 'long enough for tests', redirect_uris: ['https://shop.example/cb']}, "
        "{client_id: batch, client_secret: 'long enough for tests', grant_types: [client_credentials]}"
    )
    await world.apply(f"realms: {{acme: {{workloads: [{{name: a}}], clients: [{clients}], apis: [{apis}]}}}}")
    shop = await world.store.read(get(Client, "acme", "shop", NOW))
    batch = await world.store.read(get(Client, "acme", "batch", NOW))
    assert shop is not None
    assert batch is not None
    assert shop.scope == "openid profile email a:read b:read"
    assert batch.scope == ""


async def test_a_secret_that_is_used_is_sealed_once_and_anew_when_it_changes(world: World) -> None:
    method = "token_endpoint_auth_method: client_secret_jwt, grant_types: [client_credentials]"
    text = f"realms: {{acme: {{clients: [{{client_id: j, client_secret: '%s', {method}}}]}}}}"
    await world.apply(text % ("a" * 40))
    first = await world.store.read(get(Client, "acme", "j", NOW))
    assert first is not None
    assert [secret.reveal() for secret in opened_secrets(first, world.sealer, NOW)] == ["a" * 40]
    assert await world.apply(text % ("a" * 40)) == []
    assert await world.apply(text % ("b" * 40)) == ["update client"]
    second = await world.store.read(get(Client, "acme", "j", NOW))
    assert second is not None
    assert [secret.reveal() for secret in opened_secrets(second, world.sealer, NOW)] == ["b" * 40]


async def test_tokens_for_registration_keep_count_and_go_when_pruned(world: World) -> None:
    token = "t" * 40
    text = f"realms: {{acme: {{registration: {{initial_access_tokens: [{{name: ci, token: {token}, uses: 3}}]}}}}}}"
    assert "create initial_access_token" in await world.apply(text)
    stored = await world.store.read(get(InitialAccessToken, "acme", handle_digest(token), NOW))
    assert stored is not None
    assert (stored.name, stored.uses_left) == ("ci", 3)
    await world.store.write(lambda: put(msgspec.structs.replace(stored, uses_left=1), NOW))
    assert await world.apply(text) == []
    kept = await world.store.read(get(InitialAccessToken, "acme", handle_digest(token), NOW))
    assert kept is not None
    assert kept.uses_left == 1
    assert await world.apply("realms: {acme: {}}", prune=True) == ["delete initial_access_token"]
