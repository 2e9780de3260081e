"""The shape of a bus driver plug-in: one file, one object, which speaks one broker's protocol.

Flow: `keystead serve` starts the driver of its configuration. The driver answers the broker's question *who is this?*
from `Admission`, and ends connections whose standing is gone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from keystead.bus.admission import Admission
from keystead.bus.settings import BusSettings
from keystead.core.decisions import Journal
from keystead.storage.ports import Store


@dataclass(frozen=True, slots=True)
class BusContext:
    """What a driver works with."""

    settings: BusSettings
    admission: Admission
    store: Store
    journal: Journal


class RunningBus(ABC):
    """A driver at work."""

    @abstractmethod
    async def close(self) -> None:
        """Stop. Connections that are admitted stay; nobody new gets in."""


class BusDriver(ABC):
    """One kind of broker. `name` is what `bus.driver` says."""

    name: ClassVar[str]

    @abstractmethod
    async def start(self, context: BusContext) -> RunningBus:
        """Begin to admit, and go on until closed, also when the broker is away for a while.

        Raises: ConfigurationError when the broker's keys or address cannot be used.
        """
