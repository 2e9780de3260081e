"""Clients whose `client_id` is the URL of their metadata: nobody registers them, their document is fetched and judged.

Flow: `welcome` is called with a `client_id` before anybody looks for the client. Where the realm admits such clients,
it fetches the document through the guarded door (kept, with a bounded allowance), judges it like a registration, and
keeps the client as a record like any other, so that everything else works unchanged and an operator can switch it off.
Does not: vouch. These clients are self-registered; pages say so and show where they come from.
Spec: draft-ietf-oauth-client-id-metadata-document sections 2 to 6.
"""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from keystead.core.decisions import Check, Decision
from keystead.core.errors import OAuthError
from keystead.core.http import Request
from keystead.core.protocols import Outbound
from keystead.core.records.client import Client
from keystead.core.records.realm import Realm
from keystead.core.records.registration import FROM_A_DOCUMENT
from keystead.core.records.revocation import Revocation
from keystead.core.uris import host_is_among, host_of, wrong_web_uri
from keystead.core.values import EpochSeconds, Seconds
from keystead.oauth.context import ServerContext
from keystead.oauth.registration.enrolment import SECRET_METHODS, TELLING, Terms, judge
from keystead.oauth.registration.metadata import REGISTRABLE, metadata_refused
from keystead.oauth.remote_documents import Document, NotFetched, RemoteDocuments
from keystead.oauth.revocations import announce, store
from keystead.storage.ports import Write, get

ACTION: Final = "client.document"
KEPT: Final = Seconds(30 * 86_400)
"""How long a client is remembered that does not come back."""

_LONGEST: Final = 255
_LARGEST: Final = 16_384
_NEWCOMERS: Final = 20
_SECONDS_EACH: Final = 2
_JUDGED: Final = 1024
_FORBIDDEN: Final = ("client_secret", "client_secret_expires_at")

_documents: Final = RemoteDocuments(largest=_LARGEST)
_judged: Final[dict[tuple[str, str], Document]] = {}


def names_a_document(client_id: str) -> bool:
    """Return whether a `client_id` has the form of such a URL: https, a path, no fragment, user, query or dot segment.

    Spec: draft-ietf-oauth-client-id-metadata-document section 3.
    """
    if not client_id.startswith(("https://", "http://")) or len(client_id) > _LONGEST or wrong_web_uri(client_id):
        return False
    url = urlsplit(client_id)
    segments = url.path.split("/")
    return bool(url.path) and not ({".", ".."} & set(segments)) and not any(mark in client_id for mark in "#?@%\\")


async def welcome(client_id: str, request: Request, cx: ServerContext) -> None:
    """See to it that the client of a metadata document is there and as its document says, where the realm admits it.

    Does nothing for any other `client_id`. What goes wrong is logged; the client is then as unknown as any.
    """
    realm = await cx.store.read(get(Realm, request.realm, request.realm, request.now))
    if realm is None or not realm.registration.metadata_documents or not names_a_document(client_id):
        return
    if not host_is_among(host_of(client_id), realm.registration.metadata_document_hosts):
        return
    known = await cx.store.read(get(Client, realm.id, client_id, request.now))
    if known is not None and known.managed_by != FROM_A_DOCUMENT:
        return
    try:
        await _keep_up(client_id, known, realm, request, cx)
    except OAuthError as error:
        _record(request, client_id, cx, error.reason, error.detail or error.description)
    except NotFetched as error:
        _record(request, client_id, cx, "client_document.not_fetched", str(error))


async def _keep_up(client_id: str, known: Client | None, realm: Realm, request: Request, cx: ServerContext) -> None:
    now = request.now
    if known is None and not _newcomers.admit(realm.id, cx.outbound, now):
        raise NotFetched("too many new clients at once")
    document = await _documents.get(client_id, cx.outbound, now)
    unchanged = known is not None and _judged.get((realm.id, client_id)) is document
    if unchanged and known is not None and not _ages(known, now):
        return
    if len(_judged) >= _JUDGED:
        _judged.clear()
    _judged[realm.id, client_id] = document  # also when it is refused: not once more for every visitor
    client = await _judge(client_id, document.members, realm, cx, now)
    if known is not None:
        told = {name: getattr(client, name) for name in REGISTRABLE}
        client = msgspec.structs.replace(known, **told, expires_at=EpochSeconds(now + KEPT) if known.enabled else None)
    if known is None or client != known:
        await cx.store.write(lambda: _keep(client, known, now))
        _record(request, client_id, cx, "client_document.taken", "")


async def _judge(client_id: str, members: dict[str, Any], realm: Realm, cx: ServerContext, now: EpochSeconds) -> Client:
    """Judge the document as a registration, and by the rules such documents have beside. Section 4."""
    told = {name: value for name, value in members.items() if value is not None}
    if told.get("client_id") != client_id:
        raise metadata_refused("the document's client_id is not its address", "document")
    told.setdefault("token_endpoint_auth_method", "none")
    if any(name in told for name in _FORBIDDEN) or told["token_endpoint_auth_method"] in SECRET_METHODS:
        raise metadata_refused("a document anybody can read has no client secret", "document")
    client = await judge(told, client_id, Terms(realm, realm.registration.policy), cx, now)
    return msgspec.structs.replace(
        client,
        self_registered=True,
        managed_by=FROM_A_DOCUMENT,
        client_id_issued_at=now,
        expires_at=EpochSeconds(now + KEPT),
    )


def _keep(client: Client, known: Client | None, now: EpochSeconds) -> Write[None]:
    yield from store(client, now)
    if known is not None and any(getattr(client, name) != getattr(known, name) for name in TELLING):
        yield from announce(client.realm, Revocation("client_change", client.id, "client_document.changed"), now)


def _ages(known: Client, now: EpochSeconds) -> bool:
    """Return whether it is time to remember the client for longer, or, once switched off, for ever."""
    return known.expires_at is not None and (not known.enabled or known.expires_at < now + KEPT // 2)


class _Newcomers:
    """A realm's allowance for clients never seen before, so that nobody makes us fetch the whole web."""

    def __init__(self) -> None:
        self._outbound: Outbound | None = None
        self._from: dict[str, int] = {}

    def admit(self, realm: str, outbound: Outbound, now: EpochSeconds) -> bool:
        """Take one: a few at once, then one every other second."""
        if self._outbound is not outbound:
            self._outbound, self._from = outbound, {}
        begins = max(self._from.get(realm, 0), now - _SECONDS_EACH * (_NEWCOMERS - 1))
        if begins > now:
            return False
        self._from[realm] = begins + _SECONDS_EACH
        return True


_newcomers: Final = _Newcomers()


def _record(request: Request, client_id: str, cx: ServerContext, reason: str, detail: str) -> None:
    good = reason == "client_document.taken"
    cx.journal.record(
        Decision(
            action=ACTION,
            allowed=good,
            reason=reason,
            trace=request.trace,
            realm=request.realm,
            client_id=client_id,
            checks=(Check("client_metadata_document", good, detail),),
            facts={"detail": detail} if detail else {},
        )
    )
