"""Debian's Apache with mod_auth_openidc, as this user, below a temporary directory, on a free loopback port."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

MODULES = Path("/usr/lib/apache2/modules")
PROGRAM = shutil.which("apache2") or "/usr/sbin/apache2"
SECONDS = 60.0

_CONFIGURATION = """\
ServerName localhost
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/apache.pid"
Listen 127.0.0.1:{port}
{user}
{modules}
ErrorLog "{folder}/error.log"
LogLevel warn auth_openidc:warn
DocumentRoot "{folder}/pages"
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCSSLValidateServer Off
OIDCClientID apache
OIDCClientSecret {secret}
OIDCProviderTokenEndpointAuth client_secret_basic
OIDCRedirectURI http://localhost:{port}/protected/callback
OIDCCryptoPassphrase {passphrase}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCRemoteUserClaim email
OIDCCookieSameSite On
OIDCRefreshAccessTokenBeforeExpiry 3600
OIDCPassIDTokenAs claims
<Location /protected>
  AuthType openid-connect
  Require valid-user
</Location>
"""
_NEEDED = ("mpm_event", "authn_core", "authz_core", "authz_user", "alias", "dir", "headers", "auth_openidc")


def require_apache() -> None:
    """Skip the test, loudly, where Apache or the module is not installed."""
    if not (MODULES / "mod_auth_openidc.so").exists() or not Path(PROGRAM).exists():
        pytest.skip("MOD_AUTH_OPENIDC DID NOT RUN: apt install apache2 libapache2-mod-auth-openidc")


@asynccontextmanager
async def running_apache(port: int, issuer: str, secret: str) -> AsyncIterator[str]:
    """Run Apache and give its origin. Its directory is not pytest's: that is for root alone, and Apache is not root."""
    folder = Path(tempfile.mkdtemp(prefix="keystead-apache-"))
    folder.chmod(0o755)
    page = folder / "pages" / "protected" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("this is protected")
    modules = [
        f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in _NEEDED if (MODULES / f"mod_{name}.so").exists()
    ]
    text = _CONFIGURATION.format(
        folder=folder,
        port=port,
        user=_unprivileged(folder) if os.geteuid() == 0 else "",
        modules="\n".join(modules),
        issuer=issuer,
        secret=secret,
        passphrase=os.urandom(16).hex(),
    )
    file = folder / "apache.conf"
    file.write_text(text)
    process = subprocess.Popen(
        [PROGRAM, "-X", "-f", str(file)], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        await _answers(process, f"http://localhost:{port}/", folder)
        yield f"http://localhost:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> str:
    """Let root's Apache serve as www-data."""
    account = pwd.getpwnam("www-data")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid)
    return f"User {account.pw_name}\nGroup www-data"


async def _answers(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    until = time.monotonic() + SECONDS
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(url):
                    return
            except aiohttp.ClientError:
                log = (folder / "error.log").read_text() if (folder / "error.log").exists() else ""
                assert process.poll() is None, f"Apache ended: {log}"
                assert time.monotonic() < until, f"Apache does not answer: {log}"
                await asyncio.sleep(0.05)
