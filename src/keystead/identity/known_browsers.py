"""Known browsers: a cookie that says "this account signed in here before", so that guessing strangers cannot make its
owner wait.

Shape: `random.mac`, the mac made by the issuer's key over realm, account name and random part. It opens nothing: it
only chooses which throttle counts.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import Final

from keystead.core.sealing import Sealer
from keystead.core.values import Seconds, new_handle

KNOWN_BROWSER_LIFETIME: Final = Seconds(180 * 86_400)
_KIND: Final = "known_browser"
_RANDOM_LENGTH: Final = 43


def know_browser(sealer: Sealer, realm: str, username: str) -> str:
    """Return a fresh cookie value for an account that has just signed in."""
    name = new_handle()
    return f"{name}.{_mac(sealer, realm, username, name)}"


def known_browser(sealer: Sealer, realm: str, username: str, cookie: str) -> str:
    """Return the browser's name when the cookie is ours for exactly this account, else an empty text."""
    name, _, mac = cookie.partition(".")
    if len(name) != _RANDOM_LENGTH or not mac:
        return ""
    return name if hmac.compare_digest(mac, _mac(sealer, realm, username, name)) else ""


def _mac(sealer: Sealer, realm: str, username: str, name: str) -> str:
    message = f"{len(username)}:{username}:{name}".encode("utf-8", "surrogatepass")
    return urlsafe_b64encode(sealer.mac(realm, _KIND, message)).rstrip(b"=").decode()
