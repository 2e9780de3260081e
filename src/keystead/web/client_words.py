"""What pages say and show of an application: its picture, its documents, and where it describes itself."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from keystead.core.records.client import Client
from keystead.core.records.registration import FROM_A_DOCUMENT
from keystead.core.uris import host_of, wrong_web_uri
from keystead.web.rendering import web_link


def client_facts(client: Client | None) -> dict[str, Any]:
    """Return the facts of a client for a template: `logo`, `links` and `described_at`, each empty where there is none.

    Spec: OpenID Connect Dynamic Client Registration section 2 (`logo_uri`, `policy_uri`, `tos_uri`).
    """
    if client is None:
        return {"logo": "", "links": [], "described_at": ""}
    documents = ((client.policy_uri, "Privacy policy"), (client.tos_uri, "Terms of service"))
    links = [web_link(href, text) for href, text in documents if href and not wrong_web_uri(href)]
    return {
        "logo": f"client-logo?client_id={quote(client.id, safe='')}" if client.logo_uri else "",
        "links": [link for link in links if link is not None],
        "described_at": host_of(client.id) if client.managed_by == FROM_A_DOCUMENT else "",
    }
