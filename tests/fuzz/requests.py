"""Parsers of what browsers and clients send: forms, cookies, headers, heads of HTTP, targets."""

from __future__ import annotations

from base64 import b64encode
from typing import Final
from urllib.parse import quote

import httptools

from keystead.app.http_server.framing import Refusal, require_clear_message, require_plain_target
from keystead.core.cookies import read_cookie
from keystead.core.errors import OAuthError
from keystead.core.forms import parse_parameters, read_body, read_form
from keystead.core.forwarded_certificate import FORMATS, NotOneCertificate, read_forwarded
from keystead.core.http import Request
from keystead.core.strict_json import NotStrictJson, parse
from keystead.core.trace import accept_trace, new_trace
from keystead.core.values import EpochSeconds
from keystead.gateway.cookies import find_handle, without_ours
from keystead.gateway.head import BadFraming
from keystead.gateway.head_reader import HeadReader
from keystead.gateway.outbound import forwarded_client
from keystead.gateway.target import judge_path, judge_query
from keystead.oauth.bearer import bearer_token
from keystead.oauth.checks.draft import AuthorizationForm
from keystead.oauth.endpoints.revocations import FeedForm
from keystead.oauth.endpoints.revoke import RevocationForm
from keystead.sdk.blocking_channel import Document
from keystead.sdk.presented import shown_token
from tests.certificates import holder
from tests.fuzz.target import Target

_HOLDER: Final = holder("client")
CLIENT_CERT: Final = b":" + b64encode(_HOLDER.der) + b":"
XFCC: Final = f'By=spiffe://a/b;Cert="{quote(_HOLDER.pem)}";Subject="CN=client";URI=spiffe://a/c'.encode()
AUTHORIZATION: Final = (
    b"response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fapp.test%2Fcb&scope=openid+profile&state=s"
    b"&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&prompt=login"
    b"&claims=%7B%22userinfo%22%3A%7B%22email%22%3Anull%7D%7D&max_age=60&resource=a&resource=b"
)
HEAD: Final = (
    b"GET /api/orders?x=1 HTTP/1.1\r\nHost: localhost:8000\r\nCookie: __Host-keystead=abc; other=1\r\nX-CSRF: 1\r\n"
    b"Sec-Fetch-Site: same-origin\r\nConnection: keep-alive\r\n\r\n"
)
CHUNKED: Final = (
    b"POST /api/orders HTTP/1.1\r\nHost: localhost:8000\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n"
)
_HEADER_WORDS: Final = (
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 5\r\n", b"Content-Length: 05\r\n", b"Host: evil.test\r\n"),
    *(b"Connection: close, upgrade\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n", b" folded\r\n", b"\n"),
)


def _request(
    method: str, headers: tuple[tuple[bytes, bytes], ...] = (), body: bytes = b"", query: bytes = b""
) -> Request:
    return Request(method, "/realms/acme/x", query, headers, body, EpochSeconds(0), new_trace(), "acme")


def _form(data: bytes) -> object:
    parameters = parse_parameters(data)
    found: list[object] = []
    for shape in (AuthorizationForm, RevocationForm, FeedForm):
        try:
            found.append(read_form(parameters, shape))
        except OAuthError as error:
            found.append(error)
    return found


def _body(data: bytes) -> object:
    kind, _, body = data.partition(b"\n")
    return read_body(_request("POST", ((b"content-type", kind),), body))


def _bearer(data: bytes) -> object:
    header, _, rest = data.partition(b"\n")
    query, _, body = rest.partition(b"\n")
    headers = ((b"authorization", header), (b"content-type", b"application/x-www-form-urlencoded"))
    shown_token([header])
    return bearer_token(_request("POST", headers, body, query))


def _forwarded(data: bytes) -> object:
    for format in FORMATS:
        try:
            read_forwarded(((format.encode(), data), (b"client-cert-chain", data)), format)
        except NotOneCertificate:
            continue
    return None


