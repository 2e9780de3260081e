"""What the file may not say of a client's grants: a word nobody serves would only be noticed at the first request."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from keystead.app.settings import load_settings
from keystead.core.errors import ConfigurationError

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CIBA = "urn:openid:params:grant-type:ciba"
SECRET = "a secret of some length"


def load(tmp_path: Path, **client: object) -> None:
    """Load a file with one client."""
    file = tmp_path / "keystead.yaml"
    entry = {"client_id": "batch", **client}
    document = {"server": {"base_url": "http://localhost:8080"}, "realms": {"acme": {"clients": [entry]}}}
    file.write_text(yaml.safe_dump(document))
    load_settings(file)


@pytest.mark.parametrize(
    ("grant", "words"),
    [
        ("password", "the grant `password` is not served: use authorization_code with PKCE"),
        ("implicit", "the grant `implicit` is not served: use authorization_code with PKCE"),
        ("device_code", f"there is no grant `device_code`; did you mean `{DEVICE}`"),
        ("token-exchange", f"there is no grant `token-exchange`; did you mean `{EXCHANGE}`"),
        ("ciba", f"there is no grant `ciba`; did you mean `{CIBA}`"),
        ("client_credential", "there is no grant `client_credential`; did you mean `client_credentials`"),
        ("magic", "there is no grant `magic`; write one of authorization_code, client_credentials, "),
    ],
)
def test_a_grant_nobody_serves_refuses_to_start(tmp_path: Path, grant: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, client_secret=SECRET, grant_types=[grant])
    assert words in str(refused.value)


@pytest.mark.parametrize("grant", ["client_credentials", EXCHANGE, CIBA])
def test_a_client_that_proves_nothing_gets_no_grant_that_needs_proof(tmp_path: Path, grant: str) -> None:
    load(tmp_path, client_secret=SECRET, grant_types=[grant])
    with pytest.raises(ConfigurationError, match="needs a client that proves itself: give it a `client_secret`"):
        load(tmp_path, grant_types=[grant])
    with pytest.raises(ConfigurationError, match="needs a client that proves itself"):
        load(tmp_path, grant_types=[grant], token_endpoint_auth_method="none")


def test_an_unknown_method_is_said_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, client_secret=SECRET, token_endpoint_auth_method="client_secret", grant_types=["refresh_token"])
    assert "write one of client_secret_basic" in str(refused.value)
    assert "remove one of the two" not in str(refused.value)
