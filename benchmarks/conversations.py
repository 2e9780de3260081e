"""What a connection says: plain requests, a rotating refresh token, a whole single sign-on."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from benchmarks.load import Conversation
from keystead.core.jose.algorithms import generate

VERIFIER = "v" * 50
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
REDIRECT_URI = "http://127.0.0.1:9/callback"
AUTHORIZATION = {
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid",
    "state": "s" * 22,
    "nonce": "n" * 22,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
SEE_OTHER = (302, 303)
_CODE = re.compile(rb"[?&]code=([^&\r\n]+)")


def get_request(port: int, path: str, headers: str = "") -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n{headers}\r\n".encode()


def form_request(port: int, path: str, form: Mapping[str, str], headers: str = "") -> bytes:
    """Return a POST request with a form."""
    body = urlencode(form).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: */*\r\n{headers}"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Tokens(msgspec.Struct):
    refresh_token: str = ""
    access_token: str = ""


class Rotating(Conversation):
    """Refreshes with what the last refresh gave."""

    def __init__(self, port: int, path: str, credentials: Mapping[str, str], token: str) -> None:
        self._port = port
        self._path = path
        self._form = {"grant_type": "refresh_token", **credentials}
        self._token = token

    def next_request(self) -> bytes:
        """Offer the live token."""
        return form_request(self._port, self._path, {**self._form, "refresh_token": self._token})

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Keep the successor."""
        token = msgspec.json.decode(body, type=_Tokens).refresh_token
        if not token or token == self._token:
            raise AssertionError(f"no rotation, {status}: {body[:300]!r}")
        self._token = token


class Proving(Conversation):
    """Asks for a token with a fresh proof of possession each time: in the header, or for a ceiling in the form."""

    def __init__(self, port: int, path: str, form: Mapping[str, str], *, in_form: bool) -> None:
        self._port = port
        self._path = path
        self._form = form
        self._in_form = in_form
        self._key = generate("ES256")
        jwk = {name: self._key.public().jwk()[name] for name in ("kty", "crv", "x", "y")}
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}
        self._header = base64.urlsafe_b64encode(msgspec.json.encode(header)).rstrip(b"=")

    def next_request(self) -> bytes:
        """Prove anew."""
        claims = {"htm": "POST", "htu": f"http://127.0.0.1:{self._port}{self._path}", "iat": int(time.time())}
        claims["jti"] = secrets.token_urlsafe(16)
        signed = self._header + b"." + base64.urlsafe_b64encode(msgspec.json.encode(claims)).rstrip(b"=")
        proof = signed + b"." + base64.urlsafe_b64encode(self._key.sign(signed)).rstrip(b"=")
        if self._in_form:
            return form_request(self._port, self._path, {**self._form, "proof": proof.decode()})
        return form_request(self._port, self._path, self._form, f"DPoP: {proof.decode()}\r\n")

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Want a token."""
        if status != 200:
            raise AssertionError(f"no token, {status}: {body[:300]!r}")


class SingleSignOn(Conversation):
    """With a session that is there: an authorization request, then the code's redemption. Two requests a sign-in."""

    def __init__(self, port: int, paths: Mapping[str, str], credentials: Mapping[str, str], cookies: str) -> None:
        query = {**AUTHORIZATION, "client_id": credentials["client_id"]}
        self._authorize = get_request(port, f"{paths['sso']}?{urlencode(query)}", f"Cookie: {cookies}\r\n")
        self._port = port
        self._token_path = paths["refresh"]
        self._form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, **credentials}
        self._form["code_verifier"] = VERIFIER
        self._code = ""
        self.counts = False

    def next_request(self) -> bytes:
        """Ask for a code, or redeem it."""
        if not self._code:
            return self._authorize
        return form_request(self._port, self._token_path, {**self._form, "code": self._code})

    def take(self, status: int, head: bytes, body: bytes) -> None:
        """Take the code out of the redirect, or the tokens out of the answer."""
        if self._code:
            self._code = ""
            self.counts = True
            if b'"access_token"' not in body:
                raise AssertionError(f"no tokens, {status}: {body[:300]!r}")
            return
        self.counts = False
        found = _CODE.search(head)
        if status not in SEE_OTHER or found is None:
            raise AssertionError(f"no code, {status}: {head[:300]!r} {body[:300]!r}")
        self._code = found[1].decode()
