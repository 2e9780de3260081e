"""Says into which column a tuple goes, and whether the model lets it in."""

from __future__ import annotations

from keystead.authz.engine.layout import NO_USERSET, Door
from keystead.authz.engine.plan import Plan
from keystead.authz.names import WILDCARD
from keystead.storage.ports import Relationship


class Doorkeeper:
    """For one plan. What was let in once is remembered by what its restriction is: there are only so many."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._known: dict[tuple[str, str, tuple[str, str, bool, str]], int] = {}

    def admit(self, tuple: Relationship) -> int | None:
        """Return the column for a tuple. None: the model refuses it."""
        named, _, relation = tuple.user.partition("#")
        user_type, _, user_id = named.partition(":")
        restriction = (user_type, relation, user_id == WILDCARD, tuple.condition)
        key = (tuple.object.partition(":")[0], tuple.relation, restriction)
        column = self._known.get(key)
        if column is None:
            column = self.column(tuple)
            if column is None or not self._plan.accepts[self._plan.layout.doors[column].slot].allows(*restriction):
                return None
            self._known[key] = column
        return column

    def column(self, tuple: Relationship) -> int | None:
        """Return the column a tuple would be in, whatever its condition. None: there is none."""
        layout, slots = self._plan.layout, self._plan.slots
        object_type = tuple.object.partition(":")[0]
        slot = slots.get((object_type, tuple.relation))
        user, _, relation = tuple.user.partition("#")
        type, _, id = user.partition(":")
        kind = layout.kinds.get(type)
        if slot is None or kind is None:
            return None
        if id == WILDCARD:
            kind += len(layout.types)
        userset = slots.get((type, relation)) if relation else NO_USERSET
        return None if userset is None else layout.at.get(Door(slot, layout.kinds[object_type], kind, userset))
