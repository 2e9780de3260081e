"""The `bus` section and the bus roles: what is refused before anything starts, and what is filled in."""

from __future__ import annotations

import pytest

from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError

GOOD = """
server: {base_url: "http://localhost:8080"}
realms:
  acme:
    workloads:
      - {name: orders, audiences: ["https://bus.test"], roles: [{role: bus-sender, on: "orders.>"}]}
bus: {realm: acme, audience: "https://bus.test", directory: bus}
"""


def test_the_audience_of_the_bus_is_an_api_of_its_realm() -> None:
    settings = settings_from_text(GOOD)
    assert [(api.audience, api.name) for api in settings.realms["acme"].apis] == [("https://bus.test", "Message bus")]
    described = GOOD.replace("  acme:\n", "  acme:\n    apis: [{audience: 'https://bus.test', name: Ours}]\n")
    assert [api.name for api in settings_from_text(described).realms["acme"].apis] == ["Ours"]


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("bus: {realm: acme", "bus: {realm: other", "there is no realm `other`"),
        ('audience: "https://bus.test", directory', 'audience: "", directory', "without an audience"),
        ('audiences: ["https://bus.test"]', "audiences: []", "add the bus's audience"),
        ('on: "orders.>"', 'on: ">"', "a subject pattern begins with a word"),
        ('on: "orders.>"', 'on: "$SYS.>"', "a subject pattern begins with a word"),
        ('on: "orders.>"', 'on: "orders..x"', "the words of a subject pattern"),
        (', on: "orders.>"', "", "1 to 255 characters"),
        ("directory: bus", "directory: bus, drver: nats", "did you mean `driver`"),
        (", directory: bus", "", "directory"),
    ],
)
def test_what_does_not_hold_together_is_refused_with_its_line(before: str, after: str, message: str) -> None:
    assert before in GOOD
    with pytest.raises(ConfigurationError, match=r"keystead.yaml:\d+") as caught:
        settings_from_text(GOOD.replace(before, after))
    assert message in str(caught.value)
