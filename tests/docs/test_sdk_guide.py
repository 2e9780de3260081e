"""The guide on OpenFGA's SDKs, done as it says: the id from `keystead apply`, and the program as it stands."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

from tests.docs.test_tutorial import free_port, wait_for

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "log-an-openfga-sdk-in.md"
FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```', re.MULTILINE | re.DOTALL)
STORE = """
authz:
  stores:
    shop:
      realm: acme
      default: true
      model: |
        model
          schema 1.1
        type user
        type order
          relations
            define viewer: [user]
"""


def test_the_program_of_the_guide_asks_the_store_that_apply_named(tmp_path: Path) -> None:
    port, files = free_port(), dict(FILE.findall(GUIDE.read_text("utf-8")))
    here = f"http://localhost:{port}"
    settings = files["keystead.yaml"].replace("https://id.acme.example", here).replace("8080", str(port)) + STORE
    (tmp_path / "keystead.yaml").write_text(settings, "utf-8")
    environment = {**os.environ, "ORDERS_SECRET": secrets.token_urlsafe(32)}
    keystead = [sys.executable, "-m", "keystead.cli.main"]
    applied = subprocess.run(
        [*keystead, "apply"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    named = re.search(r"authorization_store (\w{26}) shop$", applied.stdout, re.MULTILINE)
    assert named is not None, applied.stdout
    program = files["sdk.py"].replace("https://id.acme.example", here)
    program = re.sub(r'store_id="\w{26}"', f'store_id="{named[1]}"', program)
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([*keystead, "serve"], cwd=tmp_path, env=environment, stdout=quiet, stderr=quiet)
    try:
        wait_for(f"http://127.0.0.1:{port}/realms/acme/jwks")
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
    finally:
        server.terminate()
        server.wait(10)
