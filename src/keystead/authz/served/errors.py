"""What a catalogue of stores raises beside `keystead.authz.errors`."""

from __future__ import annotations

from keystead.authz.errors import AuthorizationError


class UnknownStore(AuthorizationError):
    """The realm has no store of this id."""

    def __init__(self, store: str) -> None:
        super().__init__(f"there is no store {store}")
        self.store = store


class UnknownModel(AuthorizationError):
    """The store has no such model; `model` is empty when it has none at all."""

    def __init__(self, store: str, model: str = "") -> None:
        super().__init__(f"store {store} has no model {model}" if model else f"store {store} has no model yet")
        self.store = store
        self.model = model


class ForeignToken(AuthorizationError):
    """A consistency token is of another store, from a time that has not come, or was never ours."""


class KeptByConfiguration(AuthorizationError):
    """The store belongs to the configuration file; change it there."""
