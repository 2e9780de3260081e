"""How sure we are of a person: `acr`, `amr` and `auth_time`, computed from evidence and never stored as a claim.

Shape: the levels are `0` (nothing proved), `1` (one kind of factor) and `2` (two different kinds); a realm may give
them names of its own, which are then what requests ask for and tokens say.
Spec: OpenID Connect Core section 2 (acr, amr, auth_time), RFC 8176 (method names), RFC 6711 (names of levels).
Does not: know how a method is checked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keystead.core.records.session import Evidence
from keystead.core.values import EpochSeconds

ACR_NONE: Final = "0"
ACR_SINGLE_FACTOR: Final = "1"
ACR_TWO_FACTORS: Final = "2"
LEVELS: Final = (ACR_NONE, ACR_SINGLE_FACTOR, ACR_TWO_FACTORS)
ACR_VALUES: Final = (ACR_SINGLE_FACTOR, ACR_TWO_FACTORS)
"""What a sign-in here can reach today."""

MULTIPLE: Final = "mfa"
_KNOWN: Final = frozenset({"pwd", "pin", "kba"})
_INHERENT: Final = frozenset({"bio", "face", "fpt", "iris", "retina", "vbm"})


class Assurance(msgspec.Struct, frozen=True):
    """What evidence amounts to."""

    acr: str
    amr: tuple[str, ...]
    auth_time: EpochSeconds


def assurance(evidence: Sequence[Evidence], names: Mapping[str, str] | None = None) -> Assurance:
    """Return what this evidence amounts to; `auth_time` is the latest time the person actively proved something.

    `names` are the realm's names for the levels. Two kinds of factor (something known, had, inherent) make level 2,
    and `amr` then says `mfa` beside the methods; two of one kind do not.
    """
    if not evidence:
        return Assurance(acr_name(ACR_NONE, names), (), EpochSeconds(0))
    methods = {item.method for item in evidence}
    several = len({_kind(method) for method in methods}) > 1
    level = ACR_TWO_FACTORS if several else ACR_SINGLE_FACTOR
    amr = tuple(sorted(methods | {MULTIPLE} if several else methods))
    return Assurance(acr_name(level, names), amr, max(item.at for item in evidence))


def acr_name(level: str, names: Mapping[str, str] | None = None) -> str:
    """Return what a realm calls a level."""
    return (names or {}).get(level, level)


def acr_values_supported(names: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Return what can be asked for, in the realm's names."""
    return tuple(acr_name(level, names) for level in ACR_VALUES)


def _kind(method: str) -> str:
    """Return which kind of factor a method is. Whatever is neither known nor inherent is had."""
    return "known" if method in _KNOWN else "inherent" if method in _INHERENT else "had"


def with_evidence(evidence: Sequence[Evidence], fresh: Evidence) -> tuple[Evidence, ...]:
    """Return the evidence with `fresh` in place of an older proof by the same method."""
    return (*(item for item in evidence if item.method != fresh.method), fresh)
