"""The key ring over both backends: made once, rotated with overlap, kept until the last token is dead."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import msgspec
import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.jose.jws import read, sign
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.records.api import Api
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.revocation import REVOCATION_TOPIC
from keystead.core.records.signing_key import SigningKey
from keystead.core.sealing import AesGcmSealer
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.key_schedule import KEPT_AT_LEAST, PUBLISHED_AHEAD
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.memory import MemoryStore
from keystead.storage.ports import Store, Write, find, put, read_outbox
from keystead.storage.sqlite import open_store

T0: Final = EpochSeconds(1_800_000_000)
DAY: Final = 86_400
SEALER: Final = AesGcmSealer(bytes(range(32)))
BACKENDS: Final[dict[str, Callable[[Path], Store]]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: open_store(str(folder / "keystead.db")),
}


async def keep(store: Store, *records: Record) -> None:
    """Store records."""

    def transaction() -> Write[None]:
        for record in records:
            yield from put(record, T0)

    await store.write(transaction)


def at(seconds: float) -> EpochSeconds:
    """Return a time after the beginning."""
    return EpochSeconds(T0 + int(seconds))


@pytest.fixture(params=BACKENDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """A store with one realm."""
    opened = BACKENDS[request.param](tmp_path)
    await keep(opened, Realm(realm="acme", id="acme", key_rotation_interval=Seconds(30 * DAY)))
    yield opened
    await opened.close()


async def kids(ring: StoreKeyRing, now: EpochSeconds) -> set[str]:
    """Return the names of all published keys."""
    return {key.kid for key in await ring.published("acme", now)}


async def test_the_first_key_is_made_once_and_found_again(store: Store) -> None:
    rings = [StoreKeyRing(store, SEALER) for _ in range(4)]
    signers = await asyncio.gather(*(ring.signer("acme", T0) for ring in rings for _ in range(8)))
    assert len({key.kid for key in signers}) == 1
    assert {key.kid for key in await rings[0].published("acme", T0)} == {signers[0].kid}
    assert signers[0].algorithm == "ES256"


async def test_the_key_document_is_never_empty_and_the_same_object_while_unchanged(store: Store) -> None:
    ring = StoreKeyRing(store, SEALER)
    first = await ring.key_set("acme", T0)
    assert len(first.keys) == 1
    assert await ring.key_set("acme", at(5)) is first
    assert (await ring.published("acme", at(5))) is first.keys
    assert (await ring.signer("acme", T0)) is (await ring.signer("acme", at(1)))


async def test_what_the_signer_signs_the_published_keys_verify(store: Store) -> None:
    ring = StoreKeyRing(store, SEALER)
    for algorithm in ("", "EdDSA", "RS256", "PS256"):
        token = sign({"a": 1}, await ring.signer("acme", T0, algorithm), "at+jwt")
        assert isinstance(read(token, keys=await ring.key_set("acme", T0), typ={"at+jwt"}), VerifiedToken)
    with pytest.raises(ValueError, match="algorithm"):
        await ring.signer("acme", T0, "HS256")


async def test_private_keys_are_sealed_at_rest(store: Store) -> None:
    await StoreKeyRing(store, SEALER).signer("acme", T0)
    record = (await store.read(find(SigningKey, "acme", T0)))[0]
    assert b"PRIVATE" not in record.sealed_private_key
    assert "d" not in record.public_jwk
    assert b"PRIVATE" in (SEALER.open("acme", "signing_key", record.id, record.sealed_private_key) or b"")
    assert SEALER.open("other", "signing_key", record.id, record.sealed_private_key) is None
    stranger = StoreKeyRing(store, AesGcmSealer(os.urandom(32)))
    with pytest.raises(ConfigurationError, match="key_encryption_key"):
        await stranger.signer("acme", T0)


@pytest.mark.spec("RFC 7517 section 5")
async def test_rotation_publishes_before_it_signs_and_keeps_until_the_last_token_is_dead(store: Store) -> None:
    ring = StoreKeyRing(store, SEALER)
    first = await ring.signer("acme", T0)
    due = 30 * DAY - PUBLISHED_AHEAD
    assert (await ring.signer("acme", at(due - 1))).kid == first.kid
    assert len(await kids(ring, at(due - 1))) == 1
    assert (await ring.signer("acme", at(due))).kid == first.kid
    both = await kids(ring, at(due))
    assert len(both) == 2
    assert (await ring.signer("acme", at(30 * DAY - 1))).kid == first.kid
    second = await ring.signer("acme", at(30 * DAY))
    assert second.kid in both - {first.kid}
    assert await kids(ring, at(30 * DAY + KEPT_AT_LEAST - 1)) == both
    assert await kids(ring, at(30 * DAY + KEPT_AT_LEAST)) == {second.kid}


async def test_a_retired_key_outlives_the_longest_token_of_any_api(store: Store) -> None:
    await keep(store, Api(realm="acme", id="https://slow.example", access_token_lifetime=5 * DAY))
    ring = StoreKeyRing(store, SEALER)
    first = await ring.signer("acme", T0)
    await ring.rotate("acme", at(10), immediately=True)
    assert first.kid in await kids(ring, at(5 * DAY))
    assert first.kid not in await kids(ring, at(5 * DAY + 10))


async def test_rotating_by_hand(store: Store) -> None:
    ring = StoreKeyRing(store, SEALER)
    first = await ring.signer("acme", T0)
    waiting = await ring.rotate("acme", at(10))
    assert (await ring.rotate("acme", at(20))).id == waiting.id
    assert (await ring.signer("acme", at(30))).kid == first.kid
    now_signing = await ring.rotate("acme", at(40), immediately=True)
    assert now_signing.id == waiting.id
    assert (await ring.signer("acme", at(40))).kid == waiting.id
    third = await ring.rotate("acme", at(50), immediately=True)
    assert {first.kid, waiting.id, third.id} == await kids(ring, at(50))
    assert (await ring.rotate("acme", at(60), "EdDSA")).signs_from == at(60)


async def test_a_change_by_another_process_is_seen_at_once(store: Store) -> None:
    ours, theirs = StoreKeyRing(store, SEALER), StoreKeyRing(store, SEALER)
    before = await ours.key_set("acme", T0)
    rotated = await theirs.rotate("acme", T0, immediately=True)
    assert (await ours.key_set("acme", T0)) is not before
    assert rotated.id in await kids(ours, T0)
    assert (await ours.signer("acme", at(1))).kid == rotated.id


async def test_a_leaked_key_is_withdrawn_at_once_and_the_next_one_signs(store: Store) -> None:
    ring = StoreKeyRing(store, SEALER)
    leaked = await ring.signer("acme", T0)
    assert await ring.withdraw("acme", leaked.kid, at(1))
    second = await ring.signer("acme", at(1))
    assert await kids(ring, at(1)) == {second.kid} != {leaked.kid}
    waiting = await ring.rotate("acme", at(2))
    assert await ring.withdraw("acme", second.kid, at(3))
    assert (await ring.signer("acme", at(3))).kid == waiting.id
    assert await kids(ring, at(3)) == {waiting.id}
    unused = await ring.rotate("acme", at(4))
    assert await ring.withdraw("acme", unused.id, at(5))
    assert (await ring.signer("acme", at(5))).kid == waiting.id
    assert not await ring.withdraw("acme", leaked.kid, at(6))
    assert not await ring.withdraw("acme", "other", at(6))
    news = [msgspec.json.decode(event.payload) for event in await store.read(read_outbox(REVOCATION_TOPIC))]
    assert [item["id"] for item in news] == [leaked.kid, second.kid, unused.id]
    assert {item["kind"] for item in news} == {"key"}


async def test_another_algorithm_or_realm_has_its_own_keys(store: Store) -> None:
    await keep(store, Realm(realm="other", id="other", signing_algorithm="EdDSA", key_rotation_interval=Seconds(0)))
    ring = StoreKeyRing(store, SEALER)
    key = await ring.signer("other", T0)
    assert key.algorithm == "EdDSA"
    assert key.kid not in await kids(ring, T0)
    assert (await ring.signer("other", at(9_999 * DAY))).kid == key.kid
    with pytest.raises(LookupError, match="no realm"):
        await ring.signer("nowhere", T0)


async def test_many_rotations_at_once_make_one_next_key(store: Store) -> None:
    rings = [StoreKeyRing(store, SEALER) for _ in range(8)]
    await rings[0].signer("acme", T0)
    due = at(30 * DAY - 60)
    await asyncio.gather(*(ring.signer("acme", due) for ring in rings for _ in range(4)))
    assert len(await kids(rings[0], due)) == 2


SIGN_ONCE: Final = """
import asyncio, sys
from keystead.core.jose.jws import sign
from keystead.core.sealing import AesGcmSealer
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.sqlite import open_store

async def main() -> None:
    store = open_store(sys.argv[1])
    ring = StoreKeyRing(store, AesGcmSealer(bytes(range(32))))
    print("ready", flush=True)
    sys.stdin.readline()
    for second in range(0, 40):
        key = await ring.signer("acme", 1_800_000_000 + second * 86_400)
        published = {public.kid for public in await ring.published("acme", 1_800_000_000 + second * 86_400)}
        assert key.kid in published, "signs with a key that is not published"
        print(second, key.kid)
    await store.close()

asyncio.run(main())
"""


async def test_several_processes_agree_on_every_key_through_a_rotation(tmp_path: Path) -> None:
    path = str(tmp_path / "keystead.db")
    store = open_store(path)
    await keep(store, Realm(realm="acme", id="acme", key_rotation_interval=Seconds(30 * DAY)))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SIGN_ONCE, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0] for process in processes}
    assert all(process.returncode == 0 for process in processes)
    lines = {line for text in said for line in text.splitlines()}
    first_days = {line.split()[1] for line in lines if int(line.split()[0]) < 29}
    assert len(first_days) == 1
    assert len(await store.read(find(SigningKey, "acme", T0))) == 2
    await store.close()
