"""ID tokens under FAPI 2.0: nothing the client has no use for."""

from __future__ import annotations

import pytest

from keystead.core.records.client import Client
from tests.dpop import Sender, dpop
from tests.issuer import VERIFIER
from tests.market import Market

pytestmark = pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.1")


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, False),
        ({"backchannel_logout_uri": "https://app.test/out"}, True),
        ({"frontchannel_logout_uri": "https://app.test/out"}, True),
        ({"post_logout_redirect_uris": ("https://app.test/bye",)}, True),
        ({"profile": "oauth21"}, True),
    ],
    ids=str,
)
async def test_the_session_is_told_to_who_has_a_use_for_it(
    market: Market, fields: dict[str, object], told: bool
) -> None:
    changes = {"profile": "fapi2_security", "grant_types": ("authorization_code",), "post_logout_redirect_uris": ()}
    await market.issuer.change(Client, "web", **(changes | fields))
    form = {"code": await market.code(scopes=("openid",)), "redirect_uri": "https://app.test/cb"}
    proof = dpop(Sender().proof("POST", f"{market.issuer.url}/token", market.issuer.now))
    answer = await market.issuer.token("authorization_code", code_verifier=VERIFIER, headers=[proof], **form)
    assert answer.status == 200, answer.body
    claims = await market.verified(answer.json["id_token"], "jwt")
    assert ("sid" in claims) is told
