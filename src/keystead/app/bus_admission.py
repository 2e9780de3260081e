"""The issuer's part in a message bus: it answers the broker's question who may connect, and for what.

Does not: run a broker. The `bus` section says where one listens.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from keystead.app.composition import Issuer
from keystead.bus import drivers as drivers_folder
from keystead.bus.admission import Admission
from keystead.bus.driver import BusContext, BusDriver, RunningBus
from keystead.bus.settings import BusSettings
from keystead.core.decisions import Journal
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.oauth.catalogue import scan


async def start_bus(settings: BusSettings, directory: Path, issuer: Issuer, journal: Journal) -> RunningBus:
    """Begin to admit to the bus; whoever calls closes it. Relative paths start at `directory`.

    Raises: ConfigurationError for an unknown driver, or when the broker's keys cannot be used.
    """
    settings = beside(settings, directory)
    admission = Admission(
        store=issuer.store,
        keys=issuer.keys,
        realm=settings.realm,
        issuer=issuer.cx.issuer(settings.realm),
        audience=settings.audience,
        clock=lambda: EpochSeconds(int(time.time())),
    )
    return await driver_named(settings.driver).start(BusContext(settings, admission, issuer.store, journal))


def beside(settings: BusSettings, directory: Path) -> BusSettings:
    """Return the settings with the broker's directory taken from `directory`, unless it is absolute."""
    return msgspec.structs.replace(settings, directory=str(directory / settings.directory))


def driver_named(name: str) -> BusDriver:
    """Return the driver of that name. Raises: ConfigurationError naming those there are."""
    drivers: dict[str, BusDriver] = scan(drivers_folder, BusDriver, "name", facet="name")
    if name not in drivers:
        raise ConfigurationError(f"there is no driver `{name}`; there are: {', '.join(drivers)}", where="bus.driver")
    return drivers[name]
