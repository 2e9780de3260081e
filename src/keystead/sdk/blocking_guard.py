"""The guard for code without an event loop: WSGI, Flask, Django's synchronous views.

Verification runs on one event loop in a thread of its own, made when the first request comes, so that keys are fetched
and kept exactly as in the asynchronous form.
"""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from keystead.sdk.access import Arrival, Guard
from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import Demand

_PATIENCE: Final = 10.0
_HEADERS: Final = {b"authorization": "HTTP_AUTHORIZATION", b"dpop": "HTTP_DPOP", b"traceparent": "HTTP_TRACEPARENT"}


class BlockingGuard:
    """A `Guard` with a plain method. Safe for threads."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def admit(self, arrival: Arrival, wanted: Demand) -> VerifiedCaller | Refused:
        """Decide about one request, and record the decision."""
        admission = self._guard.admit(arrival, wanted)
        return asyncio.run_coroutine_threadsafe(admission, self._running_loop()).result(_PATIENCE)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="keystead-verifier", daemon=True).start()
            return self._loop


def arrival_in(environ: Mapping[str, Any]) -> Arrival:
    """Read a WSGI environment. Repeated headers come joined by commas; no token has one, so such a request fails."""
    headers = [(name, environ[key].encode("latin-1")) for name, key in _HEADERS.items() if key in environ]
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "").partition("?")[0]
    shown = environ.get("SSL_CLIENT_CERT", "")
    certificate = ssl.PEM_cert_to_DER_cert(shown) if shown else b""
    return Arrival(environ.get("REQUEST_METHOD", ""), path, headers, certificate, raw or quote(path.encode("latin-1")))
