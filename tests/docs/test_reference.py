"""The reference is complete and not behind the code."""

from __future__ import annotations

import ast
import inspect
import os
import re
from pathlib import Path

import pytest

from keystead.api.openfga.table import ENDPOINTS
from keystead.cli.main import COMMANDS
from keystead.cli.reference import PAGES
from keystead.cli.reference.reasons import oauth_errors, slugs
from keystead.cli.reference.settings import sections, settings_of

ROOT = Path(__file__).parents[2]
SLUG = re.compile(r"authz\.[a-z_]+")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_a_generated_page_is_what_the_code_says(name: str) -> None:
    path = ROOT / "docs" / "reference" / name
    assert path.exists(), "run ./keystead docs and commit what it writes"
    assert path.read_text() == PAGES[name](ROOT), f"{name} is behind the code: run ./keystead docs and commit it"


def test_every_setting_says_what_it_means() -> None:
    silent = [
        f"{section}.{setting.key}"
        for section, struct in sections().items()
        for setting in settings_of(section, struct)
        if not setting.meaning and "section" not in setting.kind
    ]
    assert silent == [], "name each in backticks in the docstring of its struct"


def test_every_command_has_a_help_and_a_place_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    for name in COMMANDS:
        assert f"## keystead {name}\n" in page
        assert COMMANDS[name].endswith(".")


def test_every_error_code_and_reason_is_in_the_reference() -> None:
    page = (ROOT / "docs" / "reference" / "errors.md").read_text()
    for kind in oauth_errors():
        assert f"| `{kind.code}` |" in page
        assert inspect.getdoc(kind)
    found = slugs()
    assert len(found["reason"]) > 50
    assert {"client.without_keys", "certificate.unregistered", "delivery.given_up"} <= set(found["reason"])
    for kinds in found.values():
        for slug in kinds:
            assert f"| `{slug}` |" in page


def test_every_action_and_reason_of_authorization_is_found_however_it_is_told() -> None:
    found = slugs()
    told = {
        node.value
        for path in sorted((ROOT / "src" / "keystead").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SLUG.fullmatch(node.value)
    }
    assert told - {endpoint.name for endpoint in ENDPOINTS} - set(found["action"]) - set(found["reason"]) == set()
    assert {"authz.condition_missing", "authz.too_deep", "authz.admitted", "authz.written"} <= set(found["reason"])
    assert {"authz.batch_check", "authz.list_users"} <= set(found["action"])


def test_every_page_of_the_reference_is_generated_or_known() -> None:
    by_hand = {"README.md", "openfga-api.md"}
    there = set(os.listdir(ROOT / "docs" / "reference"))
    assert there - by_hand == set(PAGES)
