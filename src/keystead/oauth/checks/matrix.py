"""The matrix: which check guards which endpoint, in the order they run.

The rows marked `here` run before the redirect URI is proven, so their errors end on a page of ours and never travel.
All later errors go to the client.
Spec: RFC 6749 section 4.1.2.1, RFC 9700 section 4.11.2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from keystead.core.decisions import Check
from keystead.core.errors import OAuthError
from keystead.oauth.checks.authorization_details import require_known_authorization_details
from keystead.oauth.checks.claims import require_readable_claims
from keystead.oauth.checks.client import require_code_grant, require_known_client
from keystead.oauth.checks.demands import require_demanded_push, require_demanded_signature, require_one_binding
from keystead.oauth.checks.draft import Draft
from keystead.oauth.checks.id_token_hint import require_good_id_token_hint
from keystead.oauth.checks.interaction import require_readable_max_age, require_served_prompt, require_short_hints
from keystead.oauth.checks.pkce import require_pkce
from keystead.oauth.checks.redirect_uri import require_registered_redirect_uri
from keystead.oauth.checks.response import (
    require_code_response_type,
    require_known_response_mode,
    require_short_nonce,
)
from keystead.oauth.checks.scope import require_known_resources, require_scope_within_client
from keystead.oauth.checks.unsupported import refuse_inline_registration

AUTHORIZE: Final = "authorize"
"""The browser's front door."""

PAR: Final = "par"
"""The back door: the same request, pushed by its client."""

UNRESOLVED: Final = "unresolved"
"""A request that refers to something which is none: only who asks, and where the error may go, is looked at."""

DEVICE_AUTHORIZATION: Final = "device_authorization"
BACKCHANNEL_AUTHENTICATION: Final = "backchannel_authentication"
"""The doors for clients that wait for a decision. They have authenticated already, and nobody is redirected."""

AUTHORIZATION_CHALLENGE: Final = "authorization_challenge"
"""The door for first-party applications, which bring what the person typed themselves."""

RequestCheck = Callable[[Draft], str]


@dataclass(frozen=True, slots=True)
class Row:
    """One check and the endpoints it guards. `here`: a failure is told on a page of ours, never by redirect."""

    check: RequestCheck
    endpoints: frozenset[str]
    here: bool = False

    @property
    def name(self) -> str:
        """The check's name as it stands in journals: `require_pkce` is `pkce`."""
        return self.check.__name__.partition("_")[2]


_BROWSER: Final = frozenset({AUTHORIZE})
_BOTH: Final = frozenset({AUTHORIZE, PAR})
_FROM_THE_START: Final = frozenset({AUTHORIZE, PAR, UNRESOLVED})
_CODE: Final = frozenset({*_BOTH, AUTHORIZATION_CHALLENGE})
_SIGNED_OR_NOT: Final = frozenset({*_CODE, DEVICE_AUTHORIZATION})
"""The doors that ask here whether a signature is demanded; the back channel reads signed requests of its own kind."""
_EVERY: Final = frozenset({*_CODE, DEVICE_AUTHORIZATION, BACKCHANNEL_AUTHENTICATION})

MATRIX: Final[tuple[Row, ...]] = (
    Row(require_known_client, _FROM_THE_START, here=True),
    Row(require_registered_redirect_uri, _FROM_THE_START, here=True),
    Row(require_known_response_mode, _FROM_THE_START),
    Row(require_demanded_push, _BROWSER),
    Row(require_demanded_signature, _SIGNED_OR_NOT),
    Row(refuse_inline_registration, _BOTH),
    Row(require_code_response_type, _CODE),
    Row(require_code_grant, _CODE),
    Row(require_pkce, _CODE),
    Row(require_scope_within_client, _EVERY),
    Row(require_known_resources, _EVERY),
    Row(require_short_nonce, _CODE),
    Row(require_served_prompt, _BOTH),
    Row(require_readable_max_age, _CODE),
    Row(require_short_hints, _CODE),
    Row(require_good_id_token_hint, _BOTH),
    Row(require_readable_claims, _CODE),
    Row(require_known_authorization_details, _EVERY),
    Row(require_one_binding, _BOTH),
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The request failed a check. `here` says that nobody may be redirected with the error."""

    error: OAuthError
    here: bool


def examine(draft: Draft, endpoint: str) -> tuple[tuple[Check, ...], Refusal | None]:
    """Run the checks of an endpoint until one fails. Answer: the checks that ran, and the refusal if there is one."""
    ran: list[Check] = []
    for row in MATRIX:
        if endpoint not in row.endpoints:
            continue
        try:
            ran.append(Check(row.name, True, row.check(draft)))
        except OAuthError as error:
            ran.append(Check(row.name, False, error.description))
            return tuple(ran), Refusal(error, row.here)
    return tuple(ran), None
