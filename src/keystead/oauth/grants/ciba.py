"""ciba: a client asked a person who is elsewhere, and comes for the tokens (OpenID Connect CIBA)."""

from __future__ import annotations

from typing import Final

from keystead.core.forms import Form, Word
from keystead.core.spec import CIBA, FAPI_CIBA
from keystead.oauth.awaited import Kind, prove_decision
from keystead.oauth.grant import Attempt, Authority, Grant

GRANT_TYPE: Final = "urn:openid:params:grant-type:ciba"
BACKCHANNEL: Final = Kind("ciba", "ksq_", "the auth_req_id is not valid: used before, or issued to another client")
MODES: Final = ("poll", "ping", "push")


class CibaForm(Form, frozen=True, kw_only=True):
    """The parameters."""

    grant_type: Word
    auth_req_id: Word


class CibaGrant(Grant[CibaForm]):
    """An `auth_req_id` for tokens, once, as soon as the person has said yes. For the modes poll and ping.

    Spec: OpenID Connect CIBA Core sections 10.1 and 11.
    """

    grant_type = GRANT_TYPE
    specs = (CIBA["10.1"], CIBA["11"], FAPI_CIBA["5.2.2"])
    form = CibaForm
    events = (
        "ciba.unknown",
        "ciba.wrong_client",
        "ciba.wrong_binding",
        "ciba.pushed",
        "ciba.pending",
        "ciba.slow_down",
        "ciba.denied",
        "ciba.expired",
        "ciba.replayed",
    )

    async def prove(self, form: CibaForm, attempt: Attempt) -> Authority:
        """Return what the person allowed, or say that they have not answered yet."""
        return await prove_decision(BACKCHANNEL, form.auth_req_id, attempt)
