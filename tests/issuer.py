"""An issuer without a server: a real store, real keys, real endpoints, driven through `handle`.

For what needs no HTTP. What must be proved over the wire uses `tests.harness`.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

import keystead.web
from keystead.app.catalogue import page_metadata
from keystead.app.certificate_trust import X509Trust
from keystead.app.outbound import GuardedOutbound
from keystead.app.revocation_news import StoreRevocationNews
from keystead.core.decisions import Decision, Denied
from keystead.core.errors import OAuthError
from keystead.core.http import Reply, Request
from keystead.core.protocols import VerifiedWorkload
from keystead.core.records.account import Account
from keystead.core.records.authorization_code import AuthorizationCode
from keystead.core.records.client import Client
from keystead.core.records.consent import Consent, consent_id
from keystead.core.records.grant import new_grant_id
from keystead.core.records.realm import Realm
from keystead.core.records.record import Record
from keystead.core.records.session import Evidence, Session
from keystead.core.sealing import AesGcmSealer
from keystead.core.trace import new_trace
from keystead.core.values import EpochSeconds, Seconds, handle_digest, new_identifier
from keystead.identity.accounts import end_authority
from keystead.identity.breached.known import KnownPasswords
from keystead.identity.passwords import Argon2Passwords
from keystead.identity.sessions import end_session
from keystead.identity.throttle import StoredBrake
from keystead.oauth.catalogue import endpoints, scan
from keystead.oauth.codes import offer_code
from keystead.oauth.context import ServerContext, issuer_url
from keystead.oauth.endpoint import EndpointPlugin
from keystead.oauth.errors import error_reply
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.ports import Conflict, Store, Write, get, put
from keystead.web.pages import HtmlPages
from tests.harness.databases import usual_store
from tests.token_likes import token_likes

BASE = "http://issuer.test:8080"
NOW = EpochSeconds(1_800_000_000)
SECRET = "correct-horse-battery-staple-0123456789"
VERIFIER = "a-code-verifier-that-is-long-enough-for-the-rfc-1234567890"
KEY = bytes(range(32))


@dataclass
class MemoryJournal:
    """Keeps the decisions, so that a test can look at reasons."""

    decisions: list[Decision] = field(default_factory=list)

    def record(self, decision: Decision) -> None:
        """Keep one."""
        assert token_likes(msgspec.json.encode(decision, enc_hook=repr).decode()) == []
        self.decisions.append(decision)

    @property
    def reason(self) -> str:
        """The reason of the latest decision."""
        return self.decisions[-1].reason


class NamedWorkloads:
    """Believes an assertion of the form `workload:NAME`. The real verifier has tests of its own."""

    async def verify(self, realm: str, assertion: str, audience: str, now: EpochSeconds) -> VerifiedWorkload | Denied:
        """Believe it."""
        kind, _, name = assertion.partition(":")
        if kind != "workload":
            return Denied("workload_assertion.malformed", "not a workload assertion")
        return VerifiedWorkload(name, "agent-1", "jti-1")


class Answer(msgspec.Struct):
    """A reply, read."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object."""
        document: dict[str, Any] = msgspec.json.decode(self.body)
        return document

    @property
    def error(self) -> str:
        """The error code, empty when it is none."""
        text: str = self.json.get("error", "") if self.body else ""
        return text


