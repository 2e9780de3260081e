"""Who may have transaction tokens in a realm, for which trust domain."""

from __future__ import annotations

import msgspec

from keystead.core.values import Seconds


class TransactionRules(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Transaction tokens: the context of one call from outside, carried unchanged through a chain of services.

    `trust_domain` is the audience of all of them; empty serves none. `from` names the clients or workloads that may
    ask for one, usually the gateway; `replaced_by` those that may narrow one further in. `lifetime` is in seconds.
    Spec: draft-ietf-oauth-transaction-tokens.
    """

    trust_domain: str = ""
    sources: tuple[str, ...] = msgspec.field(name="from", default=())
    replaced_by: tuple[str, ...] = ()
    lifetime: Seconds = Seconds(30)
