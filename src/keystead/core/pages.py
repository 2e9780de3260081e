"""The few pages that the protocol itself must be able to show, as data and a protocol.

Flow: `keystead.oauth` says what there is to tell, `keystead.web` makes it a page, `keystead.app` wires the two.
`realm_name` is what people call the realm, where it is known; its name in the URL stands in for it.
Does not: hold HTML. Every text here is escaped by whoever renders it.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from keystead.core.http import Reply


class Link(msgspec.Struct, frozen=True):
    """A way on. `href` must come from configuration or be ours, never from the request."""

    href: str
    text: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something that ends here, on a page of ours, because nobody may be redirected with it.

    `code` is the registered error code, `message` what went wrong in a sentence, `advice` what the reader can do.
    `reference` is the trace id, which the operator finds in the log. `retry_after` is in seconds, 0 for never.
    """

    realm: str
    realm_name: str = ""
    title: str
    message: str
    advice: str = ""
    code: str = "invalid_request"
    status: int = 400
    reference: str = ""
    retry_after: int = 0
    link: Link | None = None


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """Something is done, and there is nothing more to do here. `good`: it is what the person wanted."""

    realm: str
    realm_name: str = ""
    title: str
    message: str
    good: bool = True
    link: Link | None = None


class LogoutQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Do you want to sign out? `fields` are hidden form fields, posted back with the answer."""

    realm: str
    realm_name: str = ""
    person: str
    client_name: str = ""
    action: str
    fields: tuple[tuple[str, str], ...] = ()
    form_target: str = ""


class Farewell(msgspec.Struct, frozen=True, kw_only=True):
    """You are signed out. `frames` tell applications so; with `goes_on` the browser follows the link afterwards."""

    realm: str
    realm_name: str = ""
    link: Link | None = None
    frames: tuple[str, ...] = ()
    goes_on: bool = False


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """An answer on its way to an application, through the browser.

    `address` is its proven redirect URI. With `fields` they are posted there; without, the browser goes there.
    """

    realm: str
    realm_name: str = ""
    client_name: str
    address: str
    fields: tuple[tuple[str, str], ...] = ()


class Pages(Protocol):
    """Makes pages. Implemented by `keystead.web.pages`."""

    def hand_over(self, handover: Handover) -> Reply:
        """Return the page that hands an answer on by itself, and by a button where it cannot."""
        ...

    def problem(self, problem: Problem) -> Reply:
        """Return the error page. Never a redirect."""
        ...

    def notice(self, notice: Notice) -> Reply:
        """Return the page that says what was done."""
        ...

    def confirm_logout(self, question: LogoutQuestion) -> Reply:
        """Return the page that asks before signing out."""
        ...

    def logged_out(self, farewell: Farewell) -> Reply:
        """Return the page after signing out."""
        ...
