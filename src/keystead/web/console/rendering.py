"""Console pages to replies."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from keystead.core.http import Reply
from keystead.core.records.authorization import AuthorizationStore
from keystead.oauth.guard import form_token, session_handle
from keystead.web.console.page import ConsoleVisit, Desk
from keystead.web.console.stylesheet import stylesheet_name
from keystead.web.headers import page_headers
from keystead.web.rendering import templates

Facts = dict[str, Any]


def render_plain(template: str, facts: Facts, desk: Desk, status: int = 200) -> Reply:
    """Return a page of the console that stands outside of any realm."""
    path = urlsplit(desk.cx.base_url).path
    console = f"{path}/admin"
    body = (
        templates()
        .get_template(f"console/{template}")
        .render(console=console, stylesheet=f"{console}/{stylesheet_name()}", **{"visit": None, **facts})
    )
    return Reply(status, page_headers(), body.encode())


def render_console(template: str, facts: Facts, visit: ConsoleVisit, status: int = 200) -> Reply:
    """Return a page of the console for whoever visits it."""
    path = urlsplit(visit.desk.cx.base_url).path
    account = visit.person.account
    known: Facts = {
        "visit": visit,
        "token": visit.token,
        "edits": visit.edits,
        "person_name": account.name or account.username,
        "realm": visit.realm,
        "realm_name": visit.situation.realm.display_name or visit.realm,
        "issuer": f"{path}/realms/{visit.realm}",
        "here": f"{path}/admin/authz/{visit.realm}",
        "sign_out_token": form_token(session_handle(visit.request, visit.desk.cx), "logout"),
    }
    return render_plain(template, known | facts, visit.desk, status)


def render_store(
    template: str, facts: Facts, visit: ConsoleVisit, store: AuthorizationStore, *, status: int = 200
) -> Reply:
    """Return a page of a store: `base` is where its pages are."""
    from keystead.web.console.tabs import tabs

    path = urlsplit(visit.here).path
    known: Facts = {
        "store": store,
        "base": f"{path}/{store.id}",
        "tabs": tabs(),
        "page_name": visit.request.path.rpartition("/")[2],
    }
    return render_console(template, known | facts, visit, status)
