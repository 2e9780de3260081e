"""Handles in the wrong place, and handles that were tampered with: every one is refused (C3, J10)."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
import pytest

from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.oauth.opaque import open_access_token
from keystead.oauth.refresh_tokens import read_refresh_token
from keystead.storage.ports import get
from tests.issuer import SECRET, Answer
from tests.market import CATALOG, Market

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


async def _handles(market: Market) -> dict[str, str]:
    tokens = await market.tokens()
    return {
        "code": await market.code(),
        "refresh_token": tokens["refresh_token"],
        "opaque": tokens["access_token"],
        "jwt": (await market.exchange(tokens["access_token"], CATALOG)).json["access_token"],
        "id_token": tokens["id_token"],
        "interaction": "kst_" + secrets.token_urlsafe(32),
        "browser": "ksb_" + secrets.token_urlsafe(32),
        "bare": secrets.token_urlsafe(32),
        "grant_id": "grt_" + secrets.token_urlsafe(16),
    }


async def _use(market: Market, place: str, handle: str) -> Answer:
    if place == "code":
        return await market.issuer.redeem(handle)
    if place == "refresh_token":
        return await market.refresh(handle)
    if place == "opaque":
        return await market.userinfo(handle)
    if place == "jwt":
        return await market.exchange(handle, CATALOG)
    return await market.issuer.post("token", {"grant_type": "client_credentials", **_assertion(handle)})


def _assertion(handle: str) -> dict[str, Any]:
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    return {"client_assertion_type": kind, "client_assertion": handle}


@pytest.mark.attack("C3")
@pytest.mark.attack("J10")
async def test_every_handle_opens_only_its_own_door(market: Market) -> None:
    handles = await _handles(market)
    for place in ("code", "refresh_token", "opaque", "jwt", "assertion"):
        for kind, handle in handles.items():
            if kind == place or (place, kind) == ("jwt", "opaque"):
                continue
            answer = await _use(market, place, handle)
            assert answer.status in (400, 401), (place, kind, answer.status)
    for place in ("opaque", "jwt", "refresh_token", "code"):
        handle = handles["opaque" if place == "jwt" else place]
        assert (await _use(market, place, handle)).status == 200, place


@pytest.mark.attack("C3")
async def test_introspection_and_revocation_know_no_other_handles(market: Market) -> None:
    handles = await _handles(market)
    for kind in ("code", "id_token", "interaction", "browser", "bare", "grant_id"):
        assert not await market.active(handles[kind])
        assert (await market.revoke(handles[kind])).status == 200
    assert (await market.issuer.redeem(handles["code"])).status == 200


@pytest.mark.attack("C3")
async def test_a_sealed_token_with_any_character_changed_is_refused(market: Market) -> None:
    token = (await market.tokens(scopes=("openid",)))["access_token"]
    sealer = market.issuer.cx.sealer
    assert open_access_token(sealer, "acme", token) is not None
    for altered in _alterations(token):
        assert open_access_token(sealer, "acme", altered) is None
    assert open_access_token(sealer, "other", token) is None


@pytest.mark.attack("C3")
async def test_a_refresh_token_with_any_character_changed_never_reaches_the_family(market: Market) -> None:
    token = (await market.tokens())["refresh_token"]
    sealer = market.issuer.cx.sealer
    assert read_refresh_token(sealer, "acme", token) is not None
    for altered in _alterations(token):
        assert read_refresh_token(sealer, "acme", altered) is None
    assert read_refresh_token(sealer, "other", token) is None
    for altered in sorted(_alterations(token))[::97]:
        assert (await market.refresh(altered)).status == 400
    assert (await market.refresh(token)).status == 200


@pytest.mark.attack("C3")
async def test_an_altered_code_is_another_code(market: Market) -> None:
    code = await market.code()
    for altered in sorted(_alterations(code))[::53]:
        assert (await market.issuer.redeem(altered)).status == 400
    assert (await market.issuer.redeem(code)).status == 200


def _alterations(handle: str) -> set[str]:
    """Return the handle with each character replaced by several others, cut short, extended, padded, in other cases."""
    altered = {handle[:end] for end in range(len(handle))} | {handle + tail for tail in ("A", "=", " ", "\n", "-", ".")}
    for position, letter in enumerate(handle):
        start = ALPHABET.find(letter)
        for step in (1, 2, 4, 8, 16, 32):
            altered.add(handle[:position] + ALPHABET[(start ^ step) % 64] + handle[position + 1 :])
    altered |= {handle.upper(), handle.lower(), handle.swapcase(), "=" + handle, handle.replace("_", "/")}
    return altered - {handle}


@pytest.mark.attack("J9")
async def test_handles_are_long_random_and_never_repeat(market: Market) -> None:
    codes = {await market.code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 4 + 43 for code in codes)
    tokens = [await market.tokens() for _ in range(50)]
    for kind in ("access_token", "refresh_token"):
        assert len({token[kind] for token in tokens}) == 50


@pytest.mark.attack("T1")
async def test_another_realm_knows_nothing_of_ours(market: Market) -> None:
    """The same client with the same secret in two realms: no handle of one is good in the other."""
    web = await market.issuer.store.read(get(Client, "acme", "web", market.issuer.now))
    assert web is not None
    await market.issuer.keep(Realm(realm="other", id="other"), msgspec.structs.replace(web, realm="other", version=0))
    tokens, code = await market.tokens(), await market.code()

    async def there(path: str, **form: Any) -> Answer:
        return await market.issuer.post(path, form, basic=("web", SECRET), realm="other")

    refresh = await there("token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refresh.error == "invalid_grant"
    redeem = {"redirect_uri": "https://app.test/cb", "code_verifier": "x" * 43}
    assert (await there("token", grant_type="authorization_code", code=code, **redeem)).error == "invalid_grant"
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert (await there("introspect", token=token)).json == {"active": False}
        assert (await there("revoke", token=token)).status == 200
    assert await market.active(tokens["access_token"])
    assert (await market.issuer.redeem(code)).status == 200
