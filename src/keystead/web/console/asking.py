"""A question as the console asks it: who, what, of what, and under which suppositions."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from keystead.authz.engine.allowance import Allowance
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.engine.graph import Graph
from keystead.authz.errors import InvalidRelationship
from keystead.authz.moments import read_moment
from keystead.authz.names import text_of
from keystead.authz.tuple_lines import read_context, read_tuples
from keystead.authz.writes import accepted_tuples
from keystead.core.forms import Form, Line, Word
from keystead.core.records.authorization import AuthorizationStore
from keystead.storage.ports import ReadRelationships, Relationship
from keystead.web.console.page import ConsoleVisit
from keystead.web.console.supposing import supposed

_SECONDS: Final = 1.0
"""What one page may take to find its answers; others wait meanwhile."""


class SuppositionForm(Form, frozen=True, kw_only=True):
    """What a question may suppose: more tuples, tuples thought away, parameters of conditions, another time."""

    tuples: Line = ""
    without: Line = ""
    context: Line = ""
    at: Word = ""

    @property
    def supposes(self) -> bool:
        """Whether anything is supposed at all."""
        return bool(self.tuples or self.without or self.context or self.at)


@dataclass(frozen=True, slots=True)
class Asked:
    """A store as supposed, ready for questions until the next `await`. `extra` are the tuples that were added."""

    evaluator: Evaluator
    extra: tuple[Relationship, ...]
    without: tuple[Relationship, ...]
    revision: int
    now: int


async def suppose(visit: ConsoleVisit, store: AuthorizationStore, form: SuppositionForm) -> Asked:
    """Return the store under what the form supposes.

    Raises: InvalidRelationship, ValueError and UnknownModel, each with a sentence for whoever asked.
    """
    extra, without = read_tuples(form.tuples), read_tuples(form.without)
    context = read_context(form.context)
    now = read_moment(form.at) if form.at.strip() else int(visit.request.now)
    for gone in without:
        await _require_stored(visit, store, gone)
    opened = await visit.desk.stores.open(visit.realm, store.id)
    graph: Graph = supposed(opened.graph, accepted_tuples(opened.plan, extra), without)
    spend = Allowance(_SECONDS, time.monotonic).spend
    return Asked(Evaluator(graph, now=now, context=context, spend=spend), extra, without, opened.revision, now)


async def _require_stored(visit: ConsoleVisit, store: AuthorizationStore, tuple: Relationship) -> None:
    wanted = ReadRelationships(visit.realm, store.id, tuple.object, tuple.relation, tuple.user, limit=1)
    if not await visit.desk.stores.read(wanted):
        raise InvalidRelationship(f"{text_of(tuple)} cannot be thought away: no such tuple is stored")
