"""Proof Key for Code Exchange at the token endpoint."""

from __future__ import annotations

import pytest

from tests.issuer import VERIFIER, challenge
from tests.market import Market

APPENDIX_B = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.mark.spec("RFC 7636 appendix B")
def test_the_challenge_is_the_one_of_the_specification() -> None:
    assert challenge(APPENDIX_B) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.spec("RFC 7636 section 4.6")
@pytest.mark.attack("C4")
async def test_another_verifier_burns_the_code(market: Market) -> None:
    code = await market.code()
    answer = await market.issuer.redeem(code, code_verifier="x" * 43)
    assert (answer.status, answer.error) == (400, "invalid_grant")
    assert market.issuer.journal.reason == "authorization_code.wrong_verifier"
    assert (await market.issuer.redeem(code)).error == "invalid_grant"


@pytest.mark.spec("RFC 7636 section 4.1")
@pytest.mark.attack("C4")
@pytest.mark.parametrize(
    "verifier", ["x" * 42, "x" * 129, "x" * 42 + "=", "x" * 42 + "+", "x" * 43 + "\n", "é" * 43, "x y" * 15]
)
async def test_what_is_no_verifier_is_refused_before_the_code_is_touched(market: Market, verifier: str) -> None:
    code = await market.code()
    answer = await market.issuer.redeem(code, code_verifier=verifier)
    assert (answer.status, answer.error) == (400, "invalid_request")
    assert (await market.issuer.redeem(code)).status == 200


@pytest.mark.spec("RFC 7636 section 4.6")
@pytest.mark.attack("C4")
async def test_the_challenge_itself_is_no_verifier(market: Market) -> None:
    code = await market.code()
    answer = await market.issuer.redeem(code, code_verifier=challenge(VERIFIER))
    assert answer.error == "invalid_grant"
