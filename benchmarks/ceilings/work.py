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
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KEY = ec.generate_private_key(ec.SECP256R1())
SECRET_DIGEST = hashlib.sha256(b"benchmark-secret-0123456789").hexdigest()
HEADER = base64.urlsafe_b64encode(b'{"alg":"ES256","typ":"at+jwt","kid":"bench"}').rstrip(b"=")
OPAQUE: dict[str, dict[str, object]] = {}
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
    payload = base64.urlsafe_b64encode(msgspec.json.encode(_claims(_authenticated_form(body)))).rstrip(b"=")
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


ROUTES = {b"/jwt": jwt, b"/opaque": opaque, b"/introspect": introspect, b"/jwks": jwks}
