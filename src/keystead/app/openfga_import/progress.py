"""How far an import has come, in a file beside it: after a break it goes on where it was.

Does not: hold tuples or tokens. A page that was kept but not yet noted is kept again, which changes nothing.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from keystead.core.errors import ConfigurationError


class StoreProgress(msgspec.Struct):
    """One store: `stage` is `models`, `tuples` or `changes`; `after` where the next page of tuples begins.

    `began` is when tuples were first read: changes after it are applied last. `changes` is how far these were read.
    """

    name: str = ""
    stage: str = "models"
    after: str = ""
    copied: int = 0
    began: str = ""
    changes: str = ""


class Progress(msgspec.Struct):
    """An import: from where, into which realm, and each store by its id."""

    source: str
    realm: str
    stores: dict[str, StoreProgress] = {}


class ProgressFile:
    """Keeps a `Progress` in a file, replaced as a whole each time."""

    def __init__(self, path: Path, source: str, realm: str) -> None:
        self.path = path
        self.progress = self._read(source, realm)

    def save(self) -> None:
        """Write it down."""
        part = self.path.with_name(self.path.name + ".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(self.progress)))
        os.replace(part, self.path)

    def _read(self, source: str, realm: str) -> Progress:
        try:
            known = msgspec.json.decode(self.path.read_bytes(), type=Progress)
        except FileNotFoundError:
            return Progress(source, realm)
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigurationError(f"cannot read how far the import came: {error}", where=str(self.path)) from error
        if (known.source, known.realm) != (source, realm):
            raise ConfigurationError(
                f"this file belongs to an import from {known.source} into {known.realm}; name another with --state",
                where=str(self.path),
            )
        return known
