"""Numbered migrations, the same for every SQL backend: where they are found, and which database may have them.

Does not: run one; a backend does, under its own lock. Nor go back: a database that a newer release has migrated is
refused, not guessed at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final, NamedTuple

from keystead.core.errors import ConfigurationError

KNOWN: Final = "SELECT number, name, checksum FROM migrations"


class Migration(NamedTuple):
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """The SHA-256 of its text, so that a file edited after its release is noticed."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def known_migrations(package: str) -> list[Migration]:
    """Read the migrations this release brings for a backend, in order."""
    folder = resources.files(package) / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [Migration(int(file.name[:4]), file.name.removesuffix(".sql"), file.read_text("utf-8")) for file in files]


def require_known(applied: Mapping[int, tuple[str, str]], migrations: Sequence[Migration], where: str) -> None:
    """Demand that every migration a database has is one of this release. `applied`: name and checksum by number.

    Raises: ConfigurationError.
    """
    known = {migration.number: migration for migration in migrations}
    for number, (name, checksum) in applied.items():
        migration = known.get(number)
        if migration is None:
            raise ConfigurationError(
                f"a newer Keystead has migrated this database ({name}); run that release or a newer one, "
                "or restore the backup taken before it",
                where=where,
            )
        if migration.checksum != checksum:
            raise ConfigurationError(
                f"migration {name} is not the one this database was made with; install an unmodified release",
                where=where,
            )
