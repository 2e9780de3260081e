"""client_credentials: a client or a workload asks for a token of its own, for nobody else."""

from __future__ import annotations

from typing import Final

from keystead.core.errors import UnauthorizedClient
from keystead.core.forms import Form, Line, Token, Word
from keystead.core.records.workload import Workload
from keystead.core.spec import RFC6749, RFC8707, RFC9396, RFC9700
from keystead.oauth.authority import Holding
from keystead.oauth.authorization_details import Details, locations_of, read_details
from keystead.oauth.grant import Attempt, Authority, Grant
from keystead.oauth.scopes import IDENTITY_SCOPES, Ask, Bounds, split_scope
from keystead.storage.ports import get

_REFUSAL: Final = "the client may not have a token now"


class ClientCredentialsForm(Form, frozen=True, kw_only=True):
    """The parameters."""

    grant_type: Word
    scope: Line = ""
    resource: tuple[Line, ...] = ()
    audience: tuple[Line, ...] = ()
    authorization_details: Token = ""


class ClientCredentials(Grant[ClientCredentialsForm]):
    """A token for the client itself: no person, no session, no refresh token.

    Shape: `scope` (default: everything the client's scope allows), `resource` (default: whatever owns the scopes), or
    the same under the name `audience`, which is what OpenFGA's SDKs and others send.
    Spec: RFC 6749 section 4.4; RFC 9700 section 4.15 (a client never looks like a person).
    """

    grant_type = "client_credentials"
    specs = (RFC6749["4.4"], RFC8707["2.2"], RFC9396["6"], RFC9700["4.15"])
    form = ClientCredentialsForm
    events = ("client_credentials.public_client",)

    async def prove(self, form: ClientCredentialsForm, attempt: Attempt) -> Authority:
        """Return the client's own authority: its registered scope, less what only a person can give."""
        caller = attempt.caller
        if caller.method == "none":
            raise UnauthorizedClient(
                "a public client has no credentials of its own: register a client authentication method",
                reason="client_credentials.public_client",
            )
        details: Details = ()
        if form.authorization_details:
            details = read_details(form.authorization_details, attempt.realm, caller.client)
        return Authority(
            authorization_details=details,
            holding=Holding(client_id=caller.client.id, subject=caller.actor),
            bounds=Bounds(
                _own_scopes(attempt), bare=(*await _audiences(attempt), *locations_of(details, attempt.realm))
            ),
            ask=Ask(split_scope(form.scope), (*form.resource, *form.audience)),
            refusal=_REFUSAL,
            jwt=caller.client.wants_jwt,
        )


def _own_scopes(attempt: Attempt) -> tuple[str, ...]:
    return tuple(scope for scope in attempt.allowed_scopes() if scope not in IDENTITY_SCOPES)


async def _audiences(attempt: Attempt) -> tuple[str, ...]:
    """Return the audiences a workload may name even without a scope there, such as the message bus."""
    name = attempt.caller.workload
    if not name:
        return ()
    workload = await attempt.cx.store.read(get(Workload, attempt.realm.id, name, attempt.now))
    return workload.audiences if workload is not None else ()
