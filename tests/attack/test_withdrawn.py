"""What was taken from a client while a person was signing in is gone for that sign-in, too."""

from __future__ import annotations

import pytest

from keystead.core.records.client import Client
from tests.issuer import Issuer
from tests.shop import CALLBACK, authorize_url, browser_for, open_shop, sign_in

pytestmark = pytest.mark.attack("T5")


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": ("https://new.test/cb",)},
        {"grant_types": ("client_credentials",)},
        {"response_modes": ("form_post.jwt",)},
        {"profile": "fapi2_security"},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_no_code_goes_where_the_client_is_not_any_more(issuer: Issuer, changes: dict[str, object]) -> None:
    """The operator takes a redirect URI back that fell into wrong hands; a sign-in was under way."""
    await open_shop(issuer)
    browser = browser_for(issuer)
    page = await browser.get(authorize_url(issuer))
    await issuer.change(Client, "shop", skip_consent=True, **changes)
    page = await sign_in(browser, page)
    assert not page.location.startswith(CALLBACK)
    assert "code=" not in page.location
