"""A person meets a page when the server fails, a program meets JSON, and neither meets the cause."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from keystead.app.answers import guarded
from keystead.core.errors import StorageUnavailable
from keystead.core.http import Reply, Request
from keystead.core.records.realm import Realm
from keystead.core.trace import new_trace
from tests.issuer import SECRET, Issuer, basic_header, every_endpoint
from tests.shop import authorize_url, open_shop


class FailingStore:
    """The real store for the realm, an error for everything after it."""

    def __init__(self, issuer: Issuer, error: Exception) -> None:
        self._store = issuer.store
        self._error = error
        self._reads = 0

    async def read(self, transaction: Any) -> Any:
        """Answer once."""
        self._reads += 1
        if self._reads == 1:
            return await self._store.read(transaction)
        transaction.close()
        raise self._error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def ask(issuer: Issuer, path: str, error: Exception) -> Reply:
    """Send one request to an endpoint whose store fails."""
    await open_shop(issuer)
    cx = replace(issuer.cx, store=FailingStore(issuer, error))
    query = authorize_url(issuer).partition("?")[2].encode()
    form = ((b"content-type", b"application/x-www-form-urlencoded"), (b"authorization", basic_header("shop", SECRET)))
    request = Request(
        method="POST" if path == "token" else "GET",
        path=path,
        query=query,
        headers=form if path == "token" else (),
        body=b"grant_type=client_credentials" if path == "token" else b"",
        now=issuer.now,
        trace=new_trace(),
        realm="acme",
    )
    return await guarded(every_endpoint()[path], cx)(request)


@pytest.mark.attack("F5")
@pytest.mark.parametrize(
    ("error", "status"), [(StorageUnavailable("disk full at /var/secret"), 503), (ZeroDivisionError("secret"), 500)]
)
@pytest.mark.parametrize("path", ["authorize", "sign-in", "logout"])
async def test_a_failure_is_a_page_where_people_are(
    issuer: Issuer, path: str, error: Exception, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    reply = await ask(issuer, path, error)
    headers = dict(reply.headers)
    assert reply.status == status
    assert headers[b"content-type"].startswith(b"text/html")
    assert b'role="alert"' in reply.body
    assert b"secret" not in reply.body
    assert (b"retry-after" in headers) is (status == 503)
    assert len(caplog.records) == 1


async def test_a_failure_is_json_where_programs_are(issuer: Issuer) -> None:
    reply = await ask(issuer, "token", StorageUnavailable("disk full"))
    assert reply.status == 503
    assert msgspec.json.decode(reply.body)["error"] == "temporarily_unavailable"


async def test_a_disabled_realm_has_no_pages(issuer: Issuer) -> None:
    await open_shop(issuer)
    await issuer.change(Realm, "acme", enabled=False)
    request = Request(
        method="GET", path="x", query=b"", headers=(), body=b"", now=issuer.now, trace=new_trace(), realm="acme"
    )
    for path in ("sign-in", "authorize", "signed-in", "logout"):
        assert (await guarded(every_endpoint()[path], issuer.cx)(request)).status == 404
