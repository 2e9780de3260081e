"""The API embedded over a memory store, with one store of the usual model."""

from __future__ import annotations

import pytest

from keystead.api.openfga import application
from keystead.storage.memory import MemoryStore
from tests.openfga.asking import Asking
from tests.openfga.wires import asgi_wire


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The time in the API."""
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> Asking:
    """A store of the API with a model."""
    asking = Asking(asgi_wire(application(MemoryStore(), clock=clock)))
    await asking.set_up()
    return asking
