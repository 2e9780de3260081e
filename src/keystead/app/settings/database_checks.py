"""What `server.database` must not say: no backend at all, or a database reached over a network nobody has verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from keystead.app.settings.document import Place
from keystead.app.settings.server import ServerSettings
from keystead.storage.postgres.address import SCHEMES, VERIFIED, hosts, ssl_mode, stays_here

_DATABASE: Final[Place] = ("server", "database")


def database_problems(server: ServerSettings) -> Iterator[tuple[Place, str]]:
    """Return everything wrong with where the issuer keeps its things."""
    url = server.database
    if url.startswith(SCHEMES):
        yield from _postgres_problems(server)
    elif not url.startswith(("sqlite:///", "memory:")):
        yield _DATABASE, "write sqlite:///FILE (three slashes and a path), postgresql://HOST/DATABASE, or memory://"


def _postgres_problems(server: ServerSettings) -> Iterator[tuple[Place, str]]:
    if not server.key_encryption_key:
        yield (
            ("server", "key_encryption_key"),
            "PostgreSQL needs a key file that every node has: make one with `keystead keys new-encryption-key "
            "/etc/keystead/kek` and write `key_encryption_key: file:/etc/keystead/kek`",
        )
    try:
        named, here, mode = hosts(server.database), stays_here(server.database), ssl_mode(server.database)
    except ValueError as error:
        yield _DATABASE, f"this is no URL ({error}); write postgresql://USER:PASSWORD@HOST:5432/DATABASE"
        return
    if not named:
        yield _DATABASE, "name the host (postgresql://HOST/DATABASE) or its socket (?host=/run/postgresql)"
    if not here and mode not in ("", VERIFIED) and not server.danger_allow_unverified_database:
        yield (
            _DATABASE,
            f"sslmode={mode} lets others on the network read and answer in the database's place; leave it out "
            "(verify-full is then used; name a private authority with `sslrootcert=FILE`), or set "
            "`danger_allow_unverified_database: true`",
        )
