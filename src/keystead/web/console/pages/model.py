"""The model of a store: as a graph, as text, and the models before it."""

from __future__ import annotations

from typing import ClassVar, Final
from urllib.parse import urlsplit

from keystead.authz.language import to_dsl
from keystead.authz.model import AuthorizationModel
from keystead.authz.moments import moment
from keystead.authz.served import UnknownModel
from keystead.authz.served.model_documents import read_document
from keystead.core.forms import Form, Line, Word
from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.core.ulid import milliseconds_of
from keystead.web.console.page import ConsolePage, ConsoleVisit
from keystead.web.console.queries import address, read_query
from keystead.web.console.rendering import Facts, render_store
from keystead.web.drawing.highlighting import highlighted
from keystead.web.drawing.model_sketch import only_marked, sketch_model
from keystead.web.drawing.picture import MOST_WIRES, draw

_OLDER: Final = 20


class ModelQuery(Form, frozen=True, kw_only=True):
    """`id`: another model than the newest. `relation`: what to follow. `only`: leave the rest out. `after`: a page."""

    id: Word = ""
    relation: Line = ""
    only: Word = ""
    after: Word = ""


class ModelPage(ConsolePage):
    """Shows a model."""

    name: ClassVar[str] = "model"
    title: ClassVar[str] = "Model"
    place: ClassVar[int] = 1

    async def handle(self, visit: ConsoleVisit, store: AuthorizationStore) -> Reply:
        """Answer one visit."""
        query = read_query(visit.request, ModelQuery)
        stores = visit.desk.stores
        older = await stores.models(visit.realm, store.id, after=query.after, limit=_OLDER + 1)
        facts: Facts = {
            "models": [(each.model, moment(milliseconds_of(each.model) // 1000)) for each in older[:_OLDER]],
            "next": older[_OLDER - 1].model if len(older) > _OLDER else "",
            "query": query,
            "newest": store.latest_model,
        }
        try:
            document = await stores.model(visit.realm, store.id, query.id)
        except UnknownModel:
            facts |= {"model": None, "wanted": query.id}
            return render_store("model.html", facts, visit, store, status=404 if query.id else 200)
        model = read_document(document.document.encode())
        facts |= {"model": document.model, "made": moment(milliseconds_of(document.model) // 1000)}
        return render_store("model.html", facts | _shown(visit, store, model, query), visit, store)


def _shown(visit: ConsoleVisit, store: AuthorizationStore, model: AuthorizationModel, query: ModelQuery) -> Facts:
    here = urlsplit(visit.at(store, "model")).path
    sketch = sketch_model(model, address(here, id=query.id), query.relation)
    shown = only_marked(sketch) if query.only and sketch.dimmed else sketch
    relations = [row.id for box in sketch.boxes for row in box.rows if row.kind == "relation"]
    return {
        "picture": draw(shown) if len(shown.wires) <= MOST_WIRES else None,
        "relations": relations,
        "chosen": sketch.chosen,
        "only": bool(query.only),
        "lines": list(zip(highlighted(to_dsl(model)), _marked_lines(model, sketch.chosen), strict=True)),
        "counts": _counts(model),
        "whole_link": address(here, id=query.id),
        "only_link": address(here, id=query.id, relation=sketch.chosen, only="" if query.only else "1") + "#chosen",
    }


def _marked_lines(model: AuthorizationModel, chosen: str) -> list[bool]:
    """Tell which line of the text defines the chosen relation."""
    marked: list[bool] = []
    type = ""
    for line in to_dsl(model).splitlines():
        type = line.removeprefix("type ") if line.startswith("type ") else type
        marked.append(
            bool(chosen)
            and line.startswith(f"    define {chosen.partition('#')[2]}:")
            and type == chosen.partition("#")[0]
        )
    return marked


def _counts(model: AuthorizationModel) -> str:
    relations = sum(len(definition.relations) for definition in model.types)
    found = {"type": len(model.types), "relation": relations, "condition": len(model.conditions)}
    return " · ".join(f"{count} {word}{'' if count == 1 else 's'}" for word, count in found.items() if count)
