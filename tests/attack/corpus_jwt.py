"""Bad tokens, made from a good one: the classes J1, J2, J3, J5 and J10, to be fired at every door.

Flow: `forgeries(token, jwks)` needs what any attacker has, a genuine token and the public keys. (What needs the
genuine signing key is in `corpus_jwt_signed`.) Every `Specimen` must be refused by the issuer, the gateway and the
SDK alike, with 4xx and never 5xx.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric import utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keystead.core.jose.algorithms import generate, public_from_jwk
from keystead.core.jose.base64url import decode, encode
from keystead.core.jose.keys import PrivateKey

CANARY = "http://127.0.0.1:1"


class Specimen(NamedTuple):
    """One bad token: a name for the test's id, the attack class, the text."""

    name: str
    attack: str
    token: str


def b64(octets: bytes) -> str:
    """Return base64url text."""
    return encode(octets).decode()


def as_json(value: object) -> bytes:
    """Return compact JSON; bytes are taken as they are."""
    return value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()


def forge(header: object, payload: object, key: PrivateKey) -> str:
    """Sign any header over any payload."""
    signing_input = f"{b64(as_json(header))}.{b64(as_json(payload))}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def header_of(token: str) -> dict[str, Any]:
    """Return the header of a well-formed token."""
    header: dict[str, Any] = json.loads(decode(token.split(".")[0].encode()))
    return header


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a well-formed token."""
    claims: dict[str, Any] = json.loads(decode(token.split(".")[1].encode()))
    return claims


def forgeries(token: str, jwks: Mapping[str, Any], canary: str = CANARY) -> Iterator[Specimen]:
    """Yield everything an attacker can make of a genuine token and the published keys."""
    yield from _unsigned(token)
    yield from _spellings(token)
    yield from _key_confusions(token, jwks)
    yield from _keys_of_the_attacker(token, canary)
    yield from _bombs(token)
    yield from _other_serializations(token)


def _unsigned(token: str) -> Iterator[Specimen]:
    header, payload, signature = token.split(".")
    members = header_of(token)
    for name in ("none", "None", "NONE", "noNE", "nOnE", "", " none", "none\0"):
        changed = b64(as_json({**members, "alg": name}))
        yield Specimen(f"alg-{name!r}-no-signature", "J1", f"{changed}.{payload}.")
        yield Specimen(f"alg-{name!r}-old-signature", "J1", f"{changed}.{payload}.{signature}")
    values: list[object] = [None, [], ["ES256"], {}, 0, True]
    for value in values:
        yield Specimen(f"alg-is-{value}", "J1", f"{b64(as_json({**members, 'alg': value}))}.{payload}.{signature}")
    without = b64(as_json({name: value for name, value in members.items() if name != "alg"}))
    yield Specimen("alg-missing", "J1", f"{without}.{payload}.{signature}")
    changed = b64(as_json({**claims_of(token), "sub": "mallory"}))
    yield Specimen("payload-changed", "J1", f"{header}.{changed}.{signature}")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = decode(signature.encode())
    for name, octets in {
        "empty": b"",
        "zeros": bytes(64),
        "r-and-s-are-the-order": order.to_bytes(32, "big") * 2,
        "one-bit-flipped": bytes((raw[0] ^ 1,)) + raw[1:],
        "cut": raw[:-1],
        "extended": raw + b"\0",
        "doubled": raw * 2,
        "der": utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:64], "big")),
    }.items():
        yield Specimen(f"signature-{name}", "J1", f"{header}.{payload}.{b64(octets)}")
    yield Specimen("two-segments", "J1", f"{header}.{payload}")
    yield Specimen("one-segment", "J1", header)
    yield Specimen("dots-only", "J1", "..")
    yield Specimen("empty-payload", "J1", f"{header}..{signature}")


def _spellings(token: str) -> Iterator[Specimen]:
    header, payload, signature = token.split(".")
    for name, text in {
        "padding": f"{header}.{payload}.{signature}==",
        "one-padding": f"{header}.{payload}.{signature}=",
        "header-padding": f"{header}=.{payload}.{signature}",
        "newline-inside": f"{header}.{payload[:8]}\n{payload[8:]}.{signature}",
        "space-inside": f"{header}.{payload}.{signature[:8]} {signature[8:]}",
        "nul-at-end": f"{token}\0",
        "nul-inside": f"{header}.{payload}.{signature[:8]}\0{signature[8:]}",
        "four-segments": f"{token}.",
        "junk-appended": f"{token}.AAAA",
        "dot-first": f".{token}",
        "standard-alphabet": f"{header}.{payload}.{signature[:-2]}+/",
        "fullwidth-letter": f"{header}.{payload}.\uff21{signature[1:]}",
        "percent": f"{header}.{payload}.%41{signature[1:]}",
    }.items():
        yield Specimen(f"spelling-{name}", "J1", text)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for index, segment in enumerate((header, payload, signature)):
        if len(segment) % 4:
            last = alphabet[alphabet.index(segment[-1]) | 1]
            segments = [header, payload, signature]
            segments[index] = segment[:-1] + last
            yield Specimen(f"unused-bits-in-segment-{index}", "J1", ".".join(segments))


def _key_confusions(token: str, jwks: Mapping[str, Any]) -> Iterator[Specimen]:
    members, payload = header_of(token), token.split(".")[1]
    for number, jwk in enumerate(jwks["keys"]):
        for form, secret in _forms_of(jwk).items():
            for name, digest in (("HS256", "sha256"), ("HS384", "sha384"), ("HS512", "sha512")):
                header = b64(as_json({**members, "alg": name, "kid": jwk["kid"]}))
                mac = hmac.digest(secret, f"{header}.{payload}".encode(), digest)
                yield Specimen(f"{name}-with-key-{number}-as-{form}", "J2", f"{header}.{payload}.{b64(mac)}")
    for name in ("RS256", "PS256", "EdDSA", "ES384", "ES256K", "es256", "ES256 ", "HS256", "RSA1_5", "dir"):
        if name != members["alg"]:
            header = b64(as_json({**members, "alg": name}))
            yield Specimen(f"alg-renamed-{name}", "J2", f"{header}.{payload}.{token.split('.')[2]}")


def _forms_of(jwk: Mapping[str, Any]) -> dict[str, bytes]:
    """Return every text of a public key that a careless verifier may take for an HMAC secret."""
    algorithm = jwk.get("alg") or {"EC": "ES256", "RSA": "RS256"}[jwk["kty"]]  # keys to encrypt to name none
    public = public_from_jwk({**jwk, "alg": algorithm, "use": "sig"}, algorithms=frozenset((algorithm,)))
    key = public._key  # type: ignore[attr-defined]  # the primitive
    spki = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    forms = {
        "spki": spki,
        "spki-stripped": spki.strip(),
        "spki-crlf": spki.replace(b"\n", b"\r\n"),
        "der": key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "jwk": as_json(dict(jwk)),
        "jwk-sorted": json.dumps(dict(jwk), sort_keys=True).encode(),
        "first-number": decode(jwk.get("x", jwk.get("n", "")).encode()),
        "kid": str(jwk["kid"]).encode(),
        "nothing": b"",
        "digest": hashlib.sha256(spki).digest(),
        "openssh": key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
    }
    if jwk["kty"] == "RSA":
        forms["pkcs1"] = key.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
        forms["pkcs1-stripped"] = forms["pkcs1"].strip()
    return forms


def _keys_of_the_attacker(token: str, canary: str) -> Iterator[Specimen]:
    members, claims = header_of(token), claims_of(token)
    for algorithm in ("ES256", "EdDSA", "RS256"):
        mine = generate(algorithm)
        public, url = mine.public().jwk(), f"{canary}/jwks.json"
        extras: dict[str, dict[str, Any]] = {
            "nothing-but-a-signature": {},
            "jwk": {"jwk": public},
            "jwk-named-like-the-genuine": {"jwk": {**public, "kid": members["kid"]}},
            "jku": {"jku": url},
            "jku-and-own-kid": {"jku": url, "kid": mine.kid},
            "x5u": {"x5u": url},
            "x5c": {"x5c": ["MIIB"]},
            "x5t": {"x5t": "AAAA"},
            "x5t#S256": {"x5t#S256": "AAAA"},
            "unknown-kid": {"kid": mine.kid},
        }
        for name, extra in extras.items():
            token_of_mine = forge({**members, "alg": algorithm, **extra}, claims, mine)
            yield Specimen(f"attacker-{algorithm}-{name}", "J3", token_of_mine)
    mine = generate("ES256")
    kids: list[object] = [
        "../../../dev/null",
        "' OR '1'='1",
        "\0",
        "a\r\nb",
        canary,
        "k" * 10_240,
        "",
        None,
        0,
        [],
        {},
        ["x"],
    ]
    for kid in kids:
        forged = forge({**members, "alg": "ES256", "kid": kid}, claims, mine)
        yield Specimen(f"kid-{str(kid)[:24]!r}", "J3", forged)


def _bombs(token: str) -> Iterator[Specimen]:
    header, payload, signature = token.split(".")
    members = header_of(token)
    yield Specimen("long-payload", "J5", f"{header}.{'A' * 20_000}.{signature}")
    yield Specimen("long-header", "J5", f"{b64(as_json({**members, 'x': 'y' * 4_000}))}.{payload}.{signature}")
    yield Specimen("long-signature", "J5", f"{header}.{payload}.{'A' * 20_000}")
    yield Specimen("many-dots", "J5", "." * 16_000)
    yield Specimen("deep-header", "J5", f"{b64(b'[' * 700)}.{payload}.{signature}")
    yield Specimen("deep-payload", "J5", f"{header}.{b64(b'[' * 8_000)}.{signature}")
    pbes2 = {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31 - 1, "p2s": "AAAAAAAAAAA"}
    yield Specimen("jwe-pbes2", "J5", f"{b64(as_json(pbes2))}.AAAA.AAAA.AAAA.AAAA")
    yield Specimen("jwe-zip", "J5", f"{b64(as_json({'alg': 'dir', 'enc': 'A128GCM', 'zip': 'DEF'}))}..AAAA.AAAA.AAAA")
    yield Specimen("zip-on-a-jws", "J5", f"{b64(as_json({**members, 'zip': 'DEF'}))}.{payload}.{signature}")


def _other_serializations(token: str) -> Iterator[Specimen]:
    header, payload, signature = token.split(".")
    flat = {"protected": header, "payload": payload, "signature": signature}
    yield Specimen("json-flattened", "J10", as_json(flat).decode())
    general = {"payload": payload, "signatures": [{"protected": header, "signature": signature}]}
    yield Specimen("json-general", "J10", as_json(general).decode())
    yield Specimen("compact-in-json", "J10", f'{{"payload":"{payload}"}}{token}')
    yield Specimen("twice", "J10", f"{token},{token}")
