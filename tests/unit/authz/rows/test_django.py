"""Filters and views for Django, in a process of their own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.harness.postgres import schema_for

ROOT = Path(__file__).parents[4]


def databases(kind: str, folder: Path) -> dict[str, Any]:
    """Return Django's setting for an empty database."""
    if kind == "sqlite":
        return {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "shop.db")}}
    url = urlsplit(schema_for(str(folder)))
    options = {"options": f"-c search_path={url.query.partition('=')[2]} -c jit=off"}
    place = {"NAME": url.path[1:], "USER": url.username, "HOST": url.hostname, "PORT": url.port, "OPTIONS": options}
    return {"default": {"ENGINE": "django.db.backends.postgresql", **place}}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_filters_and_checks_agree(kind: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.authz.rows.django_shop", json.dumps(databases(kind, tmp_path))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
