"""Parsers of tokens and keys: JWS, JWE, claims of what is signed, DPoP proofs, key documents, handles, statuses."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from keystead.bus.nats.callout import read_question, read_standing
from keystead.core.jose import base64url, jwe, jws
from keystead.core.jose.algorithms import ALGORITHMS, generate, public_from_jwk
from keystead.core.jose.claims import Expectation, check_claims
from keystead.core.jose.decryption_keys import generate_decryption_key
from keystead.core.jose.dpop import Arrived, ProofReader
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.outcomes import VerifiedToken
from keystead.core.jose.request_uri import normalised
from keystead.core.sealing import AesGcmSealer
from keystead.core.status_list import is_invalid
from keystead.core.strict_json import parse_object
from keystead.core.tokens import AccessClaims
from keystead.core.values import EpochSeconds
from keystead.gateway.issuer.logout_token import verify_logout_token
from keystead.oauth.opaque import open_access_token
from keystead.oauth.refresh_tokens import make_refresh_token, read_refresh_token
from tests.fuzz.target import Target

ISSUER: Final = "https://id.test/realms/acme"
NOW: Final = EpochSeconds(1_800_000_000)
KEY: Final = generate("ES256")
KEYS: Final = KeySet((KEY.public(),))
SEALER: Final = AesGcmSealer(bytes(range(32)))
OPENERS: Final = (generate_decryption_key("EC"), generate_decryption_key("RSA"))
JSON_WORDS: Final = (
    *(
        b'"iss":',
        b'"aud":',
        b'"sub":',
        b'"exp":',
        b'"act":',
        b'"cnf":',
        b'"events":',
        b'"alg":"none"',
        b'"crit":["b64"]',
    ),
    *(
        b'"kid":"x"',
        b'"jwk":{}',
        b'"d":"AA"',
        b'["a","b"]',
        b"[" * 30,
        b'{"a":' * 20,
        b'"typ":"at+jwt"',
        b'"exp":1e400',
    ),
)
CLAIMS: Final = msgspec.json.encode(
    {
        "iss": ISSUER,
        "sub": "usr_alice",
        "aud": "web",
        "client_id": "web",
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "j",
        "scope": "a b",
        "act": {"sub": "orders", "act": {"sub": "gateway"}},
        "cnf": {"jkt": "x"},
        "authorization_details": [{"type": "payment"}],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": "s",
    }
)


class _Directory:
    """The keys of one issuer, at hand."""

    issuer = ISSUER

    async def keys(self, kid: str | None) -> KeySet:
        """Return them."""
        return KEYS


def finish(coroutine: Coroutine[Any, Any, object]) -> object:
    """Run a coroutine that waits for nobody."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _jws(data: bytes) -> object:
    text = _text(data)
    jws.peek_claims_unverified(text)
    jws.peek_header_unverified(text)
    return jws.read(text, keys=KEYS, typ={"at+jwt", ""})


def _signed_claims(data: bytes) -> object:
    """Past the signature: whatever our own key signed."""
    outcome = jws.read(jws.sign(data, KEY, "at+jwt"), keys=KEYS, typ={"at+jwt"}, maximum=200_000)
    if isinstance(outcome, VerifiedToken):
        check_claims(outcome.claims, Expectation(issuer=ISSUER, audience="web", now=NOW, required=("sub", "jti")))
        msgspec.convert(outcome.claims, AccessClaims)
    return outcome


def _logout_token(data: bytes) -> object:
    token = jws.sign(data, KEY, "logout+jwt") if data.startswith(b"{") else _text(data)
    return finish(verify_logout_token(token, directory=_Directory(), client_id="web", now=NOW))  # type: ignore[arg-type]


def _jwe(data: bytes) -> object:
    text = _text(data)
    jwe.looks_encrypted(text)
    jwe.peek_header_unverified(text)
    return jwe.decrypt(text, keys=OPENERS)


