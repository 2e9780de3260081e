"""What the standards demand of the issuer, line by line, and the test that holds it to each.

checklist.yaml is the source of docs/explanation/checklist.md: `python -m tests.conventions.checklist` writes it.
A test is named `FILE::FUNCTION`; an empty name is a demand that nothing here meets yet, and the page says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import yaml

PAGE: Final = Path("docs/explanation/checklist.md")


class Line(NamedTuple):
    """One demand, where it comes from, and the test."""

    demand: str
    source: str
    test: str


SOURCE: Final = Path(__file__).with_suffix(".yaml")


def lines() -> dict[str, list[Line]]:
    """Return the demands by section."""
    document: dict[str, list[dict[str, str]]] = yaml.safe_load(SOURCE.read_text())
    return {section: [Line(**line) for line in found] for section, found in document.items()}


def page() -> str:
    """Return the page."""
    parts = [
        "# What the standards demand, and the test for it",
        "",
        "For the issuer: the lines of OWASP ASVS 5.0 (ASVS), RFC 9700, RFC 8725, FAPI 2.0 (FAPI2) and NIST SP 800-63B",
        "(63B) that an authorization server is measured by. Each names the test that fails when it no longer holds.",
        "",
    ]
    for section, found in lines().items():
        parts += [f"## {section}", "", "| demand | source | test |", "|---|---|---|"]
        parts += [f"| {line.demand} | {line.source} | {_proof(line.test)} |" for line in found]
        parts.append("")
    return "\n".join(parts)


def _proof(test: str) -> str:
    return f"`{test.removeprefix('tests/')}`" if test else "not built yet"


if __name__ == "__main__":
    PAGE.write_text(page())
