"""What a token says of its subject, as tuples that count for one question: groups, roles, tenants.

    ClaimTuples({"groups": "group:{value}#member", "org_id": "tenant:{value}#member"})

Each value of the claim (a text or a number, or a list of these) becomes one tuple that gives the subject the relation.
A claim inside of others is written with dots: `realm_access.roles`.
Does not: store anything, bound how many, or let a value name another type or relation. A value that could not be the
id of an object gives nothing, and the log says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from keystead.authz.errors import InvalidRelationship
from keystead.authz.names import parse_relation
from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.sdk.object_template import ObjectTemplate
from keystead.storage.ports import Relationship

_VALUE: Final = "value"


class ClaimRule(NamedTuple):
    """One claim, and what each of its values makes: a relation to an object."""

    claim: str
    object: ObjectTemplate
    relation: str


class ClaimTuples:
    """The tuples of a token. Raises: ConfigurationError."""

    def __init__(self, claims: Mapping[str, str]) -> None:
        self.rules: Sequence[ClaimRule] = tuple(_rule(claim, text) for claim, text in claims.items())

    def only(self, rules: Sequence[ClaimRule]) -> ClaimTuples:
        """Return the same with these rules alone."""
        fewer = ClaimTuples({})
        fewer.rules = rules
        return fewer

    def of(self, claims: Mapping[str, Any], user: str) -> tuple[tuple[Relationship, ...], tuple[Check, ...]]:
        """Return what the claims say of a user, and what of it could not be used."""
        found: list[Relationship] = []
        checks: list[Check] = []
        for rule in self.rules:
            refused = 0
            for value in _values(claims, rule.claim):
                try:
                    found.append(Relationship(rule.object.fill({_VALUE: value}), rule.relation, user))
                except InvalidRelationship:
                    refused += 1
            if refused:
                checks.append(Check(f"claim {rule.claim}", False, f"{refused} values cannot name a {rule.object.type}"))
        return tuple(dict.fromkeys(found)), tuple(checks)


def _rule(claim: str, text: str) -> ClaimRule:
    name, _, relation = text.partition("#")
    try:
        rule = ClaimRule(claim, ObjectTemplate(name), parse_relation(relation))
    except InvalidRelationship as error:
        raise ConfigurationError(f"claims[{claim!r}]: {error}") from None
    if rule.object.places != (_VALUE,):
        raise ConfigurationError(f"claims[{claim!r}]: {text!r} has one place, {{value}}: group:{{value}}#member")
    return rule


def _values(claims: Mapping[str, Any], name: str) -> Iterator[object]:
    value: Any = claims.get(name)
    if value is None and "." in name:
        value = claims
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, list | tuple):
        yield from value
    elif value is not None:
        yield value
