"""Refresh families: one row each, so that a fork has nowhere to live.

The row knows the live member (`generation`, `digest`) and the digest it took the place of. Generations are counters,
never times: a clock that jumps revives nothing.
"""

from __future__ import annotations

from typing import Final

from keystead.storage.documents import require_text
from keystead.storage.ports import (
    FamilyView,
    LookAtFamily,
    Replaced,
    Reused,
    RevokeFamily,
    Rotate,
    Rotated,
    StartFamily,
    Superseded,
    WrongBinding,
)
from keystead.storage.sql.statement import Steps

START: Final = """
INSERT INTO families (realm, family, generation, digest, previous_digest, binding, rotated_at, expires_at)
VALUES (?, ?, 1, ?, '', ?, ?, ?)"""

ROTATE: Final = """
UPDATE families SET generation = generation + 1, previous_digest = digest, digest = ?, rotated_at = ?, expires_at = ?
WHERE realm = ? AND family = ? AND generation = ? AND digest = ? AND binding = ?
AND revoked_at IS NULL AND expires_at > ? RETURNING generation"""

REPLACE: Final = """
UPDATE families SET digest = ?, expires_at = ?
WHERE realm = ? AND family = ? AND generation = ? AND previous_digest = ? AND revoked_at IS NULL RETURNING generation"""

REVOKE: Final = """
UPDATE families SET revoked_at = ?
WHERE realm = ? AND family = ? AND revoked_at IS NULL AND expires_at > ? RETURNING 1"""

LOOK: Final = """
SELECT generation, digest, previous_digest, binding, rotated_at, revoked_at, expires_at FROM families
WHERE realm = ? AND family = ? AND expires_at > ?"""

Rotation = Rotated | Replaced | Superseded | Reused | WrongBinding | None


def start_family(operation: StartFamily) -> Steps[None]:
    """Begin a family with one live member."""
    realm, family = require_text(operation.realm), require_text(operation.family)
    yield START, (realm, family, operation.digest, operation.binding, operation.now, operation.expires_at)


def rotate(operation: Rotate) -> Steps[Rotation]:
    """Apply the refresh rule. The usual case, the live member, is the one conditional UPDATE at the top."""
    now = operation.now
    key = (operation.realm, operation.family)
    offered = (operation.generation, operation.digest)
    rows = yield (
        ROTATE,
        (operation.successor, now, operation.expires_at, *key, *offered, operation.binding, now),
    )
    if rows:
        return Rotated(rows[0][0])
    rows = yield LOOK, (*key, now)
    if not rows:
        return None
    generation, _, previous_digest, binding, rotated_at, revoked_at, _ = rows[0]
    if binding != operation.binding:
        return WrongBinding()
    if revoked_at is not None:
        return Reused(first=False)
    if operation.generation == generation:
        return Superseded()
    if offered == (generation - 1, previous_digest) and now < rotated_at + operation.retry_window:
        yield REPLACE, (operation.successor, operation.expires_at, *key, generation, operation.digest)
        return Replaced(generation)
    yield REVOKE, (now, *key, now)
    return Reused(first=True)


def look_at_family(operation: LookAtFamily) -> Steps[FamilyView | None]:
    """Look at a family's row."""
    rows = yield LOOK, (operation.realm, operation.family, operation.now)
    if not rows:
        return None
    generation, digest, _, binding, _, revoked_at, expires_at = rows[0]
    return FamilyView(generation, digest, binding, revoked_at is not None, expires_at)


def revoke_family(operation: RevokeFamily) -> Steps[bool]:
    """End a family for good."""
    return bool((yield REVOKE, (operation.now, operation.realm, operation.family, operation.now)))
