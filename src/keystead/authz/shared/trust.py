"""How far answers may rest on shared facts: which do at all, and how old the facts may be for each."""

from __future__ import annotations

from keystead.authz.decisions import Denied
from keystead.authz.engine.plan import Plan
from keystead.authz.errors import StaleFacts
from keystead.authz.shared.following import Following


class Trust:
    """Refuses what hangs on facts that are too old, or that never came. One per engine."""

    def __init__(self, plan: Plan, following: Following) -> None:
        self._plan = plan
        self._following = following
        types = following.source.types
        self._shared = sum(1 << slot for slot, (type, _) in enumerate(plan.names) if type in types)

    def refusal(self, relation: str, object: str) -> Denied | None:
        """Return the no for a question that cannot be answered now, else None."""
        type = object.partition(":")[0]
        slot = self._plan.slots.get((type, relation))
        if slot is None or not self._plan.reachable[slot] & self._shared:
            return None
        following = self._following
        if not following.complete:
            why = f"shared facts have not come yet ({following.last_failure or 'the first answer is under way'})"
            return Denied("authz.stale_facts", why)
        source, age = following.source, following.staleness
        bound = source.fail_closed.get(f"{type}#{relation}", source.fail_closed_after)
        if not bound or age <= bound:
            return None
        why = f"shared facts are {age:.0f} seconds old, and `{type}#{relation}` may rest on facts of {bound:g} seconds"
        return Denied("authz.stale_facts", f"{why} ({following.last_failure or 'no news'})")

    def require(self, relation: str, object: str) -> None:
        """Refuse likewise, where the answer is a list. Raises: StaleFacts."""
        refusal = self.refusal(relation, object)
        if refusal is not None:
            raise StaleFacts(refusal.detail)
