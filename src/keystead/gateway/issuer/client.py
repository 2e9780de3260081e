"""The token endpoint, asked as the gateway: redeem a code, refresh, exchange, revoke; and who the person is.

Shape: every question returns `TokensGranted | TokenRefused`; `UpstreamError` means that there is no answer, and so
nothing may be concluded from it.
Spec: RFC 6749 sections 4.1.3, 5.2 and 6; RFC 7009; RFC 7636 section 4.5; RFC 8693 section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec

from keystead.core.errors import UpstreamError
from keystead.core.trace import TraceContext
from keystead.core.values import Secret
from keystead.gateway.call import Answer, Callers
from keystead.gateway.issuer.directory import IssuerDirectory
from keystead.gateway.issuer.proof import ClientProof
from keystead.sdk.dpop import DpopKey, Nonces

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a type, not a token
_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_FORM: Final = ("content-type", "application/x-www-form-urlencoded")


class TokensGranted(msgspec.Struct, frozen=True):
    """Tokens, as the token endpoint gave them. Empty: there is none."""

    access_token: Secret
    expires_in: int
    refresh_token: Secret
    id_token: Secret
    scope: str


class TokenRefused(msgspec.Struct, frozen=True):
    """The issuer said no, with a registered code."""

    error: str
    description: str

    @property
    def is_final(self) -> bool:
        """Whether asking again with the same grant cannot help."""
        return self.error == "invalid_grant"


class IssuerClient:
    """The issuer, seen from the gateway. With a `key` every token is bound to it, and shown with proofs."""

    def __init__(
        self, directory: IssuerDirectory, callers: Callers, proof: ClientProof, key: DpopKey | None = None
    ) -> None:
        self.directory = directory
        self._callers = callers
        self._proof = proof
        self._key = key
        self._nonces = Nonces()

    async def redeem(
        self, code: str, verifier: str, redirect_uri: str, trace: TraceContext
    ) -> TokensGranted | TokenRefused:
        """Redeem an authorization code."""
        fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        return await self._ask({**fields, "code_verifier": verifier}, trace)

    async def refresh(self, refresh_token: Secret, trace: TraceContext) -> TokensGranted | TokenRefused:
        """Spend a refresh token."""
        return await self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token.reveal()}, trace)

    async def exchange(
        self, subject_token: Secret, audience: str, scopes: Sequence[str], trace: TraceContext
    ) -> TokensGranted | TokenRefused:
        """Exchange the session's token for one that only `audience` takes."""
        fields = {
            "grant_type": _EXCHANGE,
            "subject_token": subject_token.reveal(),
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
        }
        if scopes:
            fields["scope"] = " ".join(scopes)
        return await self._ask(fields, trace)

    async def revoke(self, refresh_token: Secret, trace: TraceContext) -> bool:
        """Revoke a refresh token, and with it its grant. Answer: whether the issuer confirmed it."""
        metadata = await self.directory.metadata()
        if not metadata.revocation_endpoint or not refresh_token.reveal():
            return False
        fields = {"token": refresh_token.reveal(), "token_type_hint": "refresh_token"}
        return (await self._post(metadata.revocation_endpoint, fields, trace)).status == 200

    async def userinfo(self, access_token: Secret, trace: TraceContext) -> dict[str, object]:
        """Return what the issuer says of the person; nothing where it has no such endpoint."""
        metadata = await self.directory.metadata()
        if not metadata.userinfo_endpoint:
            return {}
        token = access_token.reveal()
        answer = await self._show(metadata.userinfo_endpoint, token, trace)
        if answer.status == 401 and self._nonces.note(metadata.userinfo_endpoint, answer.dpop_nonce):
            answer = await self._show(metadata.userinfo_endpoint, token, trace)
        return answer.document() if answer.status == 200 else {}

    async def _show(self, url: str, token: str, trace: TraceContext) -> Answer:
        caller, target = self._callers.of(url)
        scheme = "Bearer" if self._key is None else "DPoP"
        headers = (("authorization", f"{scheme} {token}"), ("traceparent", trace.traceparent()))
        return await caller.call("GET", target, (*headers, *self._proof_of("GET", url, token)))

    def _proof_of(self, method: str, url: str, token: str = "") -> tuple[tuple[str, str], ...]:
        if self._key is None:
            return ()
        return (("dpop", self._key.proof(method, url, token=token, nonce=self._nonces.of(url))),)

    async def _ask(self, fields: dict[str, str], trace: TraceContext) -> TokensGranted | TokenRefused:
        url = (await self.directory.metadata()).token_endpoint
        answer = await self._post(url, fields, trace, *self._proof_of("POST", url))
        if self._nonces.note(url, answer.dpop_nonce) and answer.status == 400:
            answer = await self._post(url, fields, trace, *self._proof_of("POST", url))
        return _read(answer, "bearer" if self._key is None else "dpop")

    async def _post(self, url: str, fields: dict[str, str], trace: TraceContext, *more: tuple[str, str]) -> Answer:
        proof, headers = await self._proof.prove(trace)
        caller, target = self._callers.of(url)
        body = urlencode({**fields, **proof}).encode()
        return await caller.call("POST", target, (_FORM, ("traceparent", trace.traceparent()), *headers, *more), body)


def _read(answer: Answer, wanted_type: str) -> TokensGranted | TokenRefused:
    document = answer.document()
    if answer.status == 200:
        return _granted(document, wanted_type)
    error = document.get("error")
    if 400 <= answer.status < 500 and isinstance(error, str):
        return TokenRefused(error, str(document.get("error_description", ""))[:500])
    raise UpstreamError(f"the token endpoint answered {answer.status}")


def _granted(document: dict[str, object], wanted_type: str) -> TokensGranted:
    texts = {name: document.get(name, "") for name in ("access_token", "refresh_token", "id_token", "scope")}
    lifetime = document.get("expires_in")
    if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts.values()):
        raise UpstreamError("the token endpoint gave something else than tokens")
    token_type = document.get("token_type")
    if not texts["access_token"] or not isinstance(lifetime, int) or not isinstance(token_type, str):
        raise UpstreamError("the token endpoint gave no access token with a lifetime")
    if token_type.lower() != wanted_type:
        raise UpstreamError(f"the token endpoint gave a token of type {token_type[:20]}, and not of {wanted_type}")
    return TokensGranted(
        Secret(str(texts["access_token"])),
        lifetime,
        Secret(str(texts["refresh_token"])),
        Secret(str(texts["id_token"])),
        str(texts["scope"]),
    )
