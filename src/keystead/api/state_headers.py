"""The headers that say by which model, and in which state of its store, a question is answered."""

from __future__ import annotations

from typing import Final

from keystead.authz.served import revision_of
from keystead.core.http import Request

CONSISTENCY_TOKEN: Final = b"keystead-consistency-token"
"""Given with every write, and taken with every read: the answer then knows of that write."""
MODEL_HEADER: Final = b"openfga-authorization-model-id"
"""Which model answered; AuthZEN takes it too, to name one."""


def revision_asked(request: Request, store: str) -> int:
    """Return the revision an answer must know of; 0: any. Raises: ForeignToken."""
    tokens = (value for name, value in request.headers if name == CONSISTENCY_TOKEN)
    return max((revision_of(token.decode("latin-1"), store) for token in tokens), default=0)
