"""Identity chaining: a plain JWT authorization grant for an authorization server in another trust domain.

Spec: draft-ietf-oauth-identity-chaining sections 2.3 and 2.4.
"""

from __future__ import annotations

from keystead.core.records.trusted_issuer import PartnerServer
from keystead.oauth.exchange import TokenExchangeForm
from keystead.oauth.exchanges.id_jag import assertion_authority
from keystead.oauth.grant import Attempt, Authority
from keystead.storage.ports import get

GRANT_TYPE_JWT = "JWT"


async def is_for_partner(form: TokenExchangeForm, attempt: Attempt) -> bool:
    """Return whether an exchange for a JWT names another authorization server and not an API of this realm."""
    if len(form.audience) != 1 or form.audience[0] in attempt.scope_map.apis:
        return False
    found = await attempt.cx.store.read(get(PartnerServer, attempt.realm.id, form.audience[0], attempt.now))
    return found is not None


async def chained_authority(form: TokenExchangeForm, attempt: Attempt) -> Authority:
    """Return the authority that leaves as a plain JWT authorization grant."""
    return await assertion_authority(form, attempt, "jwt", GRANT_TYPE_JWT)
