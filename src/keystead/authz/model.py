"""The authorization model as data: what a parser makes and what checks, plans and explanations read.

Shape: a relation's rewrite is a tree of `Direct`, `Computed`, `FromParent`, `Union`, `Intersection` and `Exclusion`.
Every node knows where in the text it stands, for errors; equality of meaning is not equality of nodes.
Does not: know tuples, or how to evaluate itself. `keystead.authz.engine.plan` compiles it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from keystead.authz.errors import NOWHERE, Span


class Restriction(msgspec.Struct, frozen=True):
    """Who may stand in a tuple of the relation: `user`, `user:*` or `group#member`, perhaps `with` a condition."""

    type: str
    relation: str = ""
    wildcard: bool = False
    condition: str = ""
    span: Span = NOWHERE
    condition_span: Span = NOWHERE

    def __str__(self) -> str:
        """Render as in the language."""
        name = f"{self.type}:*" if self.wildcard else f"{self.type}#{self.relation}" if self.relation else self.type
        return f"{name} with {self.condition}" if self.condition else name


class Direct(msgspec.Struct, frozen=True):
    """`[user, group#member]`: whoever a tuple names, if the restrictions allow the tuple."""

    restrictions: tuple[Restriction, ...]
    span: Span = NOWHERE


class Computed(msgspec.Struct, frozen=True):
    """`owner`: whoever has another relation to the same object."""

    relation: str
    span: Span = NOWHERE


class FromParent(msgspec.Struct, frozen=True):
    """`viewer from parent`: whoever has `relation` to an object that `tupleset` names."""

    relation: str
    tupleset: str
    span: Span = NOWHERE
    tupleset_span: Span = NOWHERE


class Union(msgspec.Struct, frozen=True):
    """`a or b`."""

    children: tuple[Rewrite, ...]


class Intersection(msgspec.Struct, frozen=True):
    """`a and b`."""

    children: tuple[Rewrite, ...]


class Exclusion(msgspec.Struct, frozen=True):
    """`base but not subtract`."""

    base: Rewrite
    subtract: Rewrite


Rewrite = Direct | Computed | FromParent | Union | Intersection | Exclusion


class RelationDefinition(msgspec.Struct, frozen=True):
    """`define name: rewrite`. `module` and `file` are set when another module than the type's own added it."""

    name: str
    rewrite: Rewrite
    span: Span = NOWHERE
    module: str = ""
    file: str = ""

    @property
    def restrictions(self) -> tuple[Restriction, ...]:
        """The type restrictions, empty when no tuple may be written to the relation."""
        return next((node.restrictions for node in leaves(self.rewrite) if isinstance(node, Direct)), ())


class TypeDefinition(msgspec.Struct, frozen=True):
    """`type name` with its relations, in the order of the text. `module` owns it, in a modular model."""

    name: str
    relations: tuple[RelationDefinition, ...] = ()
    span: Span = NOWHERE
    module: str = ""
    file: str = ""

    def relation(self, name: str) -> RelationDefinition | None:
        """Find a relation by name."""
        return next((relation for relation in self.relations if relation.name == name), None)


class Parameter(msgspec.Struct, frozen=True):
    """One declared parameter of a condition; `generic` is what a `list<>` or `map<>` holds."""

    name: str
    type: str
    generic: str = ""

    def __str__(self) -> str:
        """Render the type as in the language."""
        return f"{self.type}<{self.generic}>" if self.generic else self.type


class ConditionDefinition(msgspec.Struct, frozen=True):
    """`condition name(parameters) { expression }`. `keystead.authz.conditions` compiles it.

    `expression_span` is where the expression begins, `NOWHERE` when the model was not read from text.
    """

    name: str
    parameters: tuple[Parameter, ...]
    expression: str
    span: Span = NOWHERE
    expression_span: Span = NOWHERE
    module: str = ""
    file: str = ""


class AuthorizationModel(msgspec.Struct, frozen=True):
    """A whole model."""

    schema: str
    types: tuple[TypeDefinition, ...] = ()
    conditions: tuple[ConditionDefinition, ...] = ()
    schema_span: Span = NOWHERE

    def type(self, name: str) -> TypeDefinition | None:
        """Find a type by name."""
        return next((definition for definition in self.types if definition.name == name), None)

    def relation(self, type: str, name: str) -> RelationDefinition | None:
        """Find a relation of a type."""
        definition = self.type(type)
        return definition.relation(name) if definition else None

    def condition(self, name: str) -> ConditionDefinition | None:
        """Find a condition by name."""
        return next((definition for definition in self.conditions if definition.name == name), None)


def children(rewrite: Rewrite) -> tuple[Rewrite, ...]:
    """Return the operands of an operator, nothing for a leaf."""
    if isinstance(rewrite, Union | Intersection):
        return rewrite.children
    if isinstance(rewrite, Exclusion):
        return (rewrite.base, rewrite.subtract)
    return ()


def leaves(rewrite: Rewrite) -> Iterator[Direct | Computed | FromParent]:
    """Walk the leaves from left to right."""
    stack = [rewrite]
    while stack:
        node = stack.pop()
        if isinstance(node, Direct | Computed | FromParent):
            yield node
        else:
            stack.extend(reversed(children(node)))
