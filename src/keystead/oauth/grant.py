"""The shape of a grant plug-in: one file, one object, and one hole to fill, `prove`.

Flow: the /token pipeline (`keystead.oauth.token`) reads the plug-in's form, authenticates the client, and asks
`prove` for an `Authority`: who, for whom, how far. Everything after that (clamping, asking whether it still stands,
spending, minting, audit) is the pipeline's, so that a grant cannot forget it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar

import msgspec

from keystead.core.decisions import Check, Credential, Denied
from keystead.core.forms import Form
from keystead.core.http import Request
from keystead.core.records.realm import Realm
from keystead.core.spec import Section
from keystead.core.tokens import Actor, MayAct
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.authority import Holding
from keystead.oauth.client_authentication import Caller
from keystead.oauth.context import ServerContext
from keystead.oauth.scopes import Ask, Bounds, ScopeMap
from keystead.oauth.sender_binding import SenderBinding
from keystead.oauth.stamps import Stamp
from keystead.storage.ports import Write

F = TypeVar("F", bound=Form)

GRANT_TYPE_NAME: Final = re.compile(r"[a-z_]{1,40}|urn:[a-z0-9:._-]{1,100}", re.ASCII)
"""What a grant type looks like. Anything else that is sent as one (a token, by mistake) must not reach the log."""


class Spent(msgspec.Struct, frozen=True):
    """What had to be spent is spent. `refresh_token` is the new one, empty when there is none."""

    refresh_token: str = ""


Spend = Callable[[], Write[Spent | Denied]]
"""Spends what an authority was proved with and stores what it buys, inside the pipeline's one write transaction.

A `Denied` is committed too: a replay revokes. It may be run again from the start.
"""


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Who, for whom, how far: what a grant proved.

    `holding` says what it rests on, `bounds` how far it goes, `ask` what the request wants of it. `grant_id` is the
    grant the tokens will name, which a code only makes when it is spent. `claims` is the `claims` parameter of the
    authorization request. `expires_by` and `lifetime` bound the token's life. `refusal` is the one public sentence for
    whatever goes wrong with it from here. With a `stamp` something else than an access token is issued.
    `auth_req_id` names the backchannel request whose tokens are pushed; `told` are further claims of the ID token.
    """

    holding: Holding
    bounds: Bounds
    ask: Ask
    refusal: str
    grant_id: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: EpochSeconds = EpochSeconds(0)
    nonce: str = ""
    actor: Actor | None = None
    may_act: MayAct | None = None
    authorization_details: tuple[dict[str, Any], ...] = ()
    claims: dict[str, Any] = msgspec.field(default_factory=dict)
    expires_by: EpochSeconds | None = None
    lifetime: Seconds | None = None
    jwt: bool = False
    id_token: bool = False
    issued_token_type: str = ""
    checks: tuple[Check, ...] = ()
    auth_req_id: str = ""
    told: dict[str, Any] = msgspec.field(default_factory=dict)
    stamp: Stamp | None = None
    spend: Spend | None = None


@dataclass(slots=True)
class Attempt:
    """One request to the token endpoint, as far as the pipeline has come.

    `checks` grow for the audit, and `credential` is set for it as soon as a grant knows what it was shown.
    """

    request: Request
    cx: ServerContext
    realm: Realm
    scope_map: ScopeMap
    caller: Caller
    binding: SenderBinding
    credential: Credential
    checks: list[Check] = field(default_factory=list)

    @property
    def now(self) -> EpochSeconds:
        """Return when the request arrived."""
        return self.request.now

    @property
    def refresh_binding(self) -> str:
        """Return the key refresh tokens are bound to: a public client's; another's authentication guards its own.

        Spec: RFC 9449 section 5, RFC 8705 section 4.
        """
        return self.binding.text if self.caller.method == "none" else ""

    def allowed_scopes(self) -> tuple[str, ...]:
        """Return the scopes the client may ever ask for."""
        return tuple(self.caller.client.scope.split())


class Grant(ABC, Generic[F]):
    """A grant type, with all its facets.

    `settings` and `client_fields` are structs that extend the configuration and a client's metadata; `events` are the
    reason slugs it may put into the audit.
    """

    grant_type: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]
    form: type[F]
    settings: ClassVar[type[msgspec.Struct] | None] = None
    client_fields: ClassVar[type[msgspec.Struct] | None] = None
    events: ClassVar[tuple[str, ...]] = ()

    def metadata(self, issuer: str) -> dict[str, Any]:
        """Return further entries for the discovery document; the grant type itself is listed without asking."""
        return {}

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return those of its entries that the realm's settings decide."""
        return {}

    @abstractmethod
    async def prove(self, form: F, attempt: Attempt) -> Authority:
        """Return who, for whom and how far. Looks, and spends nothing that belongs to the rightful holder.

        Raises: InvalidGrant and its siblings.
        """
