"""What the settings get wrong about authorization requests."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.oauth.pushed_requests import LONGEST, SHORTEST
from keystead.oauth.request_contradictions import contradictions


def require_requests_that_can_be_met(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand a life of pushed requests within bounds, and clients whose requests can be sent and answered."""
    if not SHORTEST <= realm.pushed_request_lifetime <= LONGEST:
        yield ("pushed_request_lifetime",), f"a pushed request lives {SHORTEST} to {LONGEST} seconds"
    for index, client in enumerate(realm.clients):
        for member, message in contradictions(msgspec.structs.asdict(client), realm.encryption_key_types):
            yield ("clients", index, member), message
