"""An authorization request that waits for a person: validated once, then only resumed."""

from __future__ import annotations

from typing import Any, ClassVar

from keystead.core.records.record import Record
from keystead.core.values import EpochSeconds


class Interaction(Record, frozen=True, kw_only=True):
    """A pending authorization request. Its `id` is a digest of the handle in the page's URL.

    `browser_digest` binds it to the browser that began it: a form posted from another browser finds nothing.
    The fields up to `begun_at` hold the validated request, so no later step reads the query again. `pushed` is the
    digest of the pushed request it came from, spent when the request is answered. `outcome` says what a finished
    request becomes (`code`, or the name of a decision that waits elsewhere: `device`, `ciba`), `reference` which one;
    `binding_message` is then what both ends show.
    The fields after `begun_at` are what has happened since: `signed_in_at` (in this interaction), `chosen_subject`
    (who chose to go on with the session there was), `consented_by` (who allowed `consented_scopes` and
    `consented_details`), `denied`.
    """

    kind: ClassVar[str] = "interaction"

    browser_digest: str
    client_id: str
    redirect_uri: str
    state: str | None = None
    nonce: str = ""
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    code_challenge: str = ""
    response_mode: str = "query"
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()
    login_hint: str = ""
    required_subject: str = ""
    ui_locales: tuple[str, ...] = ()
    claims: dict[str, Any] = {}
    authorization_details: tuple[dict[str, Any], ...] = ()
    binding: str = ""
    pushed: str = ""
    outcome: str = "code"
    reference: str = ""
    binding_message: str = ""
    begun_at: EpochSeconds = EpochSeconds(0)
    signed_in_at: EpochSeconds | None = None
    chosen_subject: str = ""
    consented_by: str = ""
    consented_scopes: tuple[str, ...] | None = None
    consented_details: tuple[dict[str, Any], ...] = ()
    denied: bool = False
