"""Stamps: how something that is no access token leaves the /token pipeline, signed all the same.

Flow: a grant that proved its authority adds a `Stamp`; step 8 of the pipeline makes the usual claims, lets the stamp
turn them into its own, and signs them under the stamp's `typ`.
Does not: decide anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from keystead.core.tokens import AccessClaims

Members = Callable[[AccessClaims], dict[str, Any]]
"""Turns the claims an access token would have into those of the stamped token."""


class Stamp(msgspec.Struct, frozen=True):
    """The media type of what is issued, and its claims. Its `token_type` is `N_A`: nobody may present it as a bearer.

    Spec: RFC 8693 section 2.2.1.
    """

    typ: str
    members: Members
