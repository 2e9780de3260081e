"""The endpoints of AuthZEN over the served stores: which store is meant, who asks, what is answered.

Shape: `{base}/access/v1/...` is the default store, `{base}/authz/stores/{id}/access/v1/...` a named one;
`/.well-known/authzen-configuration` is inserted between origin and path of a decision point, which is `{base}` or
`{base}/authz/stores/{id}`. Every endpoint but the metadata wants a token with `authz:read`; a store of another realm is
answered like one that is not there.
Headers: `Openfga-Authorization-Model-Id` names a model, `Keystead-Consistency-Token` the write an answer must know of;
`X-Request-ID` comes back.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from keystead.api.authzen.evaluation import Asking, evaluate, evaluate_all
from keystead.api.authzen.faults import Fault, text_reply, unavailable
from keystead.api.authzen.messages import (
    ActionSearch,
    Evaluation,
    Evaluations,
    ResourceSearch,
    SubjectSearch,
    read_message,
)
from keystead.api.authzen.metadata import ENDPOINTS, METADATA_TYPE, WELL_KNOWN, metadata
from keystead.api.authzen.page_tokens import PageTokens
from keystead.api.authzen.search import search_actions, search_resources, search_subjects
from keystead.api.callers import Authorize, Caller
from keystead.api.state_headers import MODEL_HEADER, revision_asked
from keystead.authz.engine.allowance import Allowance, OutOfTime
from keystead.authz.engine.evaluator import Evaluator
from keystead.authz.served import AuthorizationStores, ForeignToken, Opened, UnknownModel, UnknownStore
from keystead.core.decisions import Decision
from keystead.core.errors import StorageError
from keystead.core.http import Headers, Reply, Request, json_reply
from keystead.core.jose import jws
from keystead.core.ulid import ULID
from keystead.oauth.authorization_api import AUTHZ_READ
from keystead.oauth.context import ServerContext

ACTION: Final = "authz.check"
_REQUEST_ID: Final = b"x-request-id"
_LONGEST_ID: Final = 1_024
_NO_STORE: Final[Headers] = ((b"cache-control", b"no-store"),)
_logger = logging.getLogger("keystead.http")


class DefaultStore(msgspec.Struct, frozen=True):
    """The store that answers where none is named."""

    realm: str
    id: str


@dataclass(frozen=True, slots=True)
class Authzen:
    """The parts behind the endpoints. `authorize` says who calls, or gives the refusal to send.

    One request may look for answers for so many `seconds`.
    """

    cx: ServerContext
    stores: AuthorizationStores
    authorize: Authorize
    default: DefaultStore | None = None
    seconds: float = 1.0


Endpoint = Callable[[Request], Coroutine[Any, Any, Reply]]


class AuthzenPaths:
    """Which path is which endpoint: `find` gives its name, its method, and what answers."""

    def __init__(self, authzen: Authzen) -> None:
        base = urlsplit(authzen.cx.base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._authzen = authzen
        self._paths: dict[str, tuple[str, str, Endpoint]] = {}
        asked = re.escape(base.path)
        endpoints = "|".join(ENDPOINTS.values())
        self._named = re.compile(rf"{asked}/authz/stores/({ULID.pattern})/access/v1/({endpoints})")
        self._named_metadata = re.compile(rf"{WELL_KNOWN}({asked}/authz/stores/{ULID.pattern})")
        if authzen.default is not None:
            self._paths[WELL_KNOWN + base.path] = ("authzen metadata", "GET", partial(_tell, authzen, base.path))
        for path in ENDPOINTS.values():
            answer = partial(_answer, authzen, path, "")
            self._paths[f"{base.path}/access/v1/{path}"] = (f"access/v1/{path}", "POST", answer)

    def find(self, path: str) -> tuple[str, str, Endpoint] | None:
        """Return the endpoint of a raw path."""
        known = self._paths.get(path)
        if known is not None:
            return known
        if match := self._named.fullmatch(path):
            return f"access/v1/{match[2]}", "POST", partial(_answer, self._authzen, match[2], match[1])
        if match := self._named_metadata.fullmatch(path):
            return "authzen metadata", "GET", partial(_tell, self._authzen, match[1])
        return None


async def _tell(authzen: Authzen, path: str, request: Request) -> Reply:
    """Answer with the metadata of a decision point, signed where it is known which realm's key speaks for it."""
    base = urlsplit(authzen.cx.base_url)
    document = metadata(f"{base.scheme}://{base.netloc}{path}")
    default = authzen.default
    if default is not None and path == base.path:
        key = await authzen.cx.keys.signer(default.realm, request.now)
        claims = {"iss": authzen.cx.issuer(default.realm), "iat": request.now} | document
        document["signed_metadata"] = jws.sign(claims, key, METADATA_TYPE)
    return json_reply(document, headers=((b"cache-control", b"public, max-age=60"), *_request_id(request)))


