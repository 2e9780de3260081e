"""ciba: what was allowed in the browser answers the client that asked on the back channel."""

from __future__ import annotations

from keystead.core.errors import AccessDenied, InvalidScope, OAuthError
from keystead.core.http import Reply
from keystead.core.pages import Link, Notice
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.awaited_decision import AwaitedDecision
from keystead.core.spec import CIBA
from keystead.oauth.asked import Asked
from keystead.oauth.backchannel_answers import allow, refuse
from keystead.oauth.context import ServerContext
from keystead.oauth.grants.ciba import GRANT_TYPE
from keystead.oauth.outcome import Outcome
from keystead.storage.ports import Write, get


class CibaOutcome(Outcome):
    """The client gets the decision. Only the person it asked about may give one.

    Spec: OpenID Connect CIBA Core section 8.
    """

    name = "ciba"
    grant_type = GRANT_TYPE
    specs = (CIBA["8"],)

    def keep(self, asked: Asked, decided: AuthorizationCode, cx: ServerContext) -> Write[bool]:
        """Answer yes."""
        waiting = yield from get(
            AwaitedDecision, asked.interaction.realm, asked.interaction.reference, asked.request.now
        )
        if waiting is None or waiting.subject != decided.subject:
            return False
        return (yield from allow(waiting, decided, asked.request.now, cx))

    def abandon(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Write[None]:
        """Answer no, when the person themselves said it or has no role for anything asked."""
        person, now = asked.situation.person, asked.request.now
        if person is None or not isinstance(error, AccessDenied | InvalidScope):
            return
        waiting = yield from get(AwaitedDecision, asked.interaction.realm, asked.interaction.reference, now)
        if waiting is not None and waiting.subject == person.account.id:
            yield from refuse(waiting, now, cx)

    def allowed(self, asked: Asked, cx: ServerContext) -> Reply:
        """Return the page after a yes."""
        return _page(asked, cx, "You allowed it", f"{_name(asked)} goes on by itself.", good=True)

    def refused(self, asked: Asked, error: OAuthError, cx: ServerContext) -> Reply:
        """Return the page after a no."""
        return _page(asked, cx, "Nothing was allowed", f"{_name(asked)} got no access.", good=False)


def _page(asked: Asked, cx: ServerContext, title: str, message: str, *, good: bool) -> Reply:
    realm = asked.request.realm
    return cx.pages.notice(
        Notice(
            realm=realm,
            realm_name=asked.situation.realm.display_name,
            title=title,
            message=message,
            good=good,
            link=Link(f"{cx.issuer(realm)}/ciba", "Other requests"),
        )
    )


def _name(asked: Asked) -> str:
    return asked.client.client_name or asked.client.id
