"""What the file may not say of clients that ask on the back channel."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from keystead.app.settings import load_settings
from keystead.core.errors import ConfigurationError

CIBA = "urn:openid:params:grant-type:ciba"
GOOD: dict[str, object] = {
    "client_id": "counter",
    "client_secret": "a secret of some length",
    "grant_types": [CIBA],
    "scope": "openid",
}


def load(tmp_path: Path, client: dict[str, object], realm: dict[str, object]) -> None:
    """Load a file with one client."""
    file = tmp_path / "keystead.yaml"
    document = {"server": {"base_url": "http://localhost:8080"}, "realms": {"acme": {"clients": [client], **realm}}}
    file.write_text(yaml.safe_dump(document))
    load_settings(file)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"backchannel_token_delivery_mode": "pigeon"}, "write `backchannel_token_delivery_mode`"),
        ({"backchannel_token_delivery_mode": "ping"}, "the mode ping needs"),
        (
            {"backchannel_token_delivery_mode": "push", "backchannel_client_notification_endpoint": "http://a.test/"},
            "the mode push needs",
        ),
        ({"backchannel_client_notification_endpoint": "https://a.test/"}, "for the modes ping and push"),
        ({"backchannel_authentication_request_signing_alg": "HS256"}, "signing_alg"),
        ({"backchannel_authentication_request_signing_alg": "PS256"}, "signed requests need"),
        (
            {
                "backchannel_token_delivery_mode": "push",
                "backchannel_client_notification_endpoint": "https://a.test/",
                "dpop_bound_access_tokens": True,
            },
            "cannot be pushed",
        ),
        ({"grant_types": ["client_credentials"], "backchannel_token_delivery_mode": "poll"}, "with the grant"),
    ],
)
def test_contradictions_refuse_to_start(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    load(tmp_path, GOOD, {})
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path, GOOD | changes, {})


@pytest.mark.parametrize(
    "realm",
    [
        {"backchannel_authentication_lifetime": 86_400},
        {"device_code_lifetime": 5},
        {"transaction_tokens": {"trust_domain": "shop.internal"}},
        {"transaction_tokens": {"trust_domain": "shop.internal", "from": ["nobody"]}},
        {"transaction_tokens": {"trust_domain": "shop.internal", "from": ["counter"], "lifetime": 3600}},
    ],
)
def test_unsound_realms_refuse_to_start(tmp_path: Path, realm: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        load(tmp_path, GOOD, realm)
