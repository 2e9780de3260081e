"""A browser without a screen: follows redirects, keeps cookies, fills in forms by the ids people's tools rely on.

It drives whatever `Wire` it is given: an issuer in this process, or one behind real HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

from keystead.core.errors import OAuthError
from keystead.core.http import Headers, Request
from keystead.core.trace import new_trace
from keystead.oauth.errors import error_reply
from tests.issuer import Issuer, every_endpoint

FORM = b"application/x-www-form-urlencoded"


@dataclass
class Page:
    """What came back for one request."""

    url: str
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def location(self) -> str:
        """Where it redirects, empty when it does not."""
        return self.header("location")

    @property
    def answer(self) -> dict[str, str]:
        """The parameters in the query of the redirect, each of which must be there once."""
        found = parse_qs(urlsplit(self.location).query, keep_blank_values=True)
        assert all(len(values) == 1 for values in found.values()), found
        return {name: values[0] for name, values in found.items()}

    @property
    def forms(self) -> list[Form]:
        """The forms on the page."""
        reader = _FormReader()
        reader.feed(self.text)
        return reader.forms

    @property
    def alert(self) -> str:
        """The text of the element with role="alert", empty when there is none."""
        reader = _AlertReader()
        reader.feed(self.text)
        return " ".join("".join(reader.heard).split())

    def header(self, name: str) -> str:
        """The only value of a header, empty when it is absent."""
        values = [value.decode() for key, value in self.headers if key.decode().lower() == name]
        assert len(values) < 2, values
        return values[0] if values else ""

    def form_with(self, id: str) -> Form:
        """The form that holds the element with this id."""
        return next(form for form in self.forms if id in form.ids)

    def has(self, id: str) -> bool:
        """Whether an element of some form has this id."""
        return any(id in form.ids for form in self.forms)


@dataclass
class Form:
    """One form: where it goes, its fields, and which name and value each button or input id stands for."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    ids: dict[str, tuple[str, str]] = field(default_factory=dict)


Wire = Callable[[str, str, Headers, bytes], Awaitable[Page]]
"""Sends one request (method, url, headers, body)."""


class Browser:
    """One person's browser. `jar` holds cookies by host."""

    def __init__(self, wire: Wire, *, home: str) -> None:
        self.wire = wire
        self.home = home
        self.jar: dict[str, str] = {}
        self.seen: list[Page] = []

    async def get(self, url: str, *, follow: bool = True, headers: Headers = ()) -> Page:
        """Visit a URL and follow redirects for as long as they stay at home."""
        return await self._go("GET", url, (), b"", follow=follow, more=headers)

    async def post(
        self,
        url: str,
        fields: Mapping[str, str],
        *,
        follow: bool = True,
        site: str = "same-origin",
        headers: Headers = (),
    ) -> Page:
        """Post a form, as from a page of the same origin unless told otherwise."""
        told: Headers = ((b"content-type", FORM), *(((b"sec-fetch-site", site.encode()),) if site else ()))
        return await self._go("POST", url, told, urlencode(fields).encode(), follow=follow, more=headers)

    async def press(self, page: Page, id: str, *, follow: bool = True, **values: str) -> Page:
        """Fill in the form that holds a button, and press it."""
        form = page.form_with(id)
        name, value = form.ids[id]
        fields = {**form.fields, **values, **({name: value} if name else {})}
        return await self.post(urljoin(page.url, form.action), fields, follow=follow)

    async def _go(self, method: str, url: str, headers: Headers, body: bytes, *, follow: bool, more: Headers) -> Page:
        url = urljoin(self.home, url)
        for _ in range(12):
            cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items()).encode()
            sent = (*headers, *more, *(((b"cookie", cookies),) if cookies else ()))
            page = await self.wire(method, url, sent, body)
            self.seen.append(page)
            self._keep(page)
            target = urljoin(url, page.location) if page.location else ""
            if not follow or not target or urlsplit(target).netloc != urlsplit(self.home).netloc:
                return page
            assert page.status == 303, page.status
            method, url, headers, body = "GET", target, (), b""
        raise AssertionError("too many redirects")

    def _keep(self, page: Page) -> None:
        for key, value in page.headers:
            if key.lower() == b"set-cookie":
                pair, *attributes = (part.strip() for part in value.decode().split(";"))
                name, _, text = pair.partition("=")
                if "Max-Age=0" in attributes:
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = text


def in_process(issuer: Issuer, address: str = "192.0.2.1") -> Wire:
    """Return a wire to an issuer in this process."""

    async def send(method: str, url: str, headers: Headers, body: bytes) -> Page:
        parts = urlsplit(url)
        prefix = f"/realms/{issuer.realm}/"
        assert parts.path.startswith(prefix), url
        endpoint = every_endpoint()[parts.path.removeprefix(prefix)]
        request = Request(
            method=method,
            path=parts.path,
            query=parts.query.encode(),
            headers=headers,
            body=body,
            now=issuer.now,
            trace=new_trace(),
            realm=issuer.realm,
            client_address=address,
        )
        if method not in endpoint.methods:
            return Page(url, 405, (), b"")
        try:
            reply = await endpoint.handle(request, issuer.cx)
        except OAuthError as error:
            reply = error_reply(error)
        return Page(url, reply.status, reply.headers, reply.body)

    return send


class _FormReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(have.get("action", ""), have.get("method", "get")))
        elif self.forms and tag in ("input", "button"):
            form, name, value = self.forms[-1], have.get("name", ""), have.get("value", "")
            if tag == "input" and name:
                form.fields[name] = value
            if "id" in have:
                form.ids[have["id"]] = (name if tag == "button" else "", value)


class _AlertReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self._tag = ""
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._depth and ("role", "alert") in attrs:
            self._tag, self._depth = tag, 1
        elif self._depth and tag == self._tag:
            self._depth += 1

    def handle_endtag(self, tag: str) -> None:
        if self._depth and tag == self._tag:
            self._depth -= 1

    def handle_data(self, data: str) -> None:
        if self._depth:
            self.heard.append(data)
