"""What the file may not say of other trust domains."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from keystead.app.convergence.trust import trust_records
from keystead.app.settings import load_settings
from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import generate
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer

GITHUB = {
    "name": "github-deploy",
    "issuer": "https://token.actions.githubusercontent.com",
    "discovery": True,
    "algorithms": ["RS256"],
    "conditions": [{"claim": "repository_id", "equals": "4711"}, {"claim": "ref", "equals": "refs/heads/main"}],
    "workload": "deployer",
}


def load(tmp_path: Path, entry: dict[str, object], partner: dict[str, object] | None = None):  # type: ignore[no-untyped-def]  # the settings
    """Load a file with one trusted issuer."""
    file = tmp_path / "keystead.yaml"
    realm = {
        "clients": [
            {"client_id": "web", "client_secret": "a secret of some length", "redirect_uris": ["https://app.test/cb"]}
        ],
        "workloads": [{"name": "deployer"}],
        "trusted_issuers": [entry],
        "partner_servers": [partner] if partner else [],
    }
    file.write_text(yaml.safe_dump({"server": {"base_url": "http://localhost:8080"}, "realms": {"acme": realm}}))
    return load_settings(file)


def test_a_sound_entry_becomes_a_record(tmp_path: Path) -> None:
    partner: dict[str, object] = {"issuer": "https://chat.test", "clients": {"web": "abc"}, "scopes": ["chat.read"]}
    settings = load(tmp_path, GITHUB, partner)
    trusted, other = trust_records("acme", settings.realms["acme"])
    assert isinstance(trusted, TrustedIssuer)
    assert isinstance(other, PartnerServer)
    assert (trusted.id, trusted.issuer, trusted.workload) == ("github-deploy", GITHUB["issuer"], "deployer")
    assert [condition.claim for condition in trusted.conditions] == ["repository_id", "ref"]
    assert (other.id, other.clients) == ("https://chat.test", {"web": "abc"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"issuer": "http://localhost:8080/realms/acme"}, "that is this realm itself"),
        ({"conditions": []}, "danger_accept_every_subject"),
        ({"conditions": [{"claim": "sub"}]}, "a condition names a `claim`"),
        ({"conditions": [{"claim": "sub", "equals": "a", "prefix": "a"}]}, "a condition names a `claim`"),
        ({"conditions": [{"claim": "sub", "glob": "**"}]}, "nothing but stars"),
        ({"conditions": [{"claim": "sub", "matches": "a"}]}, "unknown key"),
        ({"discovery": False}, "say where its keys are"),
        ({"jwks_uri": "https://a.test/jwks"}, "say where its keys are"),
        ({"issuer": "http://ci.test"}, "discovery needs an issuer"),
        ({"discovery": False, "jwks_uri": "http://ci.test/jwks"}, "`jwks_uri` is an https URL"),
        ({"algorithms": ["HS256"]}, "write `algorithms` from"),
        ({"algorithms": ["none"]}, "write `algorithms` from"),
        ({"maximum_lifetime": 0}, "`maximum_lifetime`"),
        ({"workload": ""}, "say whom it speaks for"),
        ({"client": "web"}, "say whom it speaks for"),
        ({"workload": "", "client": "web"}, "token_endpoint_auth_method: trusted_issuer"),
        ({"workload": "nobody"}, "there is no workload"),
        ({"workload": "", "account": {"claim": "sub"}}, "`clients` names the clients"),
        ({"workload": "", "account": {"claim": "sub"}, "clients": ["nobody"]}, "`clients` names the clients"),
        ({"workload": "", "account": {"matches": "name"}, "clients": ["web"]}, "write `matches`"),
        ({"id_jag": True}, "an ID-JAG is about a person"),
        ({"discovery": False, "jwks": {"keys": []}}, "holds no key"),
        ({"discovery": False, "jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "private or symmetric"),
    ],
)
def test_what_is_unsound_refuses_to_start(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path, GITHUB | changes)


def test_trust_without_conditions_is_possible_and_named_a_danger(tmp_path: Path) -> None:
    key = generate("ES256").public().jwk()
    entry = {"discovery": False, "jwks": {"keys": [key]}, "algorithms": ["ES256"]}
    load(tmp_path, GITHUB | entry | {"conditions": [], "danger_accept_every_subject": True})


@pytest.mark.parametrize(
    ("partner", "words"),
    [
        ({"issuer": "http://chat.test", "clients": {"web": "abc"}}, "https URL"),
        ({"issuer": "https://chat.test"}, "`clients` names clients"),
        ({"issuer": "https://chat.test", "clients": {"nobody": "abc"}}, "nobody"),
        ({"issuer": "https://chat.test", "clients": {"web": "abc"}, "formats": ["saml"]}, "write `formats`"),
    ],
)
def test_unsound_partners_refuse_to_start(tmp_path: Path, partner: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load(tmp_path, GITHUB, partner)
