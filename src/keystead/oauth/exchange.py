"""The shape of an exchange plug-in: what a token exchange can make beside an access token for an API of this realm.

Flow: the token-exchange grant reads `requested_token_type`; the plug-in of that name proves what the subject token is
worth, and stamps what comes out. Everything around it is the /token pipeline's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from keystead.core.forms import Form, Line, Token, Word
from keystead.core.records.realm import Realm
from keystead.core.spec import Section
from keystead.oauth.grant import Attempt, Authority


class TokenExchangeForm(Form, frozen=True, kw_only=True):
    """The parameters. Exactly one `audience` or `resource` names the API to call.

    An exchange for another trust domain names that domain's server as `audience` and may name a `resource` there.
    `request_context` and `request_details` are JSON objects for transaction tokens.
    """

    grant_type: Word
    subject_token: Token
    subject_token_type: Word
    audience: tuple[Line, ...] = ()
    resource: tuple[Line, ...] = ()
    scope: Line = ""
    authorization_details: Token = ""
    requested_token_type: Word = ""
    actor_token: Token = ""
    actor_token_type: Word = ""
    request_context: Token = ""
    request_details: Token = ""


class Exchange(ABC):
    """One kind of exchange. `token_type` is the `requested_token_type` that asks for it."""

    token_type: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]
    events: ClassVar[tuple[str, ...]] = ()

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return further entries for the discovery document, where the realm's settings decide."""
        return {}

    @abstractmethod
    async def prove(self, form: TokenExchangeForm, attempt: Attempt) -> Authority:
        """Return what the subject token is worth for this. Raises: InvalidGrant and its siblings."""
