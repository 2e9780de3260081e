"""Where the parameters of an authorization request stand: in the URL, in a signed object, in what was pushed before.

Flow: `authorize` reads the parameters as sent; `resolve` replaces them by what they refer to, if they refer to
anything. From there on nobody reads the URL again, so that nothing beside a signed or pushed request can change it.
Spec: RFC 9101 section 6.3, RFC 9126 section 4.
"""

from __future__ import annotations

import msgspec

from keystead.core.errors import InvalidRequest
from keystead.core.http import Request
from keystead.core.protocols import OutboundRefused
from keystead.core.records.client import Client
from keystead.core.request_errors import InvalidRequestUri
from keystead.oauth.checks.draft import AuthorizationForm
from keystead.oauth.context import ServerContext
from keystead.oauth.profiles import profile_of
from keystead.oauth.pushed_requests import PREFIX, digest_of, look
from keystead.oauth.request_contradictions import LONGEST_REFERENCE
from keystead.oauth.request_objects import read_request_object
from keystead.oauth.shared_fetches import SharedFetches

_fetches = SharedFetches(maximum=32_768, accept="application/oauth-authz-req+jwt, application/jwt")


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """The request, wherever it stood. `pushed` is the digest of the pushed request, empty for none."""

    form: AuthorizationForm
    pushed: str = ""
    signed: bool = False
    binding: str = ""


def refers(form: AuthorizationForm) -> bool:
    """Return whether the request stands elsewhere than in its own parameters."""
    return bool(form.request or form.request_uri)


async def resolve(form: AuthorizationForm, client: Client, request: Request, cx: ServerContext) -> Resolved:
    """Return the request that the parameters stand for.

    Raises: InvalidRequest, InvalidRequestObject, InvalidRequestUri.
    """
    if form.request and form.request_uri:
        raise InvalidRequest("Send request or request_uri, not both.", reason="request_object.contradiction")
    if form.request_uri.startswith(PREFIX):
        pushed = await cx.store.read(look(request.realm, form.request_uri, client.id, request.now))
        digest = digest_of(form.request_uri)
        return Resolved(form=pushed.form, pushed=digest, signed=pushed.signed, binding=pushed.binding)
    if not refers(form):
        return Resolved(form=form)
    token = form.request or await _fetched(form.request_uri, client, cx)
    return Resolved(form=await read_request_object(token, client, request.realm, request.now, cx), signed=True)


async def _fetched(uri: str, client: Client, cx: ServerContext) -> str:
    """Fetch a request object from where its client registered that it would be, and from nowhere else.

    Spec: RFC 9101 sections 5.2 and 10.4.1, OpenID Connect Core section 6.2.
    """
    if profile_of(client).par:
        raise InvalidRequest("This client must push its requests.", reason="request.not_pushed")
    if uri not in client.request_uris or len(uri) > LONGEST_REFERENCE:
        raise InvalidRequestUri(
            "The request_uri is not among those that this client registered as request_uris.",
            reason="request_uri.not_registered",
        )
    try:
        fetched = await _fetches.get(uri.partition("#")[0], cx.outbound)
    except OutboundRefused as error:
        raise InvalidRequestUri(
            "The request_uri could not be fetched.", reason="request_uri.not_fetched", detail=str(error)
        ) from None
    if fetched.status != 200:
        raise InvalidRequestUri(
            "The request_uri did not answer with a request object.",
            reason="request_uri.not_fetched",
            detail=f"status {fetched.status}",
        )
    return fetched.body.decode("ascii", "replace").strip()
