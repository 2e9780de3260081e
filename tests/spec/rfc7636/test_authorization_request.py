"""PKCE at the authorization endpoint: S256, of everyone."""

from __future__ import annotations

import pytest

from keystead.core.values import new_handle
from keystead.oauth.challenge_memory import ChallengeMemory
from tests.issuer import VERIFIER, Issuer, challenge
from tests.shop import CALLBACK, authorize_url, browser_for, open_shop, reach_code

pytestmark = [pytest.mark.attack("C4")]

BAD = [
    {"code_challenge": None},
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge_method": "s256"},
    {"code_challenge_method": "S512"},
    {"code_challenge": "A" * 42},
    {"code_challenge": "A" * 44},
    {"code_challenge": challenge(VERIFIER) + "="},
    {"code_challenge": "+" * 43},
    {"code_challenge": VERIFIER},
]


@pytest.mark.spec("RFC 7636 section 4.4.1")
@pytest.mark.spec("RFC 9700 section 2.1.1")
@pytest.mark.parametrize("changes", BAD, ids=str)
@pytest.mark.parametrize(("method", "profile"), [("none", ""), ("none", "oauth21"), ("client_secret_basic", "oauth21")])
async def test_no_client_gets_on_without_an_s256_challenge(
    issuer: Issuer, changes: dict[str, str | None], method: str, profile: str
) -> None:
    await open_shop(issuer, token_endpoint_auth_method=method, profile=profile)
    page = await browser_for(issuer).get(authorize_url(issuer, **changes), follow=False)
    assert page.answer["error"] == "invalid_request"
    assert "code_challenge" in page.answer["error_description"]


@pytest.mark.spec("RFC 8414 section 2")
async def test_the_metadata_names_s256_alone(issuer: Issuer) -> None:
    await open_shop(issuer)
    discovery = await issuer.send(".well-known/openid-configuration", method="GET")
    assert discovery.json["code_challenge_methods_supported"] == ["S256"]
    assert discovery.json["response_types_supported"] == ["code"]


@pytest.mark.spec("RFC 9700 section 2.1.1")
async def test_a_client_that_reuses_its_challenge_is_noticed(issuer: Issuer) -> None:
    await open_shop(issuer)
    fresh = challenge(new_handle())
    url = authorize_url(issuer, code_challenge=fresh)
    alice, bob = browser_for(issuer), browser_for(issuer)
    await reach_code(alice, url)
    await alice.get(url)
    reasons = [decision.reason for decision in issuer.journal.decisions]
    assert "pkce.challenge_reused" not in reasons, "one browser may go back and repeat"
    await reach_code(bob, url, "bob")
    assert issuer.journal.reason == "pkce.challenge_reused"


def test_the_memory_of_challenges_is_bounded() -> None:
    memory = ChallengeMemory(remembered=3)
    assert not any(memory.is_reused("i", "c", f"challenge-{number}", "s") for number in range(10))
    assert memory.is_reused("i", "c", "challenge-9", "other")
    assert not memory.is_reused("i", "c2", "challenge-9", "other")
    assert not memory.is_reused("i", "c", "challenge-0", "other")


async def code_in_hand(issuer: Issuer, **changes: str | None) -> dict[str, str]:
    """Sign in and return what the shop sends to the token endpoint, but for a verifier."""
    page = await reach_code(browser_for(issuer), authorize_url(issuer, **changes))
    return {"redirect_uri": CALLBACK, "code": page.answer["code"]}


@pytest.mark.spec("OpenID Connect Core section 3.1.2.1")
async def test_plain_openid_connect_with_a_client_that_authenticates_needs_no_challenge(issuer: Issuer) -> None:
    await open_shop(issuer)
    changes = {"code_challenge": None, "code_challenge_method": None}
    offered = await code_in_hand(issuer, **changes)
    answer = await issuer.token("authorization_code", client="shop", **offered)
    assert answer.status == 200, answer.body


@pytest.mark.spec("RFC 9700 section 4.8.2")
async def test_a_verifier_without_a_challenge_is_a_downgrade(issuer: Issuer) -> None:
    await open_shop(issuer)
    changes = {"code_challenge": None, "code_challenge_method": None}
    offered = await code_in_hand(issuer, **changes)
    assert (
        await issuer.token("authorization_code", client="shop", code_verifier=VERIFIER, **offered)
    ).error == "invalid_grant"
    assert (await issuer.token("authorization_code", client="shop", **offered)).error == "invalid_grant", (
        "the code is burnt"
    )


@pytest.mark.spec("RFC 7636 section 4.6")
async def test_a_challenge_is_never_left_unanswered(issuer: Issuer) -> None:
    await open_shop(issuer)
    offered = await code_in_hand(issuer)
    assert (await issuer.token("authorization_code", client="shop", **offered)).error == "invalid_grant"
    whole = await issuer.token("authorization_code", client="shop", code_verifier=VERIFIER, **offered)
    assert whole.status == 200, "a request that forgot it may be mended: its client alone could have sent it"


async def test_without_openid_there_is_no_way_around_pkce(issuer: Issuer) -> None:
    await open_shop(issuer)
    url = authorize_url(issuer, code_challenge=None, code_challenge_method=None, scope="catalog:read")
    page = await browser_for(issuer).get(url, follow=False)
    assert page.answer["error"] == "invalid_request"
