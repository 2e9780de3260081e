"""How often somebody was wrong lately."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class Throttle(Record, frozen=True, kw_only=True):
    """Failures in a row of one bucket. Its `id` is a digest of what is counted (an account name, an address).

    Every attempt counts as a failure before it is judged, so that parallel guesses cannot outrun the count.
    `blocked_until` is when the next attempt may be made.
    """

    kind: ClassVar[str] = "throttle"

    failures: int = 0
    last_failure_at: EpochSeconds = EpochSeconds(0)
    blocked_until: EpochSeconds = EpochSeconds(0)
