"""Random services: a model, tables of any shape that hold its relations, rows good and bad, and what they amount to.

A world knows its tuples because it wrote down each one as it made the row that stands for it; what a row that no
name can be made of stands for is nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from keystead.authz.errors import InvalidRelationship
from keystead.authz.model import AuthorizationModel, Restriction
from keystead.authz.names import parse_object, text_of
from keystead.authz.rows.kinds import Kind
from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.mapping import Rows, Source, StoredTuples, always, by_column, by_flag, by_link, stored
from keystead.authz.rows.opening import map_rows
from keystead.storage.ports import Relationship
from tests.unit.authz.random_cases import RELATIONS, TYPES, random_model

TYPE_OF = {Kind.INTEGER: sa.Integer, Kind.TEXT: sa.String, Kind.UUID: sa.Uuid}
UUIDS = tuple(str(UUID(int=number * 0x1234567890ABCDEF1234567890ABCDEF % 2**128)) for number in (1, 2, 3))
GARBAGE = ("*", "", "1 ", "a:b", "1#a", "01", "A", "1\n", "x" * 300, " ")
NOW = 1_700_000_000
ROLES = ("reader", "owner")
Maker = Callable[[], Source]
"""Declares a source, once the tables are there."""


class World:
    """One random service. `tuples`: what its rows and stored tuples amount to."""

    def __init__(self, random: Random, *, monotone: bool) -> None:
        self.random = random
        self.model: AuthorizationModel = random_model(random, monotone=monotone)
        self.metadata = sa.MetaData()
        self.mapped = [type for type in TYPES if random.random() < 0.75] or ["doc"]
        self.kinds = {type: random.choice(list(Kind)) for type in self.mapped}
        self.tuples: list[Relationship] = []
        self._candidates: list[Relationship] = []
        self.inserts: list[tuple[sa.Table, dict[str, Any]]] = []
        self.stored_table = _stored_table(self.metadata)
        self.tables: dict[str, sa.Table] = {}
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self._columns: dict[str, list[sa.Column[Any]]] = {type: [] for type in self.mapped}
        self._fills: dict[str, list[Any]] = {type: [] for type in self.mapped}
        relations = {type: self._relations(type) for type in self.mapped}
        for type in self.mapped:
            id: sa.Column[Any] = sa.Column("id", TYPE_OF[self.kinds[type]], primary_key=True)
            self.tables[type] = sa.Table(f"t_{type}", self.metadata, id, *self._columns[type])
        for type in self.mapped:
            self._fill(type)
        self._store()
        declared = [
            Rows(
                type,
                self.tables[type],
                "id",
                {name: [make() for make in makers] for name, makers in relations[type].items()},
            )
            for type in self.mapped
        ]
        self.mapping: RowMapping = map_rows(
            self.model, declared, stored=StoredTuples("tuples"), clock=lambda: NOW + 0.5
        )
        self._count_stored()

    def create(self, connection: sa.Connection) -> None:
        """Make the tables and rows."""
        self.metadata.create_all(connection)
        for table, row in self.inserts:
            connection.execute(table.insert().values(**row))

    def describe(self) -> str:
        """Write the world down, for a failing test."""
        lines = [f"{each}" for definition in self.model.types for each in (definition.name, *definition.relations)]
        lines += [f"{table.name} {row}" for table, row in self.inserts]
        return "\n".join([*lines, *map(text_of, self.tuples)])

    def ids_of(self, type: str) -> tuple[str, ...]:
        """Return the ids that objects of a type usually have."""
        kind = self.kinds.get(type, Kind.TEXT)
        return UUIDS if kind is Kind.UUID else ("1", "2", "3")

    def user(self) -> str:
        """Make somebody who asks."""
        kind = self.random.random()
        if kind < 0.7:
            return f"{self.random.choice(('user', 'user', 'robot'))}:{self.random.choice(('1', '1', '2', 'zoe'))}"
        if kind < 0.75:
            return "user:*"
        type = self.random.choice(TYPES)
        name = f"{type}:{self.random.choice(self.ids_of(type))}"
        definition = self.model.type(type)
        if kind < 0.85 or definition is None:
            return name
        return f"{name}#{self.random.choice([each.name for each in definition.relations])}"

    def _relations(self, type: str) -> dict[str, list[Maker]]:
        definition = self.model.type(type)
        assert definition
        found: dict[str, list[Maker]] = {}
        for relation in definition.relations:
            if relation.restrictions and self.random.random() < 0.75:
                number = self.random.choice((0, 1, 2, 2, 3))
                makers: list[Maker] = [
                    self._source(type, relation.name, relation.restrictions, each) for each in range(number)
                ]
                if self.random.random() < 0.3:
                    makers.append(stored)
                found[relation.name] = makers
        return found

    def _source(self, type: str, relation: str, restrictions: tuple[Restriction, ...], number: int) -> Maker:
        who = self.random.choice(restrictions)
        name = f"{relation}{number}"
        if who.wildcard or self.random.random() < 0.1:
            return self._flag(type, relation, who, name)
        if self.random.random() < 0.5:
            return self._column(type, relation, who, name)
        return self._link(type, relation, who, name)

    def _flag(self, type: str, relation: str, who: Restriction, name: str) -> Maker:
        id = "*" if who.wildcard else self.random.choice(self.ids_of(who.type))
        user = f"{who.type}:{id}" + (f"#{who.relation}" if who.relation else "")
        if self.random.random() < 0.2:
            self._fills[type].append(lambda row: self._note(type, row["id"], relation, user))
            return lambda: always(user)
        self._columns[type].append(sa.Column(f"flag_{name}", sa.Boolean, nullable=True))

        def fill(row: dict[str, Any]) -> None:
            row[f"flag_{name}"] = self.random.choice((True, False, None))
            if row[f"flag_{name}"]:
                self._note(type, row["id"], relation, user)

        self._fills[type].append(fill)
        return lambda: by_flag(self.tables[type].c[f"flag_{name}"], user)

    def _column(self, type: str, relation: str, who: Restriction, name: str) -> Maker:
        kind = self._kind_for(who.type)
        role = self.random.random() < 0.3
        self._columns[type].append(sa.Column(f"col_{name}", TYPE_OF[kind], nullable=True))
        if role:
            self._columns[type].append(sa.Column(f"role_{name}", sa.Enum(*ROLES, name="roles"), nullable=True))

        def fill(row: dict[str, Any]) -> None:
            value, id = self._value(kind, who.type)
            row[f"col_{name}"] = value
            if role:
                row[f"role_{name}"] = self.random.choice((*ROLES, None))
            if id is not None and (not role or row[f"role_{name}"] == "owner"):
                self._note(type, row["id"], relation, _user(who, id))

        self._fills[type].append(fill)
        where = {f"role_{name}": "owner"} if role else {}
        return lambda: by_column(f"col_{name}", _subject(who), where=where)

    def _link(self, type: str, relation: str, who: Restriction, name: str) -> Maker:
        kind = self._kind_for(who.type)
        own = self.kinds[type] if self.random.random() < 0.8 else Kind.TEXT
        role = self.random.random() < 0.3
        columns: list[sa.Column[Any]] = [
            sa.Column("o", TYPE_OF[own], nullable=True),
            sa.Column("u", TYPE_OF[kind], nullable=True),
        ]
        table = sa.Table(f"l_{type}_{name}", self.metadata, *columns, sa.Column("role", sa.String, nullable=True))
        for _ in range(self.random.randint(3, 14)):
            object, object_id = self._value(own, type)
            user, user_id = self._value(kind, who.type)
            row = {"o": object, "u": user, "role": self.random.choice(("owner", "reader", "Owner", None))}
            self.inserts.append((table, row))
            if object_id is not None and user_id is not None and (not role or row["role"] in ("owner", "none")):
                self._note(type, object_id, relation, _user(who, user_id))
        where = {table.c.role: ("owner", "none")} if role else {}
        return lambda: by_link(table, object=table.c.o, user="u", subject=_subject(who), where=where)

    def _kind_for(self, type: str) -> Kind:
        usual = self.kinds.get(type)
        if usual is None or self.random.random() < 0.15:
            return self.random.choice((Kind.TEXT, Kind.TEXT, Kind.INTEGER))
        return usual

    def _value(self, kind: Kind, type: str) -> tuple[Any, str | None]:
        """Make what a column holds, and the id it is, if it is one."""
        if self.random.random() < 0.1:
            return None, None
        if kind is Kind.INTEGER:
            number = self.random.choice((1, 1, 2, 3, 7))
            return number, str(number)
        if kind is Kind.UUID:
            chosen = self.random.choice(UUIDS)
            return UUID(chosen), chosen
        text = self.random.choice(GARBAGE) if self.random.random() < 0.15 else self.random.choice(self.ids_of(type))
        return text, text if _nameable(type, text) else None

    def _fill(self, type: str) -> None:
        kind = self.kinds[type]
        names = {Kind.INTEGER: (1, 2, 3), Kind.TEXT: ("1", "2", "3"), Kind.UUID: tuple(map(UUID, UUIDS))}[kind]
        self.rows[type] = []
        for name in names if self.random.random() < 0.9 else names[:2]:
            row: dict[str, Any] = {"id": name}
            for fill in self._fills[type]:
                fill(row)
            self.rows[type].append(row)
            self.inserts.append((self.tables[type], row))

    def _note(self, type: str, id: object, relation: str, user: str) -> None:
        """Write down a tuple, unless it names rows that no table could hold."""
        self._keep(Relationship(f"{type}:{id}", relation, user))

    def _keep(self, tuple: Relationship) -> None:
        names = (tuple.object, tuple.user.partition("#")[0])
        if all(self._could_exist(name) for name in names):
            self.tuples.append(tuple)

    def _could_exist(self, name: str) -> bool:
        type, _, id = name.partition(":")
        kind = self.kinds.get(type)
        if id == "*" or kind is None or kind is Kind.TEXT:
            return True
        return id in UUIDS if kind is Kind.UUID else id.isdecimal() and str(int(id)) == id

    def _store(self) -> None:
        """Store tuples, of every relation; only those of relations that are stored count."""
        keys = set()
        for _ in range(self.random.randint(0, 30)):
            type = self.random.choice(TYPES)
            object = f"{type}:{self.random.choice((*self.ids_of(type), '1', 'x1'))}"
            each = Relationship(object, self.random.choice((*RELATIONS, "parent")), self.user())
            if text_of(each) in keys:
                continue
            keys.add(text_of(each))
            store = self.random.choice(("default", "default", "default", "other"))
            condition = "late" if self.random.random() < 0.05 else ""
            values: dict[str, Any] = {
                "realm": "default",
                "store": store,
                "object": each.object,
                "relation": each.relation,
            }
            expires_at = self.random.choice((0, 0, 0, 0, NOW, NOW + 1))
            values |= {"user": each.user, "condition": condition, "context": "", "expires_at": expires_at}
            self.inserts.append((self.stored_table, values))
            if store == "default" and not condition and expires_at != NOW:
                self._candidates.append(each)

    def _count_stored(self) -> None:
        """Let those stored tuples count whose relations are stored."""
        for each in self._candidates:
            if (each.object.partition(":")[0], each.relation) in self.mapping.stored_slots:
                self._keep(each)


def _stored_table(metadata: sa.MetaData) -> sa.Table:
    bytewise = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    names = ("realm", "store", "object", "relation", "user", "condition", "context")
    columns: list[sa.Column[Any]] = [sa.Column(name, bytewise) for name in names]
    return sa.Table("tuples", metadata, *columns, sa.Column("expires_at", sa.BigInteger))


def _subject(who: Restriction) -> str:
    return f"{who.type}#{who.relation}" if who.relation else who.type


def _user(who: Restriction, id: str) -> str:
    return f"{who.type}:{id}" + (f"#{who.relation}" if who.relation else "")


def _nameable(type: str, id: str) -> bool:
    try:
        parse_object(f"{type}:{id}")
    except InvalidRelationship:
        return False
    return True