def _proof(data: bytes) -> object:
    """A header and a payload, signed by the key in the header, or a whole text."""
    header, cut, payload = data.partition(b"\n")
    proof = _text(data)
    if cut:
        signing_input = base64url.encode(header) + b"." + base64url.encode(payload)
        proof = (signing_input + b"." + base64url.encode(KEY.sign(signing_input))).decode()
    return ProofReader().read(proof, Arrived("POST", (f"{ISSUER}/token",), NOW, "ksa_abc"))


def _keys(data: bytes) -> object:
    document = parse_object(data)
    found = document.get("keys")
    for jwk in found if isinstance(found, list) else ():
        try:
            if isinstance(jwk, dict):
                public_from_jwk(jwk, algorithms=ALGORITHMS)
        except ValueError:
            continue
    return KeySet.from_jwks(document, algorithms=ALGORITHMS)


def _encrypting_key(data: bytes) -> object:
    jwk = parse_object(data)
    return jwe.public_key(jwk, "RSA-OAEP-256" if jwk.get("kty") == "RSA" else "ECDH-ES")


def _handles(data: bytes) -> object:
    text = _text(data)
    return read_refresh_token(SEALER, "acme", text), open_access_token(SEALER, "acme", text)


def _bus(data: bytes) -> object:
    return read_question(data), read_standing(_text(data))


_TOKEN: Final = jws.sign(CLAIMS, KEY, "at+jwt").encode()
_PROOF: Final = b"\n".join(
    (
        msgspec.json.encode({"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.public().jwk()}),
        msgspec.json.encode(
            {"jti": "j", "htm": "POST", "htu": f"{ISSUER}/token", "iat": NOW, "nonce": "n", "ath": "x"}
        ),
    )
)
_ENCRYPTED: Final = tuple(
    jwe.encrypt(_TOKEN, jwk=key.jwk(), algorithm=algorithm, encryption="A128CBC-HS256").encode()
    for key, algorithm in zip(OPENERS, ("ECDH-ES", "RSA-OAEP-256"), strict=True)
)
_KEY_DOCUMENT: Final = msgspec.json.encode({"keys": [KEY.public().jwk(), *(opener.jwk() for opener in OPENERS)]})
_HANDLES: Final = (make_refresh_token(SEALER, "acme", "grt_" + "A" * 22, 1).encode(), b"ksa_" + b"A" * 200)
_DOT_WORDS: Final = (b".", b"..", b"eyJhbGciOiJub25lIn0", b"eyJhbGciOiJFUzI1NiJ9", b"e30", b"AA")

TOKENS: Final = (
    Target("JWS", _jws, (_TOKEN,), _DOT_WORDS),
    Target("signed claims", _signed_claims, (CLAIMS,), JSON_WORDS, (msgspec.ValidationError,)),
    Target("logout token", _logout_token, (CLAIMS, _TOKEN), JSON_WORDS),
    Target("JWE", _jwe, _ENCRYPTED, _DOT_WORDS),
    Target("DPoP proof", _proof, (_PROOF, _TOKEN), JSON_WORDS),
    Target("key document", _keys, (_KEY_DOCUMENT,), JSON_WORDS, (ValueError,)),
    Target(
        "key to encrypt to",
        _encrypting_key,
        tuple(msgspec.json.encode(o.jwk()) for o in OPENERS),
        JSON_WORDS,
        (ValueError,),
    ),
    Target("refresh token and opaque token", _handles, _HANDLES, (b"ksr_", b"ksa_", b"-", b"_")),
    Target("question of the bus", _bus, (_TOKEN, b'{"workload":"orders"}'), _DOT_WORDS),
    Target("status list", lambda data: is_invalid(_text(data), 7), (b"eNrbuRgAAhcBXQ",), _DOT_WORDS, (ValueError,)),
    Target(
        "URL in a proof",
        lambda data: normalised(_text(data)),
        (b"https://id.test:443/realms/acme/../x?y#z",),
        (b"%2e", b"[::1]", b":443"),
        (ValueError,),
    ),
)