async def _answer(authzen: Authzen, path: str, store: str, request: Request) -> Reply:
    """Answer one request to one endpoint of one store; the default store when none is named."""
    named = _request_id(request)
    caller = await authzen.authorize(request, AUTHZ_READ)
    if isinstance(caller, Reply):
        return _as_text(caller, named)
    headers = (*caller.headers, *named)
    try:
        default = authzen.default
        if not store and default is not None and default.realm == caller.realm:
            store = default.id
        document = await _ask(authzen, path, store, caller, request)
    except Fault as fault:
        return text_reply(fault.status, fault.message, headers)
    except OutOfTime as error:
        return text_reply(400, str(error), headers)
    except UnknownStore:
        return text_reply(404, "There is no such store.", headers)
    except (UnknownModel, ForeignToken) as error:
        return text_reply(400, str(error), headers)
    except StorageError as error:
        _logger.error("request %s: storage failed: %s", request.trace.trace_id, error)
        return unavailable()
    return json_reply(document, headers=(*_NO_STORE, *headers))


async def _ask(authzen: Authzen, path: str, store: str, caller: Caller, request: Request) -> dict[str, Any]:
    """Read the message, open the store and answer. Raises: Fault, UnknownStore, UnknownModel, ForeignToken."""
    message = read_message(request, _MESSAGES[path])
    if not store:
        raise Fault("No store is the default here: name one, {base}/authz/stores/{id}/access/v1/...", 404)
    opened = await _open(authzen, store, caller.realm, request)

    allowance = Allowance(authzen.seconds, time.monotonic)

    def asking(context: Mapping[str, object]) -> Evaluator:
        return Evaluator(opened.graph, now=request.now, context=context, spend=allowance.spend)

    tokens = PageTokens(authzen.cx.sealer, caller.realm, path, store, opened.model_id, _without_page(message))
    document = _respond(message, asking, tokens)
    authzen.cx.journal.record(_decision(document, message, caller, request, store))
    return document


def _respond(message: Any, asking: Asking, tokens: PageTokens) -> dict[str, Any]:
    match message:
        case Evaluation():
            return evaluate(message, asking)
        case Evaluations():
            return evaluate_all(message, asking)
        case SubjectSearch():
            return search_subjects(message, asking, tokens)
        case ResourceSearch():
            return search_resources(message, asking, tokens)
        case ActionSearch():
            return search_actions(message, asking, tokens)
    raise TypeError(type(message).__name__)


_MESSAGES: Final[Mapping[str, type[Any]]] = {
    "evaluation": Evaluation,
    "evaluations": Evaluations,
    "search/subject": SubjectSearch,
    "search/resource": ResourceSearch,
    "search/action": ActionSearch,
}


def _without_page(message: Any) -> Any:
    return msgspec.structs.replace(message, page=None) if hasattr(message, "page") else message


async def _open(authzen: Authzen, store: str, realm: str, request: Request) -> Opened:
    models = [value.decode("latin-1") for name, value in request.headers if name == MODEL_HEADER]
    if len(models) > 1 or not all(ULID.fullmatch(model) for model in models):
        raise Fault("Openfga-Authorization-Model-Id is the id of one model of this store")
    return await authzen.stores.open(realm, store, "".join(models), at_least=revision_asked(request, store))


def _request_id(request: Request) -> Headers:
    """Return the caller's own name for the request, to come back as it was. Spec: section 10.1.3."""
    shown = [value for name, value in request.headers if name == _REQUEST_ID]
    return ((_REQUEST_ID, shown[0]),) if len(shown) == 1 and 0 < len(shown[0]) <= _LONGEST_ID else ()


def _as_text(refusal: Reply, named: Headers) -> Reply:
    """Return a refusal of the door as AuthZEN words errors."""
    message = msgspec.json.decode(refusal.body).get("message", "")
    kept = tuple(header for header in refusal.headers if header[0] not in (b"content-type", b"cache-control"))
    return text_reply(refusal.status, message, (*kept, *named))


def _decision(document: dict[str, Any], message: Any, caller: Caller, request: Request, store: str) -> Decision:
    facts: dict[str, Any] = {"store": store, "path": request.path}
    if isinstance(message, Evaluation):
        facts["user"] = f"{message.subject.type}:{message.subject.id}"
        facts["relation"], facts["object"] = message.action.name, f"{message.resource.type}:{message.resource.id}"
    answers = document.get("evaluations") or ([document] if "decision" in document else [])
    facts |= {"allowed": sum(answer["decision"] for answer in answers), "asked": len(answers)} if answers else {}
    allowed = all(answer["decision"] for answer in answers)
    why = document.get("context", {}).get("reason", "")
    return Decision(
        action=ACTION,
        allowed=allowed,
        reason="authz.allowed" if allowed else why or "authz.not_all_allowed",
        trace=request.trace,
        realm=caller.realm,
        subject=caller.subject,
        client_id=caller.client_id,
        facts=facts,
    )
