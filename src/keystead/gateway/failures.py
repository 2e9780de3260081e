"""Ways in which an upstream fails us, and what the browser is told: a status and no detail."""

from __future__ import annotations

from enum import Enum


class Failure(Enum):
    """Why there is no response. The value is the status for the browser and the slug for the journal."""

    REFUSED = (502, "upstream.unreachable")
    CONNECT_TIMEOUT = (504, "upstream.connect_timeout")
    RESPONSE_TIMEOUT = (504, "upstream.response_timeout")
    CLOSED = (502, "upstream.closed")
    MALFORMED = (502, "upstream.malformed")
    HEAD_TOO_LARGE = (502, "upstream.head_too_large")
    BUSY = (503, "upstream.busy")

    @property
    def status(self) -> int:
        """The status for the browser."""
        return self.value[0]

    @property
    def reason(self) -> str:
        """The slug for the journal."""
        return self.value[1]
