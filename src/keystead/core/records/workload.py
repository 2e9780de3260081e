"""Workloads (service identities), their role assignments, and the agents that vouch for them."""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from keystead.core.records.record import Record


class RoleAssignment(msgspec.Struct, frozen=True):
    """One role on one thing: `bus-sender` on the subject pattern `orders.>`."""

    role: str
    on: str = ""


class Workload(Record, frozen=True, kw_only=True):
    """A service identity. Its `id` is its name, and the `client_id` and `sub` of its own tokens.

    `attest` is what the agent must find, attestor by attestor, for instance `{"unix": {"user": "orders"}}`.
    `scope` bounds what it may ask for with its own identity, `audiences` for whom.
    """

    kind: ClassVar[str] = "workload"
    cached: ClassVar[bool] = True

    enabled: bool = True
    attest: dict[str, dict[str, Any]] = {}
    roles: tuple[RoleAssignment, ...] = ()
    scope: str = ""
    audiences: tuple[str, ...] = ()
    managed_by: str = ""


class Agent(Record, frozen=True, kw_only=True):
    """A node agent. Its public keys, and the workloads it may vouch for; its private key never leaves its node."""

    kind: ClassVar[str] = "agent"
    cached: ClassVar[bool] = True

    enabled: bool = True
    jwks: dict[str, Any] = {}
    workloads: tuple[str, ...] = ()
    managed_by: str = ""
