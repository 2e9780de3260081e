"""A token whose state a Token Status List tells."""

from __future__ import annotations

from typing import ClassVar

from keystead.core.records.record import Record


class ListedToken(Record, frozen=True, kw_only=True):
    """A living JWT access token, and all it rests on. Its `id` is its place in the list; it expires with the token.

    Only realms with `status_lists` keep them. The fields are those of `keystead.oauth.authority.Holding`.
    """

    kind: ClassVar[str] = "listed_token"

    token_id: str
    client_id: str
    subject: str
    sid: str = ""
    grant_id: str = ""
    scopes: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    actors: tuple[str, ...] = ()
