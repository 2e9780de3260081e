"""x-fapi-interaction-id: one name for a call in the logs of both ends.

Spec: FAPI 1.0 Part 1 section 6.2.1 (11), which FAPI-CIBA resources follow.
"""

from __future__ import annotations

import re
import uuid
from typing import Final

from keystead.core.http import Headers, Request

HEADER: Final = b"x-fapi-interaction-id"
_UUID: Final = re.compile(rb"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def interaction_id(request: Request, *, always: bool = False) -> Headers:
    """Return the header of the reply: what the caller sent, if it is a UUID, or (`always`) a fresh one."""
    for name, value in request.headers:
        if name == HEADER and _UUID.fullmatch(value):
            return ((HEADER, value),)
    return ((HEADER, str(uuid.uuid4()).encode()),) if always else ()
