"""The work itself, shared by both ceilings: parse a form, check a secret, sign or look up, write JSON."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from urllib.parse import parse_qsl

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

KEY = ec.generate_private_key(ec.SECP256R1())
SECRET_DIGEST = hashlib.sha256(b"benchmark-secret-0123456789").hexdigest()
HEADER = base64.urlsafe_b64encode(b'{"alg":"ES256","typ":"at+jwt","kid":"bench"}').rstrip(b"=")
OPAQUE: dict[str, dict[str, object]] = {}
PUSHED: dict[str, dict[str, str]] = {}
SEEN: set[str] = set()
JWKS = msgspec.json.encode({"keys": [{"kty": "EC", "crv": "P-256", "x": "x" * 43, "y": "y" * 43, "kid": "bench"}]})


def _authenticated_form(body: bytes) -> dict[str, str]:
    form = dict(parse_qsl(body.decode("ascii"), strict_parsing=True))
    if hashlib.sha256(form["client_secret"].encode()).hexdigest() != SECRET_DIGEST:
        raise PermissionError("wrong secret")
    return form


def _claims(form: dict[str, str]) -> dict[str, object]:
    now = int(time.time())
    return {
        "iss": "http://127.0.0.1/realms/bench",
        "sub": form["client_id"],
        "aud": "https://api.example",
        "client_id": form["client_id"],
        "exp": now + 300,
        "iat": now,
        "jti": secrets.token_urlsafe(16),
        "scope": "api:read",
    }


def jwt(body: bytes) -> bytes:
    """Answer a client_credentials request with a signed JWT."""
    return _signed(_claims(_authenticated_form(body)))


def _signed(claims: dict[str, object]) -> bytes:
    payload = base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
    signing_input = HEADER + b"." + payload
    r, s = decode_dss_signature(KEY.sign(signing_input, ec.ECDSA(hashes.SHA256())))
    signature = base64.urlsafe_b64encode(r.to_bytes(32, "big") + s.to_bytes(32, "big")).rstrip(b"=")
    token = (signing_input + b"." + signature).decode()
    return msgspec.json.encode({"access_token": token, "token_type": "Bearer", "expires_in": 300})


def opaque(body: bytes) -> bytes:
    """Answer a client_credentials request with a random token kept in a dictionary."""
    token = secrets.token_urlsafe(32)
    OPAQUE[token] = _claims(_authenticated_form(body))
    return msgspec.json.encode({"access_token": token, "token_type": "Bearer", "expires_in": 300})


def introspect(body: bytes) -> bytes:
    """Answer an introspection request from the dictionary."""
    claims = OPAQUE.get(_authenticated_form(body)["token"])
    return msgspec.json.encode({"active": True, **claims} if claims else {"active": False})


def jwks(_: bytes) -> bytes:
    """Answer the key set."""
    return JWKS


def par(body: bytes) -> bytes:
    """Answer a pushed authorization request with a reference, kept in a dictionary."""
    form = _authenticated_form(body)
    reference = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(32)}"
    PUSHED[reference] = form
    return msgspec.json.encode({"request_uri": reference, "expires_in": 90})


def dpop(body: bytes) -> bytes:
    """Check a proof of possession, refuse its `jti` twice, and answer with a JWT bound to its key."""
    form = _authenticated_form(body)
    signing_input, _, signature = form["proof"].rpartition(".")
    header, payload = (msgspec.json.decode(_decoded(segment)) for segment in signing_input.split("."))
    raw = _decoded(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    x, y = (int.from_bytes(_decoded(header["jwk"][name]), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(der, signing_input.encode(), ec.ECDSA(hashes.SHA256()))
    if payload["jti"] in SEEN:
        raise PermissionError("replayed")
    SEEN.add(payload["jti"])
    canonical = msgspec.json.encode({name: header["jwk"][name] for name in ("crv", "kty", "x", "y")})
    jkt = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
    return _signed({**_claims(form), "cnf": {"jkt": jkt}})


def device(body: bytes) -> bytes:
    """Answer a device authorization request with two codes, kept in a dictionary."""
    form = _authenticated_form(body)
    code = secrets.token_urlsafe(32)
    PUSHED[code] = form
    user_code = "".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(8))
    return msgspec.json.encode({"device_code": code, "user_code": user_code, "expires_in": 600, "interval": 5})


def exchange(body: bytes) -> bytes:
    """Look a token up and answer with a JWT for another audience."""
    form = _authenticated_form(body)
    claims = OPAQUE[form["subject_token"]]
    return _signed({**claims, "aud": form["audience"], "act": {"sub": form["client_id"]}})


def _decoded(segment: str) -> bytes:
    return base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


ROUTES = {
    b"/par": par,
    b"/dpop": dpop,
    b"/device": device,
    b"/exchange": exchange,
    b"/jwt": jwt,
    b"/opaque": opaque,
    b"/introspect": introspect,
    b"/jwks": jwks,
}
