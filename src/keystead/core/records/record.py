"""What every stored document has: a realm, an id, a version, perhaps an expiry, and declared indexes."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.values import EpochSeconds


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A stored document.

    `kind` names the collection. `indexes` names fields (a text, or a tuple of texts) that can be looked up;
    `unique_indexes` those of which two records of one realm and kind may not share a value (empty texts are not
    indexed). `cached` marks kinds that change rarely and are read on every request: backends keep them in memory,
    validated against a revision in the database.
    """

    kind: ClassVar[str]
    indexes: ClassVar[tuple[str, ...]] = ()
    unique_indexes: ClassVar[tuple[str, ...]] = ()
    cached: ClassVar[bool] = False

    realm: str
    id: str
    version: int = 0
    expires_at: EpochSeconds | None = None
