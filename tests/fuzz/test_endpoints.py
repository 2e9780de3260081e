"""Every endpoint and page, sent requests that are nearly right: an answer for the sender, never a crash (J7)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from urllib.parse import quote_from_bytes

import pytest

from tests.fuzz.mutation import NASTY, mutate
from tests.fuzz.requests import REQUESTS
from tests.fuzz.tokens import CLAIMS, JSON_WORDS, TOKENS
from tests.issuer import SECRET, Issuer, basic_header, confidential, every_endpoint

FORM = b"application/x-www-form-urlencoded"
NAMES = (
    *(b"grant_type", b"client_id", b"client_secret", b"client_assertion", b"client_assertion_type", b"code", b"token"),
    *(b"redirect_uri", b"scope", b"state", b"nonce", b"request", b"request_uri", b"response_mode", b"response_type"),
    *(b"code_challenge", b"code_challenge_method", b"prompt", b"max_age", b"claims", b"authorization_details"),
    *(b"resource", b"audience", b"subject_token", b"subject_token_type", b"actor_token", b"assertion", b"device_code"),
    *(b"user_code", b"auth_req_id", b"login_hint", b"id_token_hint", b"ui_locales", b"acr_values", b"dpop_jkt"),
    *(
        b"username",
        b"password",
        b"interaction",
        b"answer",
        b"logout_token",
        b"post_logout_redirect_uri",
        b"after",
        b"wait",
    ),
)
VALUES = (
    *(
        b"authorization_code",
        b"client_credentials",
        b"refresh_token",
        b"code",
        b"web",
        b"openid",
        b"S256",
        b"none",
        b"login",
    ),
    *(b"urn:ietf:params:oauth:grant-type:device_code", b"urn:ietf:params:oauth:grant-type:jwt-bearer"),
    *(b"urn:ietf:params:oauth:grant-type:token-exchange", b"urn:openid:params:grant-type:ciba"),
    *(b"urn:ietf:params:oauth:client-assertion-type:jwt-bearer", b"urn:ietf:params:oauth:token-type:access_token"),
    *(
        b"https://app.test/cb",
        b"http://127.0.0.1:1/x",
        b"urn:ietf:params:oauth:request_uri:x",
        b"form_post.jwt",
        b"jwt",
    ),
    *(CLAIMS, b'{"userinfo":{"email":null}}', b'[{"type":"payment"}]', b"ABCD-EFGH", b"fr de", b"0", b"-1"),
)
TOKEN_LIKE = tuple(seed for target in TOKENS for seed in target.seeds)
COOKIES = (b"keystead-session-acme=kss_x", b"keystead-browser-acme=x; keystead-session-acme=y", b"a", b"=;=;")


def headers(chance: random.Random) -> Iterator[tuple[bytes, bytes]]:
    """Yield some headers."""
    yield b"content-type", chance.choice((FORM, FORM, b"application/json", b"application/secevent+jwt", b"", b"x"))
    credentials = (
        *(basic_header("web", SECRET), basic_header("web", SECRET), b"Basic !!", b"Basic " + b"A" * 9, b"Bearer x.y.z"),
        *(b"Bearer " + token for token in TOKEN_LIKE[:3]),
        b"DPoP " + TOKEN_LIKE[0],
    )
    if chance.random() < 0.6:
        yield b"authorization", chance.choice(credentials)
    if chance.random() < 0.4:
        yield b"cookie", chance.choice(COOKIES)
    if chance.random() < 0.3:
        yield b"dpop", mutate(chance.choice(TOKEN_LIKE), TOKENS[4], chance)
    if chance.random() < 0.2:
        yield b"accept", chance.choice((b"application/token-introspection+jwt", b"text/html", b"*/*;q=x"))
    if chance.random() < 0.2:
        yield b"origin", chance.choice((b"null", b"https://evil.test", b"\xff"))


def pairs(chance: random.Random) -> bytes:
    """Return a form or a query, nearly right."""
    if chance.random() < 0.2:
        return mutate(REQUESTS[0].seeds[0], REQUESTS[0], chance)
    found = []
    for name in chance.sample(NAMES, chance.randint(0, 9)):
        value = chance.choice((*VALUES, *VALUES, *NASTY, *TOKEN_LIKE))
        if chance.random() < 0.3:
            value = mutate(value, TOKENS[1], chance)[:3_000]
        found.append(name + b"=" + quote_from_bytes(value).encode())
    return b"&".join(found)


def body(chance: random.Random) -> bytes:
    """Return a form, a JSON document or noise."""
    kind = chance.random()
    if kind < 0.7:
        return pairs(chance)
    if kind < 0.9:
        return mutate(chance.choice((CLAIMS, *JSON_WORDS)), TOKENS[1], chance)
    return chance.randbytes(chance.randint(0, 80))


@pytest.mark.attack("J7")
@pytest.mark.parametrize("rounds", [25, pytest.param(2_000, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_no_endpoint_crashes_whatever_it_is_sent(issuer: Issuer, rounds: int) -> None:
    """In process, without the server's last resort: what an endpoint raises would be a 500."""
    everything = ("authorization_code", "refresh_token", "client_credentials")
    await issuer.set_up(confidential(grant_types=everything, skip_consent=True))
    for path, endpoint in sorted(every_endpoint().items()):
        chance = random.Random(f"{path} {rounds}")
        for _ in range(rounds):
            method = chance.choice(sorted(endpoint.methods))
            sent = body(chance) if method in ("POST", "PUT", "PATCH") else b""
            query = pairs(chance) if method in ("GET", "HEAD", "DELETE") or chance.random() < 0.2 else b""
            query = b"" if b"wait=" in query else query
            shown = list(headers(chance))
            try:
                answer = await issuer.send(path, sent, method=method, headers=shown, query=query)
            except Exception as error:
                raise AssertionError(f"{method} {path} {shown} query {query!r} body {sent!r}") from error
            assert answer.status < 500 or answer.status == 503, (method, path, shown, query, sent, answer)
