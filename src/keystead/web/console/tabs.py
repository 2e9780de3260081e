"""The pages a store has: what stands in the folder `pages`, each once."""

from __future__ import annotations

from functools import cache

from keystead.oauth.catalogue import scan
from keystead.web.console import pages as pages_folder
from keystead.web.console.page import ConsolePage


@cache
def pages() -> dict[str, ConsolePage]:
    """Return the pages of a store by name. Raises: ConfigurationError when two have one name."""
    return scan(pages_folder, ConsolePage, "name", facet="title")


@cache
def tabs() -> tuple[ConsolePage, ...]:
    """Return those with a tab, in order."""
    return tuple(sorted((page for page in pages().values() if page.place), key=lambda page: page.place))
