"""Bad tokens with good signatures: the classes J4, J10 and J11, which only a strict reader refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from keystead.core.jose.keys import PrivateKey
from tests.attack.corpus_jwt import Specimen, as_json, forge


def signed_mistakes(key: PrivateKey, typ: str, claims: Mapping[str, Any], now: int) -> Iterator[Specimen]:
    """Yield tokens with good signatures that say something no issuer of ours would say."""
    header = {"alg": key.algorithm, "kid": key.kid, "typ": typ}
    for name, head in _bad_headers(header):
        yield Specimen(f"header-{name}", "J4", forge(head, dict(claims), key))
    for name, payload in _bad_payloads(as_json(dict(claims))):
        yield Specimen(f"payload-{name}", "J4", forge(header, payload, key))
    for other in ("JWT", "at+jwt", "logout+jwt", "dpop+jwt", "secevent+jwt", "workload-assertion+jwt", "JOSE", "", "*"):
        if other.lower() != typ.lower():
            yield Specimen(f"typ-{other or 'empty'}", "J10", forge({**header, "typ": other}, dict(claims), key))
    for name, changes in _lax_claims(claims, now):
        said = {claim: value for claim, value in {**claims, **changes}.items() if value is not ...}
        yield Specimen(f"claim-{name}", "J11", forge(header, said, key))


def _bad_headers(header: dict[str, Any]) -> Iterator[tuple[str, object]]:
    crits: list[object] = [["x"], [], ["exp"], ["b64"], ["alg"], "b64", None, {}]
    for crit in crits:
        yield f"crit-{crit}", {**header, "crit": crit}
    yield "crit-understood-elsewhere", {**header, "crit": ["b64"], "b64": False}
    yield "b64-false", {**header, "b64": False}
    yield "b64-true", {**header, "b64": True}
    text = as_json(header)
    yield "alg-twice", text[:-1] + b',"alg":"none"}'
    yield "alg-twice-escaped", text[:-1] + b',"\\u0061lg":"none"}'
    yield "kid-twice", text[:-1] + b',"kid":"other"}'
    yield "not-a-number", text[:-1] + b',"x":NaN}'
    yield "byte-order-mark", b"\xef\xbb\xbf" + text
    yield "utf-16", text.decode().encode("utf-16")
    yield "latin-1", text[:-1] + b',"x":"\xe9"}'
    yield "trailing-comma", text[:-1] + b",}"
    yield "comment", text + b"/**/"
    yield "list", b"[" + text + b"]"
    yield "nul-in-kid", {**header, "kid": f"{header['kid']}\0"}
    yield "typ-a-list", {**header, "typ": [header["typ"]]}


def _bad_payloads(text: bytes) -> Iterator[tuple[str, bytes]]:
    yield "exp-twice", text[:-1] + b',"exp":99999999999}'
    yield "aud-twice-escaped", text[:-1] + b',"\\u0061ud":"x"}'
    yield "nested-twice", text[:-1] + b',"act":{"sub":"a","sub":"b"}}'
    yield "not-a-number", text[:-1] + b',"x":NaN}'
    yield "infinity", text[:-1] + b',"x":-Infinity}'
    yield "byte-order-mark", b"\xef\xbb\xbf" + text
    yield "latin-1", text[:-1] + b',"x":"\xe9"}'
    yield "lone-surrogate", text[:-1] + b',"x":"\\ud800"}'
    yield "single-quotes", text.replace(b'"', b"'")
    yield "list", b"[" + text + b"]"
    yield "text", b'"' + text.replace(b'"', b"") + b'"'
    yield "nothing", b""
    yield "two-documents", text + text
    yield "deep", text[:-1] + b',"x":' + b"[" * 40 + b"]" * 40 + b"}"


def _lax_claims(claims: Mapping[str, Any], now: int) -> Iterator[tuple[str, dict[str, Any]]]:
    issuer, audience = str(claims["iss"]), str(claims["aud"])
    near_issuers = (issuer[:-1], issuer + "/", issuer.upper(), issuer + "\0", issuer.replace("http", "https", 1))
    near_audiences = (audience[:-1], audience + "/", audience.upper())
    wrong: dict[str, list[object]] = {
        "iss": [*near_issuers, [issuer], {"x": issuer}, 1, "", None, ...],
        "aud": [*near_audiences, [], [1], {}, 1, "", None, ..., [[audience]], [audience, 1], [audience, ""]],
        "exp": [now, now - 1, 0, -1, "9999999999", 1e300, float(now + 60), now + 0.5, True, None, ..., [now], 2**80],
        "iat": [now + 61, now + 3600, str(now), 1e300, True, [now], -1, 2**80],
        "nbf": [now + 61, now + 3600, str(now), 1e300, True, [now], -1, 2**80],
    }
    for name in ("sub", "jti", "client_id", "scope"):
        wrong[name] = [[], {"x": 1}, 7, True, "a\0b", "x" * 4_096]
    for name, values in wrong.items():
        for value in values:
            yield f"{name}-{value!r:.40}", {name: value}
