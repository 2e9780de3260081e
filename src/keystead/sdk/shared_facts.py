"""Facts that a Keystead server keeps for all services, followed into the service's own engine.

    facts = SharedFacts("https://id.acme.example/authz", STORE, types=["group", "tenant"], agent=AgentClient())
    engine = open("sqlite:///orders.db", model=MODEL, shared=facts)

Shape: long polls of `{base}/authz/stores/{store}/feed`, with a token of the service itself of scope `authz:read`.
Does not: decide. The engine does, whether or not the server can be reached.
"""

from __future__ import annotations

import inspect
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

import httpx2
import msgspec

from keystead.authz.shared.page import CursorRefused, FactsPage, KeptFacts
from keystead.core.errors import ConfigurationError
from keystead.core.trace import new_trace
from keystead.core.values import Secret
from keystead.sdk.addresses import require_safe_url
from keystead.sdk.agent import AgentClient
from keystead.sdk.errors import IssuerUnavailable
from keystead.sdk.http_channel import no_cookies, tls_for
from keystead.sdk.private_files import replace_file
from keystead.sdk.service_client import BearerForOne

SCOPE: Final = "authz:read"
_TIMEOUT: Final = 5.0
_REMEDIES: Final = {
    401: ": the token must be for the audience {base_url}/authz",
    403: ": the token needs the scope authz:read",
    404: ": the URL must be {base_url}/authz, and the store one of the token's realm",
}
_read: Final = msgspec.json.Decoder(FactsPage).decode
_read_kept: Final = msgspec.json.Decoder(tuple[str, KeptFacts]).decode

Token = Callable[[], Awaitable[str] | str]
"""Returns an access token for `{base}/authz` with the scope `authz:read`."""


class SharedFacts:
    """Tuples of some types of one served store. `url` is `{base}/authz`; the token comes from `agent` or `token`.

    `fail_closed_after`: seconds after which what hangs on these facts is denied when there was no news; 0 (default)
    decides on by what is known. `fail_closed` says it for single relations: `{"order#refund": 30}`. Until the facts
    have come for the first time, what hangs on them is denied. `keep` names a file the copy is kept in (0600), so that
    a service that starts while the server is down begins with what it knew, as old as that is.
    """

    def __init__(
        self,
        url: str,
        store: str,
        types: Iterable[str],
        *,
        agent: AgentClient | None = None,
        token: Token | None = None,
        fail_closed_after: float = 0.0,
        fail_closed: Mapping[str, float] | None = None,
        keep: str = "",
        tls: ssl.SSLContext | None = None,
        danger_allow_plain_http: bool = False,
    ) -> None:
        """Raises: ConfigurationError when it is not said who we are, or what is shared, or the URL is not safe."""
        require_safe_url(url, "url", danger_allow_plain_http=danger_allow_plain_http)
        self.types = frozenset(types)
        if not self.types or (agent is None) == (token is None):
            raise ConfigurationError("shared facts need `types`, and either `agent` or `token` to show who asks")
        self.fail_closed_after = fail_closed_after
        self.fail_closed = dict(fail_closed or {})
        self._keep = Path(keep) if keep else None
        self._base = url.rstrip("/")
        self._store = store
        self._agent = agent
        self._token = token
        self._tls = tls or tls_for(url)
        self._client: httpx2.AsyncClient | None = None

    async def pull(self, cursor: str, wait: float) -> FactsPage:
        """Ask the server once. Raises: CursorRefused, IssuerUnavailable, httpx2.HTTPError, msgspec.DecodeError."""
        url = httpx2.URL(f"{self._base}/stores/{self._store}/feed")
        parameters = {"types": ",".join(sorted(self.types)), "cursor": cursor, "wait": str(int(wait))}
        auth = BearerForOne(url, await self._obtain(), new_trace())
        reply = await self._channel().get(url, params=parameters, auth=auth, timeout=_TIMEOUT + wait)
        if reply.status_code == httpx2.codes.BAD_REQUEST and cursor:
            raise CursorRefused(f"{self._base}: the server does not know where we were; beginning anew")
        if reply.status_code != httpx2.codes.OK:
            remedy = _REMEDIES.get(reply.status_code, "")
            raise IssuerUnavailable(
                f"{self._base}: the feed of store {self._store} answered {reply.status_code}{remedy}"
            )
        return _read(reply.content)

    def remembered(self) -> KeptFacts | None:
        """Return what `keep` holds, if it is of this store and these types."""
        try:
            whose, kept = _read_kept(self._keep.read_bytes()) if self._keep is not None else ("", None)
        except (OSError, msgspec.DecodeError):
            return None
        return kept if whose == self._whose() else None

    def remember(self, facts: KeptFacts) -> None:
        """Write the file anew, whole or not at all. Raises: OSError."""
        if self._keep is not None:
            replace_file(self._keep, msgspec.json.encode((self._whose(), facts)), 0o600)

    async def close(self) -> None:
        """Let go of the connection."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _whose(self) -> str:
        return f"{self._base}/stores/{self._store} {' '.join(sorted(self.types))}"

    async def _obtain(self) -> Secret:
        if self._agent is not None:
            return await self._agent.token(self._base, SCOPE)
        assert self._token is not None
        token = self._token()
        return Secret(await token if inspect.isawaitable(token) else token)

    def _channel(self) -> httpx2.AsyncClient:
        """Return the client, made by the event loop that uses it."""
        if self._client is None:
            self._client = httpx2.AsyncClient(
                verify=self._tls, follow_redirects=False, trust_env=False, timeout=_TIMEOUT, cookies=no_cookies()
            )
        return self._client
