"""Somebody at a browser, without the browser: keeps cookies per host, fills forms, follows redirects."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin, urlsplit

import httpx2

NAVIGATION = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
    "Accept": "text/html",
}
MAX_REDIRECTS = 12


class Form:
    """One form of a page: where it goes, what it carries, and its buttons by id."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.fields: dict[str, str] = {}
        self.buttons: dict[str, tuple[str, str]] = {}


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.refresh = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append(Form(values.get("action", ""), values.get("method", "get")))
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            self.refresh = values.get("content", "").partition("url=")[2].strip("'\"")
        elif (
            self.forms
            and tag in ("input", "button")
            and values.get("type") in ("submit", None if tag == "input" else "submit")
        ) or (self.forms and tag == "button"):
            self.forms[-1].buttons[values.get("id", "")] = (values.get("name", ""), values.get("value", ""))
        elif self.forms and tag == "input" and values.get("name"):
            self.forms[-1].fields[values["name"]] = values.get("value", "")


class Person:
    """A browser's manners over plain HTTP. Cookies are kept by host, as browsers do, whatever the port."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.cookies: dict[str, dict[str, str]] = {}
        self.url = ""
        self.answer: httpx2.Response | None = None

    def request(
        self, method: str, url: str, *, headers: dict[str, str] | None = None, content: bytes | str | None = None
    ) -> httpx2.Response:
        """Send one request with this person's cookies, and keep what comes back. Redirects are not followed."""
        jar = self.cookies.setdefault(urlsplit(url).hostname or "", {})
        sent = dict(headers or {})
        if jar:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        answer = self.http.request(method, url, headers=sent, content=content, follow_redirects=False)
        self.http.cookies.clear()  # this jar is shared by everybody; ours is not
        for line in answer.headers.get_list("set-cookie"):
            _keep(jar, line)
        return answer

    def visit(self, url: str, *, until: str = "") -> httpx2.Response:
        """Navigate, following redirects and meta refresh, stopping short of a URL that starts with `until`."""
        answer = self.request("GET", url, headers=NAVIGATION)
        return self._follow(url, answer, until)

    def submit(self, button: str, values: dict[str, str] | None = None, *, until: str = "") -> httpx2.Response:
        """Press a button of the current page by its id, with fields filled in by name."""
        form = self.form_with(button)
        name, value = form.buttons[button]
        fields = {**form.fields, **(values or {})}
        if name:
            fields[name] = value
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        headers = {**NAVIGATION, "Content-Type": "application/x-www-form-urlencoded", "Origin": origin}
        target = urljoin(self.url, form.action)
        answer = self.request(form.method.upper(), target, headers=headers, content=urlencode(fields))
        return self._follow(target, answer, until)

    def form_with(self, button: str) -> Form:
        """Return the form of the current page that has a button with this id."""
        forms = self._parsed().forms
        for form in forms:
            if button in form.buttons:
                return form
        raise AssertionError(f"no button with id {button!r} on {self.url}")

    def has(self, button: str) -> bool:
        """Whether the current page has a button with this id."""
        return any(button in form.buttons for form in self._parsed().forms)

    def cookie_names(self, host: str) -> set[str]:
        """Return the names of the cookies a host has set."""
        return set(self.cookies.get(host, {}))

    def _parsed(self) -> _Forms:
        parser = _Forms()
        parser.feed(self.answer.text if self.answer is not None else "")
        return parser

    def _follow(self, url: str, answer: httpx2.Response, until: str) -> httpx2.Response:
        for _ in range(MAX_REDIRECTS):
            self.url, self.answer = url, answer
            target = answer.headers.get("location", "") if answer.is_redirect else self._parsed().refresh
            if not target:
                return answer
            url = urljoin(url, target)
            if until and url.startswith(until):
                self.url = url
                return answer
            answer = self.request("GET", url, headers=NAVIGATION)
        raise AssertionError(f"more than {MAX_REDIRECTS} redirects, last to {url}")


def _keep(jar: dict[str, str], line: str) -> None:
    pair, _, attributes = line.partition(";")
    name, _, value = pair.strip().partition("=")
    lowered = attributes.lower().replace(" ", "")
    if not value or "max-age=0" in lowered:
        jar.pop(name, None)
    else:
        jar[name] = value
