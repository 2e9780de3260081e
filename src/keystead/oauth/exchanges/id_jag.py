"""id-jag: an Identity Assertion JWT Authorization Grant, for an authorization server in another trust domain."""

from __future__ import annotations

from typing import Any, Final

from keystead.core.records.realm import Realm
from keystead.core.spec import ID_JAG
from keystead.core.values import Seconds
from keystead.oauth.exchange import Exchange, TokenExchangeForm
from keystead.oauth.grant import Attempt, Authority
from keystead.oauth.identity_assertions import (
    LIFETIME,
    REFUSAL,
    email_of,
    members_of,
    partner_check,
    require_partner,
    witness_of,
)
from keystead.oauth.scopes import Ask, Bounds, split_scope
from keystead.oauth.stamps import Stamp
from keystead.oauth.trusted_issuers import ID_JAG_TYPE

TOKEN_TYPE: Final = "urn:ietf:params:oauth:token-type:id-jag"  # noqa: S105 - a token type


class IdJagExchange(Exchange):
    """An ID token (or refresh token) of ours for an assertion that another server turns into an access token.

    Which servers, for which clients, scopes and resources: `realms.X.partner_servers`.
    Spec: draft-ietf-oauth-identity-assertion-authz-grant sections 3 and 4.3.
    """

    token_type = TOKEN_TYPE
    specs = (ID_JAG["3.1"], ID_JAG["4.3"])
    events = (
        "identity_assertion.subject_refused",
        "identity_assertion.target_refused",
        "identity_assertion.public_client",
    )

    def realm_metadata(self, realm: Realm) -> dict[str, Any]:
        """Return that ID-JAGs are issued. Spec: draft-ietf-oauth-identity-assertion-authz-grant section 7.1."""
        if "id_jag_issuer" not in realm.features:
            return {}
        return {"identity_chaining_requested_token_types_supported": [TOKEN_TYPE]}

    async def prove(self, form: TokenExchangeForm, attempt: Attempt) -> Authority:
        """Return the person's authority for the other server."""
        return await assertion_authority(form, attempt, "id_jag", ID_JAG_TYPE)


async def assertion_authority(form: TokenExchangeForm, attempt: Attempt, format: str, typ: str) -> Authority:
    """Return the authority that leaves as an assertion for a partner server."""
    partner = await require_partner(form, format, attempt)
    witness = await witness_of(form, attempt, signed_in=format == "id_jag")
    email = await email_of(partner, witness.holding.subject, attempt)
    return Authority(
        holding=witness.holding,
        grant_id=witness.holding.grant_id,
        bounds=Bounds(partner.scopes, target=partner.id),
        ask=Ask(split_scope(form.scope)),
        refusal=REFUSAL,
        acr=witness.acr,
        amr=witness.amr,
        auth_time=witness.auth_time,
        expires_by=witness.expires_by,
        lifetime=Seconds(LIFETIME),
        jwt=True,
        issued_token_type=form.requested_token_type,
        checks=(partner_check(partner),),
        stamp=Stamp(typ, lambda claims: members_of(partner, form.resource, email, claims)),
    )
