"""What died before its time, and how the news travels."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from keystead.core.records.record import Record


class RevokedToken(Record, frozen=True, kw_only=True):
    """A revoked access token. Its `id` is the `jti`; it expires when the token would have."""

    kind: ClassVar[str] = "revoked_token"


REVOCATION_TOPIC = "revocation"


class Revocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a `revocation` event in the outbox.

    What ended: `kind` is `token` (id: jti), `grant` (gid), `session` (sid), `account` (sub), `client` (client_id),
    `workload` (its name), `key` (kid) or `realm`. Tokens standing on it are refused from now on, and of a session, an
    account, a client, a workload and a realm those issued before now.
    What only changed, so that a long connection should be judged anew: `role_assignment` (a workload's roles),
    `client_change`, `workload_change`.
    """

    kind: str
    id: str
    reason: str = ""
