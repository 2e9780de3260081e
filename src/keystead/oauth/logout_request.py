"""A logout request: what it claims, and what of it is true.

Spec: OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keystead.core.decisions import Check, Denied
from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Token, Word
from keystead.core.http import Request
from keystead.core.records.client import Client
from keystead.oauth.checks.id_token_hint import read_id_token_hint
from keystead.oauth.context import ServerContext
from keystead.oauth.decryption import opened_hint
from keystead.oauth.situation import Person, gather, place_of, read_browser


class LogoutForm(Form, frozen=True, kw_only=True):
    """The parameters of a logout request; `answer` and `token` only from our own page."""

    id_token_hint: Token = ""
    logout_hint: Line = ""
    client_id: Word = ""
    post_logout_redirect_uri: Line = ""
    state: Line | None = None
    ui_locales: Line = ""
    answer: Word = ""
    token: Word = ""


@dataclass(frozen=True, slots=True)
class Proven:
    """A logout request that was checked: who may be told, where to go afterwards, and whom the hint names."""

    form: LogoutForm
    client: Client | None
    person: Person | None
    hint: dict[str, Any] | None
    return_to: str
    realm_name: str
    checks: tuple[Check, ...]


async def prove_logout(request: Request, form: LogoutForm, cx: ServerContext) -> Proven:
    """Check everything a logout request claims. Raises: InvalidRequest."""
    issuer = cx.issuer(request.realm)
    hint = await _read_hint(request, form, cx)
    client_id = form.client_id
    if hint is not None:
        audience = hint.get("aud")
        named = [audience] if isinstance(audience, str) else audience if isinstance(audience, list) else []
        if client_id and client_id not in named:
            raise InvalidRequest("The id_token_hint was issued to another client.", reason="logout.hint_client")
        client_id = client_id or (named[0] if len(named) == 1 and isinstance(named[0], str) else "")
    session_digest = read_browser(request, cx).session_digest
    situation = await cx.store.read(gather(place_of(request, cx), client_id, session_digest, request.now))
    client = situation.client if situation.client is not None and situation.client.enabled else None
    if client_id and client is None:
        raise InvalidRequest("This application is not known here.", reason="logout.client_unknown")
    target = form.post_logout_redirect_uri
    if target and (client is None or target not in client.post_logout_redirect_uris):
        raise InvalidRequest(
            "The post_logout_redirect_uri is not one that the application registered.",
            reason="logout.redirect_uri_not_registered",
        )
    checks = (
        Check("id_token_hint", hint is not None, f"an ID token of {issuer}" if hint else "none was sent"),
        Check("post_logout_redirect_uri", True, "registered, character by character" if target else "none was sent"),
    )
    return Proven(form, client, situation.person, hint, target, situation.realm.display_name, checks)


async def _read_hint(request: Request, form: LogoutForm, cx: ServerContext) -> dict[str, Any] | None:
    if not form.id_token_hint:
        return None
    keys = await cx.keys.key_set(request.realm, request.now)
    hint = await opened_hint(form.id_token_hint, request.realm, request.now, cx)
    claims = read_id_token_hint(hint, keys, cx.issuer(request.realm))
    if isinstance(claims, Denied):
        raise InvalidRequest("The id_token_hint is not an ID token issued here.", reason=claims.reason)
    return claims


def hint_is_of(person: Person, hint: dict[str, Any] | None) -> bool:
    """Return whether the hint proves that the client means this very session."""
    return hint is not None and hint.get("sub") == person.told and hint.get("sid") == person.session.id
