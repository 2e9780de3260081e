"""The configuration most tests start from: a shop, its APIs, two people; every secret random."""

from __future__ import annotations

import secrets
from typing import Any

CALLBACK = "https://app.test/cb"
CATALOG = "https://catalog.test"
ORDERS = "https://orders.test"
INVENTORY = "https://inventory.test"
REALM = "acme"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def new_secret() -> str:
    """Return a fresh secret."""
    return secrets.token_urlsafe(24)


def shop_configuration(base_url: str, listen: str) -> dict[str, Any]:
    """Return the document. A test changes what it needs before it starts anything."""
    return {
        "server": {"base_url": base_url, "listen": listen, "database": "sqlite:///keystead.db"},
        "realms": {REALM: shop_realm()},
    }


def shop_realm() -> dict[str, Any]:
    """Return a realm: clients `web`, `spa`, `batch`, `batch-opaque`, `bff`, `orders-service`; people alice and bob."""
    everything = "openid profile email offline_access catalog:read orders:read orders:write"
    person = {"password": new_secret(), "email_verified": True}
    return {
        "display_name": "Acme",
        "clients": [
            {
                "client_id": "web",
                "client_name": "Corner Shop",
                "client_secret": new_secret(),
                "redirect_uris": [CALLBACK],
                "post_logout_redirect_uris": ["https://app.test/bye"],
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": everything,
            },
            {
                "client_id": "spa",
                "token_endpoint_auth_method": "none",
                "redirect_uris": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token"],
                "scope": "openid catalog:read",
                "skip_consent": True,
            },
            {
                "client_id": "batch",
                "client_secret": new_secret(),
                "grant_types": ["client_credentials"],
                "scope": "catalog:read",
                "access_token_format": "jwt",
            },
            {
                "client_id": "batch-opaque",
                "client_secret": new_secret(),
                "grant_types": ["client_credentials"],
                "scope": "catalog:read",
            },
            {
                "client_id": "bff",
                "client_secret": new_secret(),
                "redirect_uris": [CALLBACK],
                "grant_types": ["authorization_code", "refresh_token", EXCHANGE],
                "scope": everything,
                "skip_consent": True,
            },
            {
                "client_id": "orders-service",
                "client_secret": new_secret(),
                "grant_types": ["client_credentials", EXCHANGE],
                "scope": "inventory:read",
            },
        ],
        "users": [
            {**person, "username": "alice", "email": "alice@acme.test", "name": "Alice", "roles": ["customer"]},
            {**person, "username": "bob", "email": "bob@acme.test", "name": "Bob", "password": new_secret()},
        ],
        "apis": [
            {"audience": CATALOG, "scopes": ["catalog:read"], "exchange": {"from": ["bff"]}},
            {
                "audience": ORDERS,
                "scopes": ["orders:read", "orders:write"],
                "scope_roles": {"orders:write": ["customer"]},
                "exchange": {"from": ["bff"]},
                "served_by": "orders-service",
            },
            {"audience": INVENTORY, "scopes": ["inventory:read"], "exchange": {"from": ["orders-service"]}},
        ],
    }
