"""The direction of dependencies, and that the SDK stays light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SERVER_MODULES = (
    *("keystead.app", "keystead.web", "keystead.api", "keystead.gateway", "keystead.oauth", "keystead.identity"),
    *("keystead.workload", "keystead.bus", "keystead.cli", "keystead.demo"),
    *("keystead.storage.sqlite", "keystead.storage.memory"),
    *("uvicorn", "aiohttp", "jinja2", "yaml", "click", "argon2", "sqlite3", "nats", "fastapi", "httpx2"),
    *("asyncpg", "psycopg", "sqlalchemy", "django", "flask", "starlette"),
)


def loaded_by(statement: str) -> set[str]:
    """Return the modules a fresh process has after a statement."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def brought_along(modules: set[str]) -> list[str]:
    """Return which modules of the server are among these."""
    return [name for name in SERVER_MODULES if name in modules]


def test_dependencies_point_one_way() -> None:
    program = str(Path(sys.executable).parent / "lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sdk_brings_no_server_along() -> None:
    assert brought_along(loaded_by("import keystead.sdk")) == []


def test_the_embedded_authorization_engine_brings_no_server_along() -> None:
    assert brought_along(loaded_by("import keystead.authz")) == []


def test_the_map_of_the_engine_shows_every_file() -> None:
    folder = ROOT / "src" / "keystead" / "authz" / "engine"
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    named = set(re.findall(r"`(\w+)`", told)) | {"column"}  # in the plural there
    assert sorted({path.stem for path in folder.glob("[a-z]*.py")} - named) == []


def test_the_core_brings_nothing_along() -> None:
    statement = "import keystead.core.tokens, keystead.core.forms, keystead.core.records.client"
    assert brought_along(loaded_by(statement)) == []
