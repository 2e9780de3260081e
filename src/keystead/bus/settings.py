"""The `bus` section of the configuration file."""

from __future__ import annotations

import msgspec


class BusSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The message bus that `keystead serve` admits workloads to.

    `driver` names the kind of broker. `url` is where it listens, `realm` whose workloads it serves, `audience` what
    their tokens must be made for; each workload with a bus role lists it in its `audiences`.
    `directory` holds the broker's keys (`keystead bus prepare` makes them and the broker's configuration).
    `reconcile_every` is how often, in seconds, every connection is looked at again even without news.
    """

    driver: str = "nats"
    url: str = "nats://127.0.0.1:4222"
    realm: str
    audience: str
    directory: str
    reconcile_every: int = 30
