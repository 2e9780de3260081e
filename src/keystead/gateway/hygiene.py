"""Which headers may cross the gateway. Names are judged once and remembered.

Why: an upstream trusts what the gateway tells it. So nothing that looks like the gateway's word may come from a
browser, in any letter case, with `_` or `.` in place of `-`, or hidden behind a `Connection` header; and nothing an
upstream says may speak for our origin (its cookies, its CORS, its alternative services).
Shape: `REQUEST_KINDS[name]` and `RESPONSE_KINDS[name]` are `KEEP`, `DROP`, or a kind that `head`, `admission` and
`response` look at themselves.
Spec: RFC 9110 section 7.6.1 (hop-by-hop), RFC 9700 section 4.13 (headers set by a reverse proxy).
"""

from __future__ import annotations

import re
from typing import Final

KEEP: Final = 0
DROP: Final = 1
HOST: Final = 2
COOKIE: Final = 3
CONTENT_LENGTH: Final = 4
TRANSFER_ENCODING: Final = 5
CONNECTION: Final = 6
UPGRADE: Final = 7
EXPECT: Final = 8
CSRF: Final = 9
FORWARDED_FOR: Final = 10
# From here on the header is looked at and kept.
NOTED: Final = 20
ACCEPT: Final = 20
ORIGIN: Final = 21
FETCH_SITE: Final = 22
FETCH_MODE: Final = 23
FETCH_DEST: Final = 24
# Of a response.
SET_COOKIE: Final = 40
LOCATION: Final = 41
CONTENT_TYPE: Final = 42
CACHE_CONTROL: Final = 43
AUTHENTICATE: Final = 44
SECURITY: Final = 45
DPOP_NONCE: Final = 46

_SPECIAL_REQUEST: Final = {
    b"host": HOST,
    b"cookie": COOKIE,
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    b"expect": EXPECT,
    b"x-csrf": CSRF,
    b"x-forwarded-for": FORWARDED_FOR,
    b"accept": ACCEPT,
    b"origin": ORIGIN,
    b"sec-fetch-site": FETCH_SITE,
    b"sec-fetch-mode": FETCH_MODE,
    b"sec-fetch-dest": FETCH_DEST,
}
_SPECIAL_RESPONSE: Final = {
    b"content-length": CONTENT_LENGTH,
    b"transfer-encoding": TRANSFER_ENCODING,
    b"connection": CONNECTION,
    b"upgrade": UPGRADE,
    b"set-cookie": SET_COOKIE,
    b"location": LOCATION,
    b"content-location": LOCATION,
    b"content-type": CONTENT_TYPE,
    b"cache-control": CACHE_CONTROL,
    b"www-authenticate": AUTHENTICATE,
    b"dpop-nonce": DPOP_NONCE,
    b"content-security-policy": SECURITY,
    b"x-content-type-options": SECURITY,
    b"x-frame-options": SECURITY,
    b"referrer-policy": SECURITY,
    b"cross-origin-opener-policy": SECURITY,
    b"cross-origin-resource-policy": SECURITY,
}
_HOP_BY_HOP: Final = rb"keep-alive|te|trailer|trailers|proxy-.*|http2-settings|alt-used|"  # between two neighbours only
_IDENTITY: Final = (
    # who is calling, as proxies and clouds write it
    rb"dpop.*|authori[sz]ation.*|x-authori[sz]ation.*|x-auth.*|x-user.*|user|username|user-?id|x-remote.*|remote-.*|"
    rb"x-ks-.*|x-keystead.*|x-email.*|x-groups?|x-roles?|x-scopes?|x-subject|x-sub|x-account.*|x-tenant.*|x-org.*|"
    rb"x-access-token|x-id-token|x-token.*|x-jwt.*|x-api-key|x-client-id|x-session.*|x-identity.*|x-principal.*|"
    rb"x-consumer.*|x-credential.*|x-anonymous-consumer|x-pomerium.*|x-goog-.*|x-amzn-.*|x-ms-.*|x-webauth.*|"
    rb"x-vouch.*|x-oidc.*|oidc.*|x-saml.*|x-wa-.*|x-admin.*|x-impersonat.*|impersonate-.*|x-internal.*|"
    # certificates seen by somebody else
    rb"x-ssl.*|ssl-.*|client-cert.*|x-client-.*|x-forwarded-.*|x-tls.*|x-arr-.*|"
    # where it comes from, where it was going, what it really is
    rb"forwarded.*|x-forwarded|x-real-.*|x-cluster-.*|true-client-.*|cf-.*|fastly-.*|client-ip|x-host|x-original.*|"
    rb"x-rewrite.*|x-http-.*|x-method.*|x-override.*|x-accel-.*|x-sendfile.*|x-envoy.*|x-proxy.*|x-backend.*|"
    rb"x-url-.*|x-request-uri|x-custom-ip.*|x-originating.*|x-azure-.*|x-appengine-.*|via|destination|"
    # traces are begun by the gateway
    rb"traceparent|tracestate|baggage|b3|x-b3-.*|x-trace.*|x-datadog-.*|uber-trace-id|x-cloud-trace-.*"
)
_DROPPED_REQUEST: Final = re.compile(_HOP_BY_HOP + _IDENTITY, re.DOTALL)
_DROPPED_RESPONSE: Final = re.compile(
    _HOP_BY_HOP
    # what would speak for our whole origin, or tell what runs behind it
    + rb"alt-svc|access-control-.*|clear-site-data|strict-transport-security|public-key-pins.*|expect-ct|nel|"
    rb"report-to|reporting-endpoints|service-worker-allowed|origin-agent-cluster|refresh|"
    rb"server|via|x-powered-by|x-aspnet.*|x-runtime|x-accel-.*|x-sendfile.*|"
    rb"authorization|proxy-.*|x-keystead.*|x-ks-.*|x-forwarded.*|traceparent|tracestate|traceresponse",
    re.DOTALL,
)
_PLAIN_NAME: Final = re.compile(rb"[a-z0-9-]+")
_REMEMBERED: Final = 2_048
_LONGEST_REMEMBERED: Final = 64


class _Kinds(dict[bytes, int]):
    """Header names as they were spelled, and what becomes of them. Bounded: names come from outside."""

    def __init__(self, special: dict[bytes, int], dropped: re.Pattern[bytes]) -> None:
        super().__init__()
        self._special = special
        self._dropped = dropped

    def __missing__(self, name: bytes) -> int:
        kind = self._judge(name.lower())
        if len(name) <= _LONGEST_REMEMBERED:
            if len(self) >= _REMEMBERED:
                self.clear()
            self[name] = kind
        return kind

    def _judge(self, name: bytes) -> int:
        if name in self._special:
            return self._special[name]
        # CGI, WSGI and PHP read `X_User` and `X.User` as `X-User`.
        if not _PLAIN_NAME.fullmatch(name) or self._dropped.fullmatch(name):
            return DROP
        return KEEP


REQUEST_KINDS: Final = _Kinds(_SPECIAL_REQUEST, _DROPPED_REQUEST)
RESPONSE_KINDS: Final = _Kinds(_SPECIAL_RESPONSE, _DROPPED_RESPONSE)


def nominated(connection: bytes) -> frozenset[bytes]:
    """Return the header names a Connection header makes hop-by-hop, beside its usual words."""
    names = {part.strip(b" \t").lower() for part in connection.split(b",")}
    return frozenset(names - {b"", b"close", b"keep-alive", b"upgrade"})
