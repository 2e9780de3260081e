"""Whom a receiver wants to hear about: everybody, but those it took out."""

from __future__ import annotations

from typing import ClassVar, Final

from keystead.core.errors import InvalidRequest
from keystead.core.http import Reply, Request, json_reply
from keystead.core.records.event_stream import ExcludedSubject
from keystead.core.spec import RFC9493, SSF, Section
from keystead.oauth.context import ServerContext
from keystead.oauth.event_streams import stream_of
from keystead.oauth.service_caller import ServiceCaller, json_body
from keystead.oauth.stream_endpoint import MANAGERS, StreamEndpoint, empty
from keystead.oauth.subject_identifiers import read_subject, subject_digest
from keystead.storage.ports import MAX_PAGE, Write, find, get, put, remove

MAXIMUM_EXCLUDED: Final = MAX_PAGE
_FULL: Final = {"error": "too_many", "error_description": f"a stream leaves out at most {MAXIMUM_EXCLUDED} subjects"}


class SsfAddSubjectEndpoint(StreamEndpoint):
    """Takes a subject back in. Whether there is such a person is not told: the answer is 200 either way."""

    path: ClassVar[str] = "ssf/subjects/add"
    action: ClassVar[str] = "ssf.add_subject"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["8.1.3.2"], RFC9493["3"])
    scopes = {"POST": MANAGERS}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one call."""
        document = json_body(request)
        subject = read_subject(document.get("subject"))
        if not isinstance(document.get("verified", True), bool):
            raise InvalidRequest("verified is true or false", reason="subject.malformed")

        def take_in() -> Write[None]:
            stream = yield from stream_of(caller, document.get("stream_id"), request.realm, request.now)
            yield from remove(ExcludedSubject, request.realm, subject_digest(stream.id, subject))

        await cx.store.write(take_in)
        return empty(200)


class SsfRemoveSubjectEndpoint(StreamEndpoint):
    """Takes a subject out: nothing more is sent about them, by whatever name it happens."""

    path: ClassVar[str] = "ssf/subjects/remove"
    action: ClassVar[str] = "ssf.remove_subject"
    methods: ClassVar[frozenset[str]] = frozenset({"POST"})
    specs: ClassVar[tuple[Section, ...]] = (SSF["8.1.3.3"], RFC9493["3"])
    scopes = {"POST": MANAGERS}

    async def answer(self, request: Request, caller: ServiceCaller, cx: ServerContext) -> Reply:
        """Answer one call."""
        document = json_body(request)
        subject = read_subject(document.get("subject"))
        realm, now = request.realm, request.now

        def take_out() -> Write[bool]:
            stream = yield from stream_of(caller, document.get("stream_id"), realm, now)
            id = subject_digest(stream.id, subject)
            if (yield from get(ExcludedSubject, realm, id, now)) is not None:
                return True
            excluded = yield from find(ExcludedSubject, realm, now, index="stream_id", value=stream.id)
            if len(excluded) >= MAXIMUM_EXCLUDED:
                return False
            yield from put(ExcludedSubject(realm=realm, id=id, stream_id=stream.id), now)
            return True

        return empty(204) if await cx.store.write(take_out) else json_reply(_FULL, status=429)
