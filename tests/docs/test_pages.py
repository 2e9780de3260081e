"""README and docs: every link leads somewhere, every program and settings file in them can be read, and is listed."""

from __future__ import annotations

import ast
import json
import re
import textwrap
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml

from keystead.app.gateway_process import complete
from keystead.app.settings import load_settings
from keystead.gateway.routes import compile_routes
from tests.certificates import holder
from tests.client_requests import jwks

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TITLED = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
SECTIONS = {"server", "realms", "clients", "gateway", "bus", "agent", "authz"}
GATEWAY = """\
client_id: shop
client_secret: correct horse battery staple
issuer: https://id.acme.example/realms/acme
public_url: https://shop.acme.example
"""
ELSEWHERE = ("https://", "http://", "mailto:")


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings make."""
    headings = HEADING.findall(FENCE.sub("", page.read_text()))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{page.name}: {link} leaves the repository"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {target.name} has no heading for #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_program_and_settings_file_can_be_read(page: Path) -> None:
    for language, text in FENCE.findall(page.read_text()):
        if language == "python":
            compile(text, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
        elif language == "yaml":
            said = yaml.safe_load(text)
            assert said is not None, f"{page.name}: an empty YAML block"


def test_the_index_lists_every_page() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / link).resolve() for link in LINK.findall(index.read_text()) if not link.startswith(ELSEWHERE)}
    listed |= {index, *(page for folder in listed if folder.is_dir() for page in folder.glob("*.md"))}
    missing = [str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if page not in listed]
    assert not missing, f"docs/README.md does not list {missing}"


def settings_blocks() -> list[tuple[str, int, str]]:
    """Return every block of settings in README and docs: page, number on the page, text."""
    blocks = []
    for page in PAGES:
        texts = [text for language, text in FENCE.findall(page.read_text()) if language == "yaml"]
        numbered = [(number, text) for number, text in enumerate(texts) if set(yaml.safe_load(text)) <= SECTIONS]
        blocks += [(str(page.relative_to(ROOT)), number, text) for number, text in numbered]
    return blocks


@pytest.mark.parametrize(
    ("page", "number", "text"), settings_blocks(), ids=lambda value: str(value)[:40].split("\n")[0]
)
def test_settings_in_the_docs_start_as_they_stand(
    page: str, number: int, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in re.findall(r"\$\{([A-Z_]+)\}", text):
        monkeypatch.setenv(name, f"correct horse battery {name}")
    (tmp_path / "node-1.json").write_text(json.dumps(jwks("ES256")))
    (tmp_path / "partners-ca.pem").write_text(holder("partners").pem)
    for name, body in TITLED.findall((ROOT / page).read_text()):
        (tmp_path / name).write_text(body)  # a model, say, that the settings name
    path = tmp_path / "keystead.yaml"
    path.write_text(completed(text))
    settings = load_settings(path)
    if settings.gateway is not None:
        whole = complete(settings)
        assert list(compile_routes(whole.routes, whole.limits)) or "routes" not in text


def completed(text: str) -> str:
    """Add what a page leaves out as its reader has it: the realm around clients, server, the gateway's own name."""
    said = yaml.safe_load(text)
    if "clients" in said:
        text = "realms:\n  acme:\n" + textwrap.indent(text, "    ")
    if "gateway" in said and "client_id" not in said["gateway"]:
        text = text.replace("gateway:\n", "gateway:\n" + textwrap.indent(GATEWAY, "  "))
    return text if "server" in said else f"server: {{base_url: https://id.acme.example}}\n{text}"


async def test_the_programs_of_the_guide_refuse_who_shows_no_token() -> None:
    text = (DOCS / "guides" / "protect-a-service.md").read_text()
    programs = {name: run_program(source) for name, source in TITLED.findall(text)}
    for name in ("orders.py", "asgi_service.py"):
        transport = httpx2.ASGITransport(app=programs[name]["app"])
        async with httpx2.AsyncClient(transport=transport, base_url="http://orders") as client:
            assert (await client.get("/orders")).status_code == 401
    status: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/orders"}
    programs["wsgi_service.py"]["app"](environ, lambda line, headers: status.append(line))
    assert status == ["401 Unauthorized"]
    assert callable(programs["call_on.py"]["reserve"])


def run_program(source: str) -> dict[str, Any]:
    """Run a program of the guide as a module, and return what it defines."""
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(source, "guide", "exec", dont_inherit=True), names)
    return names