class Issuer:
    """One running issuer. `now` is its clock: tests move it."""

    def __init__(self, folder: Path, *, realm: str = "acme", store: Store | None = None) -> None:
        self.realm = realm
        self.now = NOW
        self.journal = MemoryJournal()
        self.store: Store = store or usual_store(folder)
        sealer = AesGcmSealer(KEY)
        self.keys = StoreKeyRing(self.store, sealer)
        self.outbound = GuardedOutbound((ip_network("127.0.0.0/8"), ip_network("::1/128")))
        self.cx = ServerContext(
            base_url=BASE,
            store=self.store,
            keys=self.keys,
            sealer=sealer,
            journal=self.journal,
            workload_assertions=NamedWorkloads(),
            passwords=Argon2Passwords(),
            breached=KnownPasswords(),
            pages=HtmlPages(BASE),
            end_session=end_session,
            end_authority=end_authority,
            outbound=self.outbound,
            brake=StoredBrake(),
            further_metadata=page_metadata,
            revocation_news=StoreRevocationNews(self.store, partial(issuer_url, BASE), clock=lambda: self.now),
            certificates=X509Trust(),
            takes_certificates=True,
        )

    async def close(self) -> None:
        """Let go of the store and of connections to others."""
        await self.outbound.close()
        await self.store.close()

    @property
    def url(self) -> str:
        """The issuer identifier."""
        return self.cx.issuer(self.realm)

    def use(self, **parts: Any) -> None:
        """Put other parts into the issuer."""
        self.cx = dataclasses.replace(self.cx, **parts)

    async def keep(self, *records: Record) -> None:
        """Store records, new or changed."""

        def work() -> Write[None]:
            for record in records:
                assert not isinstance((yield from put(record, self.now)), Conflict), record

        await self.store.write(work)

    async def change(self, kind: type[Record], id: str, **changes: Any) -> None:
        """Change fields of one stored record."""
        record = await self.store.read(get(kind, self.realm, id, self.now))
        assert record is not None, f"no {kind.kind} {id}"
        await self.keep(msgspec.structs.replace(record, **changes))

    async def set_up(self, *records: Record, **realm_fields: Any) -> None:
        """Store the realm and what else there is."""
        await self.keep(Realm(realm=self.realm, id=self.realm, **realm_fields), *records)

    async def send(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        headers: Sequence[tuple[bytes, bytes]] = (),
        query: bytes = b"",
        realm: str = "",
        certificate: bytes = b"",
    ) -> Answer:
        """Send one request to an endpoint, as the server would."""
        request = Request(
            method=method,
            path=f"/realms/{realm or self.realm}/{path}",
            query=query,
            headers=tuple(headers),
            body=body,
            now=self.now,
            trace=new_trace(),
            realm=realm or self.realm,
            client_certificate=certificate,
        )
        endpoint = every_endpoint()[path]
        assert method in endpoint.methods
        try:
            reply = await endpoint.handle(request, self.cx)
        except OAuthError as error:
            reply = error_reply(error)
        return _read(reply)

    async def post(
        self, path: str, form: dict[str, Any], *, basic: tuple[str, str] | None = None, **more: Any
    ) -> Answer:
        """Send a form."""
        headers = [(b"content-type", b"application/x-www-form-urlencoded"), *more.pop("headers", ())]
        if basic is not None:
            headers.append((b"authorization", basic_header(*basic)))
        return await self.send(path, urlencode(form, doseq=True).encode(), headers=headers, **more)

    async def token(
        self,
        grant_type: str,
        *,
        client: str = "web",
        secret: str = SECRET,
        headers: Any = (),
        **form: Any,
    ) -> Answer:
        """Ask the token endpoint, authenticated by client_secret_basic."""
        return await self.post("token", {"grant_type": grant_type, **form}, basic=(client, secret), headers=headers)

    async def redeem(self, code: str, *, client: str = "web", **form: Any) -> Answer:
        """Redeem a code as its client would."""
        fields = {"code": code, "redirect_uri": "https://app.test/cb", "code_verifier": VERIFIER, **form}
        return await self.token("authorization_code", client=client, **fields)

    async def signed_in(self, account: Account | None = None, **fields: Any) -> tuple[Account, Session]:
        """Make an account and a session of it."""
        account = account or Account(
            realm=self.realm, id=new_identifier("usr"), username=new_identifier("name"), **fields
        )
        session = Session(
            realm=self.realm,
            id=new_identifier("ses"),
            handle_digest=handle_digest(new_identifier("x")),
            subject=account.id,
            evidence=(Evidence("pwd", self.now),),
            created_at=self.now,
            last_seen_at=self.now,
            expires_at=EpochSeconds(self.now + 86_400),
        )
        await self.keep(account, session)
        return account, session

    async def consent(self, account: Account, client: str, scopes: Sequence[str]) -> None:
        """Remember a consent."""
        id = consent_id(account.id, client)
        await self.keep(Consent(realm=self.realm, id=id, subject=account.id, client_id=client, scopes=tuple(scopes)))

    async def code(
        self,
        account: Account,
        session: Session,
        *,
        client: str = "web",
        scopes: Sequence[str] = ("openid",),
        **more: Any,
    ) -> str:
        """Offer a code as the authorization endpoint would."""
        code = AuthorizationCode(
            client_id=client,
            redirect_uri="https://app.test/cb",
            code_challenge=challenge(VERIFIER),
            subject=account.id,
            grant_id=new_grant_id(),
            expires_at=EpochSeconds(self.now + 60),
            sid=session.id,
            scopes=tuple(scopes),
            acr="1",
            amr=("pwd",),
            auth_time=self.now,
            authority_epoch=account.authority_epoch,
            **more,
        )
        return await self.store.write(lambda: offer_code(self.realm, code))

    def later(self, seconds: int) -> None:
        """Move the clock."""
        self.now = EpochSeconds(self.now + Seconds(seconds))


@cache
def every_endpoint() -> dict[str, EndpointPlugin]:
    """Return the endpoints and the pages, by path."""
    pages: dict[str, EndpointPlugin] = scan(keystead.web, EndpointPlugin, "path")
    return endpoints() | pages


def confidential(id: str = "web", **fields: Any) -> Client:
    """Return a confidential client with the usual secret."""
    usual: dict[str, Any] = {
        "realm": "acme",
        "client_secret_digests": (handle_digest(SECRET),),
        "redirect_uris": ("https://app.test/cb",),
        "grant_types": ("authorization_code", "refresh_token"),
        "scope": "openid profile email offline_access",
    }
    return Client(id=id, **(usual | fields))


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a verifier."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def basic_header(client_id: str, secret: str) -> bytes:
    """Return the Authorization header of client_secret_basic."""
    return b"Basic " + base64.b64encode(f"{quote(client_id, safe='')}:{quote(secret, safe='')}".encode())


def _read(reply: Reply) -> Answer:
    headers = {name.decode(): value.decode() for name, value in reply.headers}
    return Answer(reply.status, headers, reply.body)
