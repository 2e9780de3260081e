"""The stores of a realm, and the first page of the console."""

from __future__ import annotations

from keystead.authz.moments import moment
from keystead.authz.served.model_documents import read_document
from keystead.core.cookies import cookie_name
from keystead.core.forms import Form, Word
from keystead.core.http import Reply, Request
from keystead.core.records.authorization import AuthorizationStore
from keystead.core.records.realm import REALM_NAME
from keystead.core.redirects import see_other
from keystead.oauth.authorization_api import EDITOR, VIEWER
from keystead.web.console.page import ConsoleVisit, Desk
from keystead.web.console.queries import read_query
from keystead.web.console.rendering import render_console, render_plain

_PAGE = 60
_MOST_REALMS = 16


class StoresQuery(Form, frozen=True, kw_only=True):
    """`after`: the id of the last store of the page before."""

    after: Word = ""


class HomeQuery(Form, frozen=True, kw_only=True):
    """`realm`: the realm somebody wants to sign in at."""

    realm: Word = ""


async def stores_page(visit: ConsoleVisit) -> Reply:
    """Return the page that lists the stores."""
    query = read_query(visit.request, StoresQuery)
    stores = await visit.desk.stores.list_stores(visit.realm, after=query.after, limit=_PAGE + 1)
    facts = {
        "stores": [await _words(visit, store) for store in stores[:_PAGE]],
        "next": stores[_PAGE - 1].id if len(stores) > _PAGE else "",
        "roles": (VIEWER, EDITOR),
    }
    return render_console("stores.html", facts, visit)


def home_page(request: Request, desk: Desk) -> Reply:
    """Return the page at the door: which realm? A browser that is known at realms is offered these."""
    query = read_query(request, HomeQuery)
    known = _realms_of_browser(request, desk)
    wanted = query.realm.strip().lower()
    if REALM_NAME.fullmatch(wanted):
        return see_other(f"{desk.address}/authz/{wanted}")
    only = known[0] if len(known) == 1 else desk.default_realm if not known else ""
    if only and not query.realm:
        return see_other(f"{desk.address}/authz/{only}")
    return render_plain("home.html", {"realms": known, "wrong": bool(query.realm)}, desk)


def _realms_of_browser(request: Request, desk: Desk) -> list[str]:
    """Return the realms this browser shows a session of. Whether they are live, the next page asks."""
    beginning = cookie_name("session", "", secure=desk.cx.secure).encode("ascii")
    pairs = (pair.strip() for name, value in request.headers if name == b"cookie" for pair in value.split(b";"))
    names = (pair.partition(b"=")[0] for pair in pairs if pair.startswith(beginning))
    found = (name.removeprefix(beginning).decode("ascii", "replace") for name in names)
    return sorted({realm for realm in found if REALM_NAME.fullmatch(realm)})[:_MOST_REALMS]


async def _words(visit: ConsoleVisit, store: AuthorizationStore) -> dict[str, object]:
    types = 0
    if store.latest_model:
        document = await visit.desk.stores.model(visit.realm, store.id)
        types = len(read_document(document.document.encode()).types)
    return {
        "id": store.id,
        "name": store.name,
        "default": store.default,
        "configured": store.managed_by == "configuration",
        "types": types,
        "has_model": bool(store.latest_model),
        "changed": moment(store.updated_at // 1000),
    }
