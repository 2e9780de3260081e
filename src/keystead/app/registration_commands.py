"""What `keystead registration` does to a database, beside running servers or without any."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from keystead.app.convergence.difference import all_of
from keystead.app.database import open_database
from keystead.app.settings import Settings
from keystead.core.errors import ConfigurationError
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.registration import FROM_A_DOCUMENT, REGISTERED, InitialAccessToken
from keystead.core.values import EpochSeconds, handle_digest, new_handle
from keystead.oauth.registration.admission import INITIAL_PREFIX
from keystead.storage.ports import get, put

DAY = 86_400


class TokenWish(NamedTuple):
    """What an initial access token shall be."""

    name: str
    uses: int
    days: int


async def make_token(settings: Settings, path: Path, realm: str, wish: TokenWish, now: int) -> str:
    """Store an initial access token and return it."""
    if not realm and len(settings.realms) != 1:
        raise ConfigurationError(f"name one of the realms with --realm: {', '.join(settings.realms)}")
    name, at = realm or next(iter(settings.realms)), EpochSeconds(now)
    token = INITIAL_PREFIX + new_handle()
    record = InitialAccessToken(
        realm=name,
        id=handle_digest(token),
        name=wish.name,
        uses_left=wish.uses,
        expires_at=EpochSeconds(now + wish.days * DAY),
    )
    async with open_database(settings, path) as (store, _):
        if await store.read(get(Realm, name, name, at)) is None:
            raise ConfigurationError(f"there is no realm {name}; `keystead apply` makes those of the file")
        await store.write(lambda: put(record, at))
    return token


async def describe_clients(settings: Settings, path: Path, realm: str, now: int) -> list[str]:
    """Return a line for every client nobody wrote into the file."""
    records: list[Record] = []
    async with open_database(settings, path, make=False) as (store, _):
        for name in [realm] if realm else list(settings.realms):
            records += await store.read(all_of(Client, name, EpochSeconds(now)))
    clients = [record for record in records if isinstance(record, Client)]
    lines = [_describe(client) for client in clients if client.managed_by in (REGISTERED, FROM_A_DOCUMENT)]
    return lines or ["no client registered itself"]


def _describe(client: Client) -> str:
    since = datetime.fromtimestamp(client.client_id_issued_at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    state = "" if client.enabled else "  disabled"
    vouched = "nobody vouches for it" if client.self_registered else "vouched for"
    return f"{client.realm}  {client.id}  {client.client_name!r}  since {since}  {vouched}{state}"
