"""Templates to replies: one environment, escaping always on, a missing value is an error."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from keystead.core.http import Headers, Reply
from keystead.core.pages import Link
from keystead.web.headers import page_headers
from keystead.web.stylesheet import stylesheet_path

if TYPE_CHECKING:
    from jinja2 import Environment

SUBMIT_SCRIPT: Final = "document.forms[0].submit()"
"""The only script of ours outside the consoles. Its hash stands in the policy of the page that has it."""


@cache
def templates() -> Environment:
    """Return the template environment. Templates are compiled once and kept; they never come from users.

    Jinja2 is imported here and not before: a server is ready sooner without it.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("keystead.web"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["monogram"] = monogram
    return environment


def render(
    template: str,
    facts: dict[str, Any],
    *,
    base_url: str,
    realm: str,
    status: int = 200,
    form_target: str = "",
    headers: Headers = (),
) -> Reply:
    """Return a page. `facts` are what the template shows; every text in them is escaped."""
    path = _path_of(base_url)
    body = (
        templates()
        .get_template(template)
        .render(
            stylesheet=f"{path}/realms/{realm}/{stylesheet_path()}",
            here=f"{path}/realms/{realm}",
            address=base_url.partition("://")[2].partition("/")[0],
            realm=realm,
            **facts,
        )
    )
    return Reply(status, (*page_headers(form_target), *headers), body.encode())


def monogram(name: str) -> str:
    """Return the first letter or digit of a name, for the tile that stands in for a picture."""
    return next((letter.upper() for letter in name if letter.isalnum()), "·")


def web_link(href: str, text: str) -> Link | None:
    """Return a link if it leads to the web; anything else (`javascript:`, `data:`) is not one."""
    return Link(href, text) if href.startswith(("https://", "http://")) else None


def _path_of(base_url: str) -> str:
    _, slash, path = base_url.partition("://")[2].partition("/")
    return slash + path
