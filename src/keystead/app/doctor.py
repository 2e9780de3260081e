"""What `keystead doctor` looks at: the file, its secrets, the database, the keys, and the running issuer.

Does not: change anything, or show a secret.
"""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec

from keystead.app.convergence import plan
from keystead.app.database import open_database
from keystead.app.issuer_process import issuer_configuration
from keystead.app.settings import Settings, load_settings
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.server_checks import is_loopback
from keystead.app.stores import sqlite_path
from keystead.core.errors import KeysteadError
from keystead.core.values import EpochSeconds
from keystead.oauth.keyring import StoreKeyRing
from keystead.storage.postgres.address import SCHEMES

_TIMEOUT: Final = 3.0


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at. `remedy` is what to do when it is not well."""

    state: Literal["ok", "note", "bad"]
    what: str
    remedy: str = ""


def examine(path: Path) -> Iterator[Finding]:
    """Look at everything the configuration file names."""
    try:
        settings = load_settings(path)
    except KeysteadError as error:
        yield Finding("bad", str(error), "mend the file; nothing else was looked at")
        return
    yield Finding("ok", f"{path}: {len(settings.realms)} realm(s)")
    yield from _look_at_file(path)
    if settings.server is None:
        return
    said: list[Finding] = []
    for look in (_look_at_exposure, _look_at_database, _look_at_keys, _look_at_difference, _look_at_issuer):
        fresh = [finding for finding in _guarded(look, settings, path) if finding not in said]
        said += fresh
        yield from fresh


Look = Callable[[Settings, Path], Iterator[Finding]]


def _guarded(look: Look, settings: Settings, path: Path) -> Iterator[Finding]:
    try:
        yield from look(settings, path)
    except KeysteadError as error:
        yield Finding("bad", str(error), "mend this first")


def _look_at_file(path: Path) -> Iterator[Finding]:
    text = path.read_text()
    plain = [
        number
        for number, line in enumerate(text.splitlines(), 1)
        for word in ("password:", "client_secret:")
        if word in line and "${" not in line and "file:" not in line
    ]
    if plain and stat.S_IMODE(path.stat().st_mode) & 0o077:
        lines = ", ".join(map(str, plain[:5])) + (", ..." if len(plain) > 5 else "")
        remedy = "write ${NAME} or file:PATH instead, or chmod 600 the file"
        yield Finding("bad", f"{path}: others can read secrets written in it (lines {lines})", remedy)


def _look_at_exposure(settings: Settings, path: Path) -> Iterator[Finding]:
    server = settings.server
    assert server is not None
    if server.danger_allow_http and not is_loopback(urlsplit(server.base_url).hostname or ""):
        yield Finding("bad", "danger_allow_http shows every secret to the network", "use https")
    management = urlsplit(f"//{server.management_listen}").hostname or ""
    if not server.management_listen:
        yield Finding("note", "no management port", "set server.management_listen to have health checks and metrics")
    elif not is_loopback(management):
        yield Finding("note", f"metrics answer on {management}", "let only your monitoring reach that address")
    for name, realm in settings.realms.items():
        if realm.registration.open:
            remedy = "hand out tokens instead: keystead registration new-token"
            yield Finding("note", f"realm {name}: anybody may register a client", remedy)
        if realm.registration.danger_vouch_for_open_registration:
            remedy = "take danger_vouch_for_open_registration out: then pages warn of such clients"
            yield Finding("bad", f"realm {name} vouches for clients of anybody", remedy)
        yield from _look_at_trust(name, realm)


def _look_at_trust(name: str, realm: RealmSettings) -> Iterator[Finding]:
    """Find what lets people in without their doing, or strangers without conditions."""
    if realm.danger_backchannel_test_decisions:
        remedy = "take danger_backchannel_test_decisions out: it is for conformance tests"
        yield Finding("bad", f"realm {name}: anybody may answer in people's place (CIBA)", remedy)
    for entry in realm.trusted_issuers:
        if entry.danger_accept_every_subject and not entry.conditions:
            remedy = "give it conditions on claims, and take danger_accept_every_subject out"
            yield Finding("bad", f"realm {name}: whoever {entry.issuer} names comes in as {entry.name}", remedy)


def _look_at_database(settings: Settings, path: Path) -> Iterator[Finding]:
    assert settings.server is not None
    url = settings.server.database
    if not url.startswith(SCHEMES):
        return
    if "@" in url and stat.S_IMODE(path.stat().st_mode) & 0o077 and _password(url) in path.read_text():
        yield Finding("bad", f"{path}: others can read the database password in it", "write ${NAME}, or chmod 600")
    from keystead.storage.postgres.checkup import check_up  # only who has PostgreSQL has its driver

    for remark in asyncio.run(check_up(url)):
        yield Finding(remark.state, remark.what, remark.remedy)


def _password(url: str) -> str:
    """Return the password of a URL; without one, something no file holds."""
    return urlsplit(url).password or "\0"


def _look_at_keys(settings: Settings, path: Path) -> Iterator[Finding]:
    configuration = issuer_configuration(settings, path)
    database = sqlite_path(configuration.database, configuration.directory)
    if database is not None and not database.exists():
        yield Finding("note", f"{database} is not there yet", "`keystead serve` makes it")
        return

    async def open_all() -> dict[str, str]:
        async with open_database(settings, path) as (store, sealer):
            ring = StoreKeyRing(store, sealer)
            now = EpochSeconds(int(time.time()))
            try:
                return {realm: (await ring.signer(realm, now)).algorithm for realm in settings.realms}
            except LookupError as error:
                raise KeysteadError(f"{error}; run `keystead apply`") from error

    for realm, algorithm in asyncio.run(open_all()).items():
        yield Finding("ok", f"realm {realm} signs with {algorithm}; the key-encryption key opens its keys")


def _look_at_difference(settings: Settings, path: Path) -> Iterator[Finding]:
    configuration = issuer_configuration(settings, path)
    database = sqlite_path(configuration.database, configuration.directory)
    if database is not None and not database.exists():
        return

    async def count() -> int:
        async with open_database(settings, path) as (store, sealer):
            return len(await plan(store, settings, sealer, EpochSeconds(int(time.time()))))

    changes = asyncio.run(count())
    if changes:
        yield Finding(
            "note", f"{changes} record(s) differ from the file", "`keystead plan` shows them, `apply` does it"
        )


def _look_at_issuer(settings: Settings, path: Path) -> Iterator[Finding]:
    assert settings.server is not None
    for realm in settings.realms:
        issuer = f"{settings.server.base_url}/realms/{realm}"
        url = f"{issuer}/.well-known/openid-configuration"
        try:
            with urlopen(url, timeout=_TIMEOUT) as reply:  # noqa: S310 - the operator's own base_url
                told = msgspec.json.decode(reply.read()).get("issuer")
        except (OSError, ValueError, msgspec.DecodeError) as error:
            remedy = "start `keystead serve`, or look at the proxy in front"
            yield Finding("note", f"{url} does not answer ({getattr(error, 'reason', error)})", remedy)
            continue
        if told == issuer:
            yield Finding("ok", f"{issuer} answers with its own name")
        else:
            yield Finding("bad", f"{url} says its issuer is {told}", "make server.base_url the public URL")
