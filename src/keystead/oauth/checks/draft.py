"""An authorization request on its way to being believed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from keystead.core.forms import Form, Line, Token, Word
from keystead.core.jose.key_set import KeySet
from keystead.core.records.client import Client
from keystead.core.records.interaction import Interaction
from keystead.core.records.realm import Realm
from keystead.core.values import EpochSeconds
from keystead.oauth.scopes import ScopeMap

Document = Annotated[str, msgspec.Meta(max_length=16_384)]
"""A parameter that holds JSON."""


class AuthorizationForm(Form, frozen=True, kw_only=True):
    """The parameters of an authorization request, as sent. Empty means absent, save for `state`.

    Does not: hold `display`, `claims_locales` and the like, which change nothing here and are ignored.
    Spec: RFC 6749 section 4.1.1, RFC 7636 section 4.3, RFC 8707 section 2, OpenID Connect Core section 3.1.2.1,
    RFC 9396 section 3, RFC 9449 section 10.
    """

    client_id: Word = ""
    response_type: Word = ""
    redirect_uri: Line = ""
    scope: Line = ""
    state: Line | None = None
    response_mode: Word = ""
    nonce: Line = ""
    prompt: Word = ""
    max_age: Word = ""
    id_token_hint: Token = ""
    login_hint: Line = ""
    acr_values: Line = ""
    ui_locales: Line = ""
    claims: Document = ""
    authorization_details: Document = ""
    dpop_jkt: Word = ""
    code_challenge: Line = ""
    code_challenge_method: Word = ""
    resource: tuple[Line, ...] = ()
    request: str = ""
    request_uri: str = ""
    registration: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the checks may know besides the request. `keys` are loaded only when a hint has to be verified.

    `pushed` is the digest of the pushed request it came from, `signed` says that the client signed it as an object,
    `binding` is the key (`SenderBinding.text`) that was proved while pushing it.
    """

    realm: Realm
    issuer: str
    now: EpochSeconds
    client: Client | None
    scope_map: ScopeMap
    keys: KeySet | None = None
    pushed: str = ""
    signed: bool = False
    binding: str = ""


@dataclass(slots=True)
class Draft:
    """The request, the facts, and what the checks have settled so far."""

    form: AuthorizationForm
    facts: Facts
    redirect_uri: str = ""
    response_mode: str = "query"
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    required_subject: str = ""
    ui_locales: tuple[str, ...] = ()
    claims: dict[str, Any] = field(default_factory=dict)
    authorization_details: tuple[dict[str, Any], ...] = ()
    binding: str = ""

    @property
    def client(self) -> Client:
        """The client, once `require_known_client` has passed."""
        if self.facts.client is None:
            raise RuntimeError("the client is asked for before it was proven")
        return self.facts.client

    def interaction(self, id: str, browser_digest: str) -> Interaction:
        """Return the validated request, so that no later step reads the query again."""
        form = self.form
        return Interaction(
            realm=self.facts.realm.id,
            id=id,
            browser_digest=browser_digest,
            client_id=self.client.id,
            redirect_uri=self.redirect_uri,
            state=form.state,
            nonce=form.nonce,
            scopes=self.scopes,
            resources=self.resources,
            code_challenge=form.code_challenge,
            response_mode=self.response_mode,
            prompt=self.prompt,
            max_age=self.max_age,
            acr_values=self.acr_values,
            login_hint=form.login_hint,
            required_subject=self.required_subject,
            ui_locales=self.ui_locales,
            claims=self.claims,
            authorization_details=self.authorization_details,
            binding=self.binding,
            pushed=self.facts.pushed,
            begun_at=self.facts.now,
        )
