"""What the steps share: addresses, the people, and what was learnt on the way."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import msgspec

from keystead.demo.check.person import Person
from keystead.demo.configuration import CheckClient
from keystead.demo.places import Places
from keystead.demo.xray.lines import Traces

CSRF = {"X-CSRF": "1", "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


class Probe(msgspec.Struct, frozen=True):
    """What a probe on the bus tried with a workload's own identity, and whether the bus let it."""

    workload: str
    tried: str
    allowed: bool


class World:
    """The running demo, seen from outside."""

    def __init__(self, places: Places, passwords: dict[str, str], client: CheckClient, traces: Traces) -> None:
        self.places = places
        self.passwords = passwords
        self.client = client
        self.traces = traces
        self.http = httpx2.Client(timeout=10.0)
        self.people: dict[str, Person] = {}
        self.metadata: dict[str, Any] = {}
        self.order: dict[str, Any] = {}
        self.probes: list[Probe] = []
        self.secrets_seen: set[str] = set()

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def person(self, name: str) -> Person:
        """Return somebody at a browser of their own."""
        return self.people.setdefault(name, Person(self.http))

    def shop(self, name: str, method: str, path: str, document: object = None) -> httpx2.Response:
        """Call the shop as its page does: cookie and static header, no token anywhere."""
        headers = dict(CSRF)
        content = None
        if document is not None:
            headers["Content-Type"] = "application/json"
            content = msgspec.json.encode(document)
        return self.person(name).request(method, self.places.shop_url + path, headers=headers, content=content)

    def service(
        self, name: str, method: str, path: str, token: str = "", content: bytes | None = None
    ) -> httpx2.Response:
        """Call a service of the shop directly, past the gateway, with a token in hand."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"http://127.0.0.1:{self.places.service_ports[name]}{path}"
        return self.http.request(method, url, headers=headers, content=content)

    def token_endpoint(self, **form: str) -> httpx2.Response:
        """Ask the token endpoint as the check client."""
        credentials = (self.client.client_id, self.client.client_secret)
        answer = self.http.post(self.metadata["token_endpoint"], data=form, auth=credentials)
        if answer.status_code == httpx2.codes.OK:
            document = answer.json()
            self.secrets_seen |= {document[key] for key in ("access_token", "refresh_token") if key in document}
        return answer

    def post(self, endpoint: str, **form: str) -> httpx2.Response:
        """Ask another endpoint of the issuer as the check client."""
        credentials = (self.client.client_id, self.client.client_secret)
        return self.http.post(self.metadata[endpoint], data=form, auth=credentials)

    def authorization_request(self, verifier: str, **changes: str) -> str:
        """Return an authorization request of the check client, with parameters changed or (empty) left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": "openid orders:read orders:write",
            "state": secrets.token_urlsafe(12),
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{self.metadata['authorization_endpoint']}?{query}"

    def code(self, name: str, verifier: str, **changes: str) -> str:
        """Let somebody who is signed in give the check client an authorization code."""
        person = self.person(name)
        person.visit(self.authorization_request(verifier, **changes), until=self.client.redirect_uri)
        answer = parse_qs(urlsplit(person.url).query)
        assert "code" in answer, f"no code came back: {answer or person.url}"
        self.secrets_seen.add(answer["code"][0])
        return answer["code"][0]

    def redeem(self, code: str, verifier: str, **more: str) -> httpx2.Response:
        """Redeem a code."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return self.token_endpoint(**{**form, "redirect_uri": self.client.redirect_uri, **more})

    def tokens(self, name: str, **changes: str) -> dict[str, Any]:
        """Return the tokens somebody's fresh authorization buys the check client."""
        verifier = secrets.token_urlsafe(48)
        answer = self.redeem(self.code(name, verifier, **changes), verifier)
        assert answer.status_code == httpx2.codes.OK, answer.text
        document: dict[str, Any] = answer.json()
        return document


def expect(answer: httpx2.Response, status: int, *, says: str = "") -> str:
    """Check a status and a word of the answer. Return both as what was seen."""
    assert answer.status_code == status, f"expected {status}, got {answer.status_code}: {answer.text[:300]}"
    text = answer.text + answer.headers.get("www-authenticate", "")
    assert says in text, f"expected {says!r} in: {text[:300]}"
    return f"{status} {says}".strip()