class _Head:
    """What the listener does with bytes, without a connection."""

    def __init__(self) -> None:
        self.reader = HeadReader()
        self.parser = httptools.HttpRequestParser(self)
        self.heads: list[object] = []

    def on_message_begin(self) -> None:
        """A request begins."""
        self.reader.begin_target()

    def on_url(self, url: bytes) -> None:
        """A piece of the target."""
        self.reader.take_target(url)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        head = self.reader.read(self.parser)
        self.heads.append(head)
        try:
            head.body_length()
        except BadFraming:
            return


def _gateway_head(data: bytes) -> object:
    head = _Head()
    if head.reader.gather(data, 32_768):
        head.parser.feed_data(data)
    return head.heads


def _issuer_head(data: bytes) -> object:
    lines = [line.partition(b":") for line in data.split(b"\r\n")[1:]]
    headers = [(name.lower(), value.strip()) for name, _, value in lines if name]
    require_plain_target(data.split(b" ")[1] if data.count(b" ") > 1 else data)
    return require_clear_message("1.1", False, [(n, v) for n, v in headers if n != b"content-length" or v.isdigit()])


def _target(data: bytes) -> object:
    path, _, query = data.partition(b"?")
    return judge_path(path), judge_query(query)


def _cookies(data: bytes) -> object:
    return (
        read_cookie(((b"cookie", data),), "keystead-session-acme"),
        find_handle(data, b"__Host-keystead"),
        without_ours(data),
    )


def _small_headers(data: bytes) -> object:
    text = data.decode("latin-1")
    links = Document({}, (text,)).linked("urn:keystead:revocations")
    return accept_trace(text), links, forwarded_client(data, frozenset({"127.0.0.1"}))


REQUESTS: Final = (
    Target(
        "form",
        _form,
        (AUTHORIZATION, b"token=abc&token_type_hint=access_token", b"after=1.ab&wait=10"),
        refusals=(OAuthError,),
    ),
    Target(
        "form body",
        _body,
        (b"application/x-www-form-urlencoded\n" + AUTHORIZATION,),
        (b"; charset=utf-8",),
        (OAuthError,),
    ),
    Target(
        "bearer token",
        _bearer,
        (b"Bearer ksa_abc\nx=1\ny=2", b"DPoP a.b.c\n\naccess_token=x"),
        (b"access_token=", b"Bearer "),
        (OAuthError,),
    ),
    Target(
        "forwarded certificate",
        _forwarded,
        (CLIENT_CERT, XFCC),
        (b"Cert=", b"Chain=", b";", b"URI=spiffe://a/b", b"MII"),
    ),
    Target(
        "head at the gateway",
        _gateway_head,
        (HEAD, CHUNKED, HEAD + HEAD),
        _HEADER_WORDS,
        (httptools.HttpParserError, httptools.HttpParserUpgrade),
    ),
    Target("framing at the issuer", _issuer_head, (HEAD, CHUNKED), _HEADER_WORDS, (Refusal,)),
    Target(
        "target", _target, (b"/api/orders/1?x=1&y=%41", b"/a/../b", b"/%2e%2e/x"), (b"%2f", b"//", b"/../", b"%252e")
    ),
    Target(
        "cookies",
        _cookies,
        (b"__Host-keystead=abc; keystead-session-acme=x; a=b",),
        (b"__Host-keystead=", b"; ", b"keystead-session-acme="),
    ),
    Target(
        "small headers",
        _small_headers,
        (
            b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            b'<https://a/b>; rel="urn:keystead:revocations"',
            b"10.0.0.1, 127.0.0.1",
        ),
    ),
    Target(
        "strict JSON",
        parse,
        (b'{"a": [1, {"b": null}], "c": "\\u00e9"}',),
        (b'{"a":', b"[" * 40, b'"a":1,"a":2'),
        (NotStrictJson,),
    ),
)
