"""`keystead test`: the checks and tests of a clone, one command, the same everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

CHROMIUM_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
APACHE_MODULE: Final = Path("/usr/lib/apache2/modules/mod_auth_openidc.so")
FAILED_VARIABLE: Final = "KEYSTEAD_FAILED_CHECKS"
MISSING_VARIABLE: Final = "KEYSTEAD_MISSING"
_PATHS: Final = ("src", "tests", "benchmarks", "examples", "keystead")
_SHOWN_CHARACTERS: Final = 20_000


@click.command("test", context_settings={"ignore_unknown_options": True})
@click.option("--all", "everything", is_flag=True, help="Also the slow ones: long storms, whole matrices.")
@click.option("--no-checks", is_flag=True, help="Only pytest, without ruff, mypy and the import contracts.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(everything: bool, no_checks: bool, arguments: tuple[str, ...]) -> None:
    """Run the tests of a clone: ruff, mypy --strict, the import contracts, then pytest on two processes.

    ARGUMENTS go to pytest; with any, the checks are left out: `./keystead test tests/attack -k replay`.
    What cannot run here (no Chromium, no PostgreSQL) is said before and after. The last line is pytest's own.
    """
    root = clone_root()
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    failed = [] if arguments or no_checks else run_checks(root, environment)
    environment[FAILED_VARIABLE] = ", ".join(failed)
    if not arguments:
        environment[MISSING_VARIABLE] = ", ".join(filter(None, (bring_chromium(), bring_postgres(), bring_apache())))
    chosen = [] if everything or arguments else ["-m", "not slow"]
    parallel = [] if any(argument.startswith("-n") for argument in arguments) else ["-n", "2", "--dist", "worksteal"]
    sys.stdout.flush()
    pytest = [sys.executable, "-m", "pytest", *chosen, *parallel, *arguments]
    code = subprocess.run(pytest, cwd=root, env=environment, check=False).returncode  # noqa: S603 - our own command
    sys.exit(code or (1 if failed else 0))


def clone_root() -> Path:
    """Return the clone this runs in. Raises: ClickException when it is an installed release."""
    root = Path(os.environ.get("KEYSTEAD_CLONE", Path.cwd()))
    if not (root / "tests" / "conftest.py").exists() or not (root / "pyproject.toml").exists():
        raise click.ClickException("this needs a clone of the repository: run `./keystead test` in its root")
    return root


def run_checks(root: Path, environment: dict[str, str]) -> list[str]:
    """Run every check, two at a time, print each result, and return the names of those that failed."""
    paths = [path for path in _PATHS if (root / path).exists()]
    checks = {
        "mypy --strict": ["mypy"],
        "ruff check": ["ruff", "check", "--quiet", *paths],
        "ruff format": ["ruff", "format", "--check", "--quiet", *paths],
        "import contracts": ["lint-imports", "--no-cache"],
    }
    click.echo(f"checks: {', '.join(checks)}")
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda name: _run_check(name, checks[name], root, environment), checks)
        return [name for name, passed in zip(checks, results, strict=True) if not passed]


def _run_check(name: str, arguments: list[str], root: Path, environment: dict[str, str]) -> bool:
    began = time.monotonic()
    program = str(Path(sys.executable).parent / arguments[0])
    done = subprocess.run(  # noqa: S603 - our own command
        [program, *arguments[1:]], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    passed = done.returncode == 0
    click.echo(f"  {name}: {'ok' if passed else 'FAILED'} ({time.monotonic() - began:.1f} s)")
    if not passed:
        click.echo((done.stdout + done.stderr)[-_SHOWN_CHARACTERS:])
    return passed


def bring_chromium() -> str:
    """Look for Chromium and install Debian's where that is allowed. Returns what to say when there is none."""
    # libatomic1: the program that drives it needs that library, which a bare Debian lacks.
    if _can_be_driven() or (_install("chromium", "Chromium", "browser tests", "libatomic1") and find_chromium()):
        return ""
    click.echo("NO CHROMIUM HERE: the browser tests WILL NOT RUN. Install it (apt install chromium) to run them.")
    return "Chromium"


def bring_postgres() -> str:
    """Look for a PostgreSQL server and install Debian's where that is allowed. Returns what to say if there is none."""
    if find_postgres() or (_install("postgresql", "PostgreSQL", "database tests") and find_postgres()):
        return ""
    click.echo("NO POSTGRESQL HERE: its tests WILL NOT RUN. Install it (apt install postgresql) to run them.")
    return "PostgreSQL"


def bring_apache() -> str:
    """Look for Apache's OpenID Connect module and install Debian's where that is allowed. Returns what is missing."""
    name = "Apache with mod_auth_openidc"
    if APACHE_MODULE.exists() or (
        _install("libapache2-mod-auth-openidc", name, "client tests") and APACHE_MODULE.exists()
    ):
        return ""
    click.echo("NO MOD_AUTH_OPENIDC HERE: its test WILL NOT RUN. apt install libapache2-mod-auth-openidc to run it.")
    return name


def _can_be_driven() -> bool:
    """Whether Chromium is here, and the program that drives it for the tests starts."""
    found = find_spec("playwright")
    driver = Path(found.origin or "").parent / "driver" / "node" if found is not None else Path()
    try:
        started = subprocess.run([driver, "--version"], check=False, capture_output=True)  # noqa: S603
    except OSError:
        return False
    return bool(find_chromium()) and started.returncode == 0


def _install(package: str, name: str, tests: str, *more: str) -> bool:
    """Install packages of Debian's. Answer: whether that was tried."""
    if not (hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get")):
        return False
    click.echo(f"installing {name} from Debian's packages for the {tests} ...")
    for step in (["update"], ["install", "--yes", "--no-install-recommends", package, *more]):
        arguments = ["apt-get", "--quiet", "--quiet", *step]
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(arguments, env=quiet, check=False, stdout=subprocess.DEVNULL)  # noqa: S603
    return True


def find_postgres() -> str:
    """Return the directory of PostgreSQL's programs, or nothing. `KEYSTEAD_POSTGRES_BIN` names another."""
    named = os.environ.get("KEYSTEAD_POSTGRES_BIN", "")
    if named:
        return named if (Path(named) / "postgres").exists() else ""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    inside = shutil.which("postgres")
    return next((str(path.parent) for path in [*reversed(found), *([Path(inside)] if inside else [])]), "")


def find_chromium() -> str:
    """Return the path of Chromium, or nothing. `KEYSTEAD_CHROMIUM` names another."""
    named = os.environ.get("KEYSTEAD_CHROMIUM", "")
    return named or next((found for name in CHROMIUM_NAMES if (found := shutil.which(name))), "")
