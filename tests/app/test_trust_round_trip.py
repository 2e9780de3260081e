"""Trust in other issuers goes from the file to the store and back, and leaves with `--prune`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from keystead.app.convergence import apply
from keystead.app.convergence.exported import export_realm
from keystead.app.settings import Settings, load_settings
from keystead.core.records.trusted_issuer import PartnerServer, TrustedIssuer
from keystead.storage.ports import find
from tests.issuer import Issuer

REALM: dict[str, Any] = {
    "clients": [
        {"client_id": "web", "client_secret": "a secret of some length", "grant_types": ["client_credentials"]}
    ],
    "workloads": [{"name": "deployer"}],
    "transaction_tokens": {"trust_domain": "shop.internal", "from": ["web"]},
    "trusted_issuers": [
        {
            "name": "cluster",
            "issuer": "https://cluster.test",
            "jwks_uri": "https://cluster.test/jwks",
            "audience": "sts.acme.test",
            "workload": "deployer",
            "reusable": True,
            "conditions": [{"claim": ["kubernetes.io", "namespace"], "equals": "shop"}],
        },
        {
            "name": "people",
            "issuer": "https://login.test",
            "discovery": True,
            "account": {"claim": "email", "matches": "email"},
            "clients": ["web"],
            "danger_accept_every_subject": True,
        },
    ],
    "partner_servers": [{"issuer": "https://chat.test/", "clients": {"web": "abc"}, "scopes": ["chat.read"]}],
}


def settings_of(tmp_path: Path, realm: dict[str, Any]) -> Settings:
    """Load a file that holds this realm."""
    file = tmp_path / "keystead.yaml"
    file.write_text(yaml.safe_dump({"server": {"base_url": "http://localhost:8080"}, "realms": {"acme": realm}}))
    return load_settings(file)


async def test_what_was_applied_can_be_exported_and_applied_again(issuer: Issuer, tmp_path: Path) -> None:
    store, cx = issuer.store, issuer.cx
    await apply(store, settings_of(tmp_path, REALM), cx.sealer, cx.passwords, issuer.now)
    exported = await store.read(export_realm("acme", issuer.now))
    exported["clients"][0]["client_secret"] = "a secret of some length"
    again = settings_of(tmp_path, exported)
    assert again.realms["acme"].trusted_issuers == settings_of(tmp_path, REALM).realms["acme"].trusted_issuers
    assert await apply(store, again, cx.sealer, cx.passwords, issuer.now) == []


async def test_what_the_file_no_longer_names_goes_with_prune(issuer: Issuer, tmp_path: Path) -> None:
    store, cx = issuer.store, issuer.cx
    await apply(store, settings_of(tmp_path, REALM), cx.sealer, cx.passwords, issuer.now)
    bare = settings_of(tmp_path, {"clients": REALM["clients"], "workloads": REALM["workloads"]})
    await apply(store, bare, cx.sealer, cx.passwords, issuer.now)
    assert len(await store.read(find(TrustedIssuer, "acme", issuer.now))) == 2, "nothing is deleted unasked"
    await apply(store, bare, cx.sealer, cx.passwords, issuer.now, prune=True)
    assert await store.read(find(TrustedIssuer, "acme", issuer.now)) == []
    assert await store.read(find(PartnerServer, "acme", issuer.now)) == []
