"""What the `bus` section and the bus roles of workloads get wrong together."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.settings import Settings
from keystead.bus.permissions import RECEIVER, SENDER, require_subject_pattern


def bus_problems(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Demand that the bus's realm is here, and that whoever has a role on the bus can get a token for it."""
    bus = settings.bus
    if bus is None:
        return
    realm = settings.realms.get(bus.realm)
    if realm is None:
        yield ("bus", "realm"), f"there is no realm `{bus.realm}` in this file"
        return
    if not bus.audience:
        yield ("bus", "audience"), "a bus without an audience would take any service's token; write its resource URI"
    for index, workload in enumerate(realm.workloads):
        on_bus = any(role.role in (SENDER, RECEIVER) for role in workload.roles)
        if on_bus and bus.audience not in workload.audiences:
            place = ("realms", bus.realm, "workloads", index)
            yield place, f"has a bus role; add the bus's audience to its `audiences`: {bus.audience}"


def require_subject_patterns(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that every bus role stands on a subject pattern."""
    for index, workload in enumerate(realm.workloads):
        for number, role in enumerate(workload.roles):
            if role.role in (SENDER, RECEIVER):
                try:
                    require_subject_pattern(role.on)
                except ValueError as error:
                    yield ("workloads", index, "roles", number), f"`{role.on}`: {error}"
