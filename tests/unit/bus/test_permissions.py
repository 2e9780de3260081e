"""Role assignments become subjects, or nothing at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.bus.permissions import BusPermissions, permissions_of, require_subject_pattern
from keystead.core.records.workload import RoleAssignment


def test_senders_publish_and_receivers_subscribe() -> None:
    roles = [
        RoleAssignment("bus-sender", "orders.>"),
        RoleAssignment("bus-receiver", "billing.*.done"),
        RoleAssignment("bus-sender", "audit"),
        RoleAssignment("bus-sender", "audit"),
        RoleAssignment("admin", "everything"),
    ]
    assert permissions_of(roles) == BusPermissions(("audit", "orders.>"), ("billing.*.done",))


def test_no_bus_role_no_business() -> None:
    assert not permissions_of([RoleAssignment("admin", ">"), RoleAssignment("BUS-SENDER", "a")])


@pytest.mark.parametrize(
    "pattern",
    [
        "", ">", "*", "*.a", ">.a", "a.>.b", "a..b", ".a", "a.", "a b", "a\tb", "a\r\nPUB x", "a.b>", "a.*b", "$SYS.>",
        "$JS.API.>", "_INBOX.>", "_inbox.a", "_INBOX_orders.>", "ä", "a." + "b" * 300, "a.\0", "a,b", "a.{b}", "a/b",
    ],
)  # fmt: skip
def test_patterns_that_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="subject pattern"):
        permissions_of([RoleAssignment("bus-sender", pattern)])


@given(st.text(alphabet="aZ9-_.*>$ \n", max_size=12))
def test_what_is_accepted_is_harmless(pattern: str) -> None:
    try:
        accepted = require_subject_pattern(pattern)
    except ValueError:
        return
    words = accepted.split(".")
    assert words[0] not in {"", "*", ">"}
    assert not accepted.startswith("$")
    assert ">" not in accepted[:-1]
    assert all(word in {"*", ">"} or not set(word) & set("*>$ \n") for word in words)


def test_the_digest_differs_with_the_permissions() -> None:
    one, other = BusPermissions(("a",), ()), BusPermissions((), ("a",))
    assert len({one.digest(), other.digest(), BusPermissions().digest(), BusPermissions(("a",), ()).digest()}) == 3
