"""Conditions as the engine uses them: compiled once, asked often, refused with a place and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from keystead.authz import InvalidRelationship, ModelError, read_model
from keystead.authz.conditions import Condition, Unevaluable, compile_condition
from keystead.authz.model import ConditionDefinition, Parameter


def condition(expression: str, **parameters: str) -> Condition:
    """Compile an expression; `list_string` declares a `list<string>`."""
    declared = []
    for name, text in parameters.items():
        kind, _, generic = text.partition("_")
        declared.append(Parameter(name, kind, generic))
    return compile_condition(ConditionDefinition("tested", tuple(declared), expression))


def answer(expression: str, context: dict[str, Any], **parameters: str) -> bool | Unevaluable:
    """Compile and ask."""
    return condition(expression, **parameters).evaluate(context)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x < 100 && name == 'a'", True),
        ("x in [5, 6] ? name.startsWith('a') : false", True),
        ("m.a == 'b' || l.exists(y, y > x)", True),
        ("l.all(y, y > x)", False),
        ("l.map(y, y * 2).filter(z, z > 2).size() == 3", True),
        ("has(m.a) || has(m.b)", False),
        ("ip.in_cidr('10.0.0.0/8')", True),
        ("t < timestamp('2026-01-01T00:00:00Z') + d", True),
        ("t.getHours('Europe/Berlin') == 1 && d.getMinutes() == 90", True),
        ("-7 / 2 == -3 && -7 % 2 == -1", True),
        ("type(x) == int && string(x) == '5'", True),
        ("dyn(x) == 5.0 && dyn(x) < 5.5", True),
        ("{'a': [1, 2]}['a'][1] == 2", True),
    ],
)
def test_what_cel_says(expression: str, expected: bool) -> None:
    context = {"x": 5, "name": "a", "m": {}, "l": [4, 5, 6], "ip": "::ffff:10.0.0.1", "t": "2026-01-01T00:00:00Z"}
    parameters = {"x": "int", "name": "string", "m": "map_any", "l": "list_int", "ip": "ipaddress"}
    found = answer(expression, context | {"d": "1h30m"}, t="timestamp", d="duration", **parameters)
    assert found is expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x / 0 == 1 || x == 5", True),
        ("x == 5 || x / 0 == 1", True),
        ("x / 0 == 1 && x == 6", False),
        ("[0, 1].exists(y, 1 / y == 1)", True),
        ("[0, 2].all(y, 1 / y == 1)", False),
        ("x / 0 == 1 || x == 6", "failed"),
        ("[0, 1].all(y, 1 / y == 1)", "failed"),
        ("x / 0 == 1 ? true : true", "failed"),
        ("x + 9223372036854775807 > 0", "failed"),
    ],
)
def test_an_error_counts_only_where_it_decides(expression: str, expected: bool | str) -> None:
    found = answer(expression, {"x": 5}, x="int")
    assert (found.reason if isinstance(found, Unevaluable) else found) == expected


def test_every_declared_parameter_must_be_there() -> None:
    asked = condition("x < 100 || y < 50", x="int", y="int")
    assert asked.evaluate({"x": 5}) == Unevaluable("missing", ("y",), "condition `tested` needs y in the context")
    assert asked.evaluate({"x": 5, "y": 7, "unused": 1}) is True


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", "5", True), ("int", 5.0, True), ("int", "5.0", True), ("int", 5.5, "wrong_type"),
        ("int", True, "wrong_type"), ("int", 2**63, "wrong_type"), ("int", "9223372036854775808", "wrong_type"),
        ("int", 1e300, "wrong_type"), ("int", "1e999999", "wrong_type"), ("int", None, "wrong_type"),
        ("uint", "5", True), ("uint", -5, "wrong_type"), ("uint", 2**64, "wrong_type"),
        ("double", "5", True), ("double", 5, True), ("double", "five", "wrong_type"), ("double", "1e999", "wrong_type"),
    ],
)  # fmt: skip
def test_numbers_come_in_several_shapes(kind: str, value: object, expected: bool | str) -> None:
    five = {"int": "5", "uint": "5u", "double": "5.0"}[kind]
    found = answer(f"x == {five}", {"x": value}, x=kind)
    assert (found.reason if isinstance(found, Unevaluable) else found) == expected


@pytest.mark.parametrize(
    ("kind", "value", "hint"),
    [
        ("string", 5, "send a string; this is the number 5"),
        ("bool", "true", "send true or false"),
        ("timestamp", "2026-02-30T00:00:00Z", "not in the calendar"),
        ("timestamp", 5, "such as '2026-01-31T12:00:00Z'"),
        ("duration", "5 minutes", "like 90s, 1h30m"),
        ("ipaddress", "10.0.0", "not an IP address"),
        ("list_string", ["a", 5], "item 1: send a string"),
        ("list_string", "a", "send a list"),
        ("map_int", {"a": "b"}, "key 'a'"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_send(kind: str, value: object, hint: str) -> None:
    asked = condition("true || x == x", x=kind)
    found = asked.evaluate({"x": value})
    assert isinstance(found, Unevaluable)
    assert found.reason == "wrong_type"
    assert hint in found.detail
    with pytest.raises(InvalidRelationship):
        asked.check_stored({"x": value})


def test_stored_contexts_are_checked_for_what_they_hold_and_may_hold_less() -> None:
    asked = condition("x < 5 && y", x="int", y="bool")
    asked.check_stored({})
    asked.check_stored({"x": "3"})
    with pytest.raises(InvalidRelationship, match="no parameter `z`"):
        asked.check_stored({"z": 1})
    assert asked.evaluate({**asked.prepare({"x": "3"}), "y": True}) is True


@pytest.mark.parametrize(
    ("expression", "place", "hint"),
    [
        ("x < 'a'", (8, 5), "does not take int, string"),
        ("x", (8, 5), "gives bool, this gives int"),
        ("x <\n    5 &&\n    y", (10, 5), "no parameter `y`"),
        ("x < 5 &", (8, 11), "means nothing"),
        ("x < 5)", (8, 10), "expected an operator"),
        ("x.foo() == 1", (8, 5), "no function `foo`"),
        ("x < 99999999999999999999", (8, 9), "does not fit"),
        ("timestamp('tomorrow') < timestamp('2026-01-01T00:00:00Z')", (8, 15), "is not a timestamp"),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(expression: str, place: tuple[int, int], hint: str) -> None:
    model = (
        "model\n  schema 1.1\ntype user\ntype document\n  relations\n    define viewer: [user with small]\n"
        f"condition small(x: int) {{\n    {expression}\n}}\n"
    )
    with pytest.raises(ModelError) as refused:
        read_model(model)
    problem = refused.value.problems[0]
    assert (problem.span.line, problem.span.column) == place
    assert hint in problem.message
    assert problem.remedy


@pytest.mark.parametrize(
    "expression",
    [
        "l.all(a, l.all(b, l.all(c, l.all(d, a + b + c + d > -1))))",
        "['x'].map(a, a + a).map(a, a + a)" + ".map(a, a + a)" * 40 + ".size() == 1",
        "l.map(a, l).map(b, l.map(c, b)) == l.map(a, l).map(b, l.map(c, b))",
    ],
)
@pytest.mark.attack("D1")
def test_what_costs_too_much_is_given_up(expression: str) -> None:
    found = answer(expression, {"l": list(range(300))}, l="list_int")
    assert isinstance(found, Unevaluable)
    assert found.reason == "too_costly"


@pytest.mark.parametrize(
    "expression",
    [
        "l.all(x, " + " || ".join(["x == 5"] * 1_500) + " || true)",
        "l.all(x, t.getHours(zone) < 30)",
        "l.all(x, bytes(s).size() > 0)",
        "l.all(x, !s.contains('b'))",
        "l.all(x, !s.matches('^a*b'))",
    ],
    ids=range(5),
)
@pytest.mark.attack("D1")
def test_a_turn_of_a_macro_costs_what_it_does(expression: str) -> None:
    """With 9,999 turns of one unit each these would take seconds."""
    context = {"l": list(range(9_999)), "s": "a" * 5_000, "t": "2026-01-31T12:00:00Z", "zone": "+01:00"}
    found = answer(expression, context, l="list_int", s="string", t="timestamp", zone="string")
    assert isinstance(found, Unevaluable)
    assert found.reason == "too_costly"


def test_zones_and_networks_in_literals_are_looked_up_once_and_refused_early() -> None:
    for expression in ("t.getHours('Europe/Atlantis') == 1", "ip.in_cidr('10.0.0.0') && t == t", "'a'.matches('(')"):
        with pytest.raises(ModelError):
            condition(expression, t="timestamp", ip="ipaddress")
    late = condition(
        "t.getHours(zone) == 1 && ip.in_cidr(net)", t="timestamp", zone="string", ip="ipaddress", net="string"
    )
    context = {"t": "2026-01-31T00:30:00Z", "ip": "10.0.0.1", "zone": "+01:00", "net": "10.0.0.0/8"}
    assert late.evaluate(context) is True
    for wrong in ({"zone": "Europe/Atlantis"}, {"zone": "../../etc/passwd"}, {"zone": "+25:00"}, {"net": "10.0.0.0"}):
        found = late.evaluate(context | wrong)
        assert isinstance(found, Unevaluable)
        assert found.reason == "failed"


@pytest.mark.parametrize(
    ("address", "network", "expected"),
    [
        ("10.0.0.1", "10.0.0.0/8", True),
        ("11.0.0.1", "10.0.0.0/8", False),
        ("10.0.0.1", "0.0.0.0/0", True),
        ("::ffff:10.0.0.1", "10.0.0.0/8", True),
        ("10.0.0.1", "::ffff:10.0.0.0/104", True),
        ("10.0.0.1", "::/0", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "10.0.0.0/8", False),
        ("fe80::1%eth0", "fe80::/10", False),
        ("10.0.0.1", "10.0.0.1/32", True),
        ("::ffff:10.0.0.1", "::ffff:0:0/95", False),
        ("10.0.0.1", "10.0.0.0/33", "failed"),
        ("10.0.0.1", "10.0.0.0/08", "failed"),
        ("10.0.0.1", "10.0.0.0/ 8", "failed"),
        ("010.0.0.1", "10.0.0.0/8", "wrong_type"),
        ("10.0.0.1%a", "10.0.0.0/8", "wrong_type"),
        ("", "::/0", "wrong_type"),
        ("10.0.0.256", "10.0.0.0/8", "wrong_type"),
        ("10.0.0.1/8", "10.0.0.0/8", "wrong_type"),
    ],
)
def test_addresses_lie_in_networks_as_openfga_says(address: str, network: str, expected: bool | str) -> None:
    found = answer("ip.in_cidr(net)", {"ip": address, "net": network}, ip="ipaddress", net="string")
    assert (found.reason if isinstance(found, Unevaluable) else found) == expected
