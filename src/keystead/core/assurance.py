"""How sure we are of a person: `acr`, `amr` and `auth_time`, computed from evidence and never stored as a claim.

Spec: OpenID Connect Core section 2 (acr, amr, auth_time), RFC 8176 (method names).
Does not: know how a method is checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from keystead.core.records.session import Evidence
from keystead.core.values import EpochSeconds

ACR_NONE: Final = "0"
ACR_SINGLE_FACTOR: Final = "1"
ACR_VALUES: Final = (ACR_NONE, ACR_SINGLE_FACTOR)


class Assurance(msgspec.Struct, frozen=True):
    """What evidence amounts to."""

    acr: str
    amr: tuple[str, ...]
    auth_time: EpochSeconds


def assurance(evidence: Sequence[Evidence]) -> Assurance:
    """Return what this evidence amounts to; `auth_time` is the latest time the person actively proved something."""
    if not evidence:
        return Assurance(ACR_NONE, (), EpochSeconds(0))
    methods = tuple(sorted({item.method for item in evidence}))
    return Assurance(ACR_SINGLE_FACTOR, methods, max(item.at for item in evidence))


def with_evidence(evidence: Sequence[Evidence], fresh: Evidence) -> tuple[Evidence, ...]:
    """Return the evidence with `fresh` in place of an older proof by the same method."""
    return (*(item for item in evidence if item.method != fresh.method), fresh)
