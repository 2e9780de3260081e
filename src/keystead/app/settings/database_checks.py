"""What `server.database` must not say: no backend at all, or a database reached over a network nobody has verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from keystead.app.settings.document import Place
from keystead.storage.postgres.address import SCHEMES, VERIFIED, hosts, ssl_mode, stays_here


class DatabaseSettings(NamedTuple):
    """What a section (`server`, `gateway`) says about where it keeps its things."""

    section: str
    url: str
    key_encryption_key: str
    unverified_allowed: bool

    def at(self, key: str) -> Place:
        """Return the place of a key of the section."""
        return (self.section, key)


def database_problems(said: DatabaseSettings) -> Iterator[tuple[Place, str]]:
    """Return everything wrong with where something is kept."""
    if said.url.startswith(SCHEMES):
        yield from _postgres_problems(said)
    elif not said.url.startswith(("sqlite:///", "memory:")):
        yield (
            said.at("database"),
            "write sqlite:///FILE (three slashes and a path), postgresql://HOST/DATABASE, or memory://",
        )


def _postgres_problems(said: DatabaseSettings) -> Iterator[tuple[Place, str]]:
    if not said.key_encryption_key:
        yield (
            said.at("key_encryption_key"),
            "PostgreSQL needs a key file that every node has: make one with `keystead keys new-encryption-key "
            "/etc/keystead/kek` and write `key_encryption_key: file:/etc/keystead/kek`",
        )
    try:
        named, here, mode = hosts(said.url), stays_here(said.url), ssl_mode(said.url)
    except ValueError as error:
        yield said.at("database"), f"this is no URL ({error}); write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        return
    if not named:
        yield said.at("database"), "name the host (postgresql://HOST/DATABASE) or its socket (?host=/run/postgresql)"
    if not here and mode not in ("", VERIFIED) and not said.unverified_allowed:
        yield (
            said.at("database"),
            f"sslmode={mode} lets others on the network read and answer in the database's place; leave it out "
            "(verify-full is then used; name a private authority with `sslrootcert=FILE`), or set "
            "`danger_allow_unverified_database: true`",
        )
