"""Whatever is sent to the endpoints of clients: an OAuth error, never a crash (J7)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keystead.oauth.grants.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from tests.issuer import SECRET, Issuer, basic_header
from tests.market import CATALOG, Market, open_market

FORM = (b"content-type", b"application/x-www-form-urlencoded")
NAMES = (
    *("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", "resource", "audience"),
    *("subject_token", "subject_token_type", "requested_token_type", "actor_token", "actor_token_type"),
    *("client_id", "client_secret", "client_assertion", "client_assertion_type", "token", "token_type_hint"),
)
VALUES = (
    *("authorization_code", "refresh_token", "client_credentials", GRANT_TYPE, ACCESS_TOKEN, CATALOG, "web", "spa"),
    *(
        "batch",
        SECRET,
        "openid",
        "ksc_A",
        "ksr_" + "A" * 80,
        "ksa_" + "A" * 80,
        "e30.e30.e30",
        "eyJhbGciOiJFUzI1NiJ9.e30.",
    ),
    *(
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "workload:gateway",
        "%",
        "%00",
        "%C3%A9",
        "",
        "+",
        "x" * 300,
    ),
)

value = st.one_of(st.sampled_from(VALUES), st.text(alphabet="ksar_.%+=&-é\0\n ", max_size=12))
body = st.lists(st.tuples(st.sampled_from(NAMES), value), max_size=8).map(
    lambda pairs: "&".join(f"{name}={text}" for name, text in pairs).encode()
)
authorization = st.one_of(
    st.none(),
    st.just(basic_header("web", SECRET)),
    st.just(basic_header("batch", SECRET)),
    st.sampled_from([b"Basic", b"Basic ", b"Bearer ksa_AAAA", b"Basic \xff", b"Bearer e30.e30.AA", b"Bearer \xc3\xa9"]),
    st.binary(max_size=40),
)


@pytest.mark.attack("J7")
@pytest.mark.parametrize("path", ["token", "introspect", "revoke", "userinfo"])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=body, header=authorization)
def test_nothing_malformed_gets_through_or_crashes(
    market_loop: tuple[asyncio.AbstractEventLoop, Market], path: str, body: bytes, header: bytes | None
) -> None:
    loop, market = market_loop
    headers = [FORM] if header is None else [FORM, (b"authorization", header)]
    answer = loop.run_until_complete(market.issuer.send(path, body, headers=headers))
    assert answer.status in (200, 400, 401, 403), answer
    if answer.status != 200:
        assert set(answer.json) == {"error", "error_description"}
        assert answer.json["error_description"].isascii()


@pytest.fixture
def market_loop(tmp_path: Path) -> Iterator[tuple[asyncio.AbstractEventLoop, Market]]:
    """A market and a loop of its own, because hypothesis drives plain functions."""
    loop = asyncio.new_event_loop()

    async def start() -> Market:
        return await open_market(Issuer(tmp_path))

    market = loop.run_until_complete(start())
    yield loop, market
    loop.run_until_complete(market.issuer.store.close())
    loop.close()
