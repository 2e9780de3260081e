"""Serves the X-ray page on a loopback port of its own. Read-only, no cookies, no forms."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from keystead.demo.xray.hops import Action, kind_label, picture
from keystead.demo.xray.lines import BACKGROUND, Traces

HERE = Path(__file__).parent
STATIC = {"xray.css": "text/css", "xray.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
LISTED = 14
MAP = (
    ("browser", 80, 150),
    ("gateway", 270, 150),
    ("issuer", 270, 40),
    ("agent", 480, 40),
    ("catalog", 690, 45),
    ("orders", 480, 195),
    ("inventory", 690, 130),
    ("bus", 690, 215),
    ("billing", 880, 215),
)


class XRay:
    """The page and its data."""

    def __init__(self, traces: Traces, shop_url: str) -> None:
        self.traces = traces
        self.shop_url = shop_url
        loader = FileSystemLoader(HERE / "templates")
        self._templates = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self._templates.filters["kind_label"] = kind_label
        self._templates.filters["name"] = traces.name_of

    def actions(self) -> list[Action]:
        """Return the last actions, newest first, leaving out what nobody did (page files, background work)."""
        recent = (picture(trace_id, self.traces) for trace_id, _ in self.traces.recent() if trace_id != BACKGROUND)
        return [action for action in recent if action and not _is_page_file(action)][:LISTED]

    def page(self, wanted: str) -> bytes:
        """Return the page for one trace, or for the newest action."""
        actions = self.actions()
        shown = next((action for action in actions if action.trace_id == wanted), None)
        if shown is None:
            shown = _most_telling(actions)
        template = self._templates.get_template("page.html")
        return template.render(
            actions=actions, shown=shown, nodes=MAP, shop_url=self.shop_url, wires=wires(shown)
        ).encode()

    def newest(self) -> bytes:
        """Return what the script polls: the ids on the page and how many hops the newest has."""
        return msgspec.json.encode([[action.trace_id, len(action.hops)] for action in self.actions()[:3]])


def wires(action: Action | None) -> list[tuple[str, int, int, int, int, bool]]:
    """Return the lit wires of the map: a key, the two ends, and whether all on it was allowed."""
    places = {name: (x, y) for name, x, y in MAP}
    lit: dict[tuple[str, str], bool] = {}
    for hop in action.hops if action else ():
        if hop.source in places and hop.target in places and hop.source != hop.target:
            ends = (hop.source, hop.target)
            lit[ends] = lit.get(ends, True) and hop.allowed
    return [(f"{a}-{b}", *places[a], *places[b], allowed) for (a, b), allowed in lit.items()]


def _is_page_file(action: Action) -> bool:
    path = action.title.partition(" ")[2]
    return path.startswith("/assets/") or path == "/favicon.ico"


def _most_telling(actions: list[Action]) -> Action | None:
    """Return the newest action that crossed more than one wire: a list of invoices matters less than an order."""
    telling = (action for action in actions if len(action.hops) > 3 or not action.allowed)
    return next(telling, actions[0] if actions else None)


class _Handler(BaseHTTPRequestHandler):
    xray: XRay
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer the page, its two files and the poll."""
        url = urlsplit(self.path)
        if url.path == "/":
            wanted = parse_qs(url.query).get("trace", [""])[0]
            return self._answer(200, "text/html; charset=utf-8", self.xray.page(wanted))
        if url.path == "/newest":
            return self._answer(200, "application/json", self.xray.newest())
        name = url.path.removeprefix("/")
        if name in STATIC:
            return self._answer(200, STATIC[name], (HERE / "static" / name).read_bytes())
        return self._answer(404, "text/plain", b"nothing here; the page is at /\n")

    def _answer(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": media_type, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing: the demo's terminal belongs to the story."""


def serve_xray(xray: XRay, port: int) -> ThreadingHTTPServer:
    """Start the page's server on its own thread and return it."""
    handler = type("Handler", (_Handler,), {"xray": xray})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="xray", daemon=True).start()
    return server
