"""The revocation feed: what ended before its time, for verifiers that check tokens without calling home."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from keystead.core.forms import Form, Word, parse_parameters, read_form
from keystead.core.http import Headers, Reply, Request, json_reply
from keystead.core.revocation_feed import LONGEST_WAIT, RELATION
from keystead.core.spec import RFC7009
from keystead.oauth.context import ServerContext
from keystead.oauth.endpoint import EndpointPlugin

_HEADERS: Final[Headers] = ((b"cache-control", b"no-store"),)
Wait = Annotated[str, msgspec.Meta(pattern="^[0-9]{1,2}$")]


class FeedForm(Form, frozen=True, kw_only=True):
    """The parameters: where the follower stands, and how many seconds it would wait for something new."""

    after: Word = ""
    wait: Wait = "0"


class RevocationsEndpoint(EndpointPlugin):
    """Tells whoever asks which tokens are dead though they have not expired.

    Shape: GET with `after` (the `cursor` of the last answer; none: everything still remembered) and `wait` (0 to 20
    seconds, answered earlier as soon as there is something); a JSON `FeedPage`. Public: it names things by digests.
    Does not: name a token, a person or a client, or need a credential.
    Spec: RFC 7009 section 3 (self-contained tokens), which leaves to each server how the news travels.
    """

    path = "revocations"
    methods = frozenset({"GET"})
    specs = (RFC7009["3"],)

    def links(self, issuer: str) -> dict[str, str]:
        """Return where it is. No registered member of the metadata names such a thing."""
        return {RELATION: f"{issuer}/{self.path}"}

    async def handle(self, request: Request, cx: ServerContext) -> Reply:
        """Answer one question, at once or when there is something to tell."""
        form = read_form(parse_parameters(request.query), FeedForm)
        wait = min(int(form.wait), LONGEST_WAIT)
        page = await cx.revocation_news.page(request.realm, form.after, wait)
        return json_reply(page, headers=_HEADERS)
