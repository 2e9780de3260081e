"""What a service needs: check a token, exchange it, have an identity of its own. Light to import.

    from keystead.sdk.fastapi import Protect        # or keystead.sdk.asgi.KeysteadMiddleware, keystead.sdk.wsgi
    protect = Protect(issuer="https://id.example/realms/acme", audience="https://orders.acme.example")
    caller: Annotated[VerifiedCaller, Depends(protect("orders:read"))]

Flow: `Verifier` says who calls; `TokenExchange` and `ServiceClient` call on; `AgentClient` says who we are.
Does not: import the server, a database or a web framework. `keystead.sdk.asgi`, `wsgi` and `fastapi` are imported by
name; so is `keystead.sdk.service_client`, which loads an HTTP client. The larger parts are imported when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keystead.sdk.caller import Refused, VerifiedCaller
from keystead.sdk.demand import Demand, demand
from keystead.sdk.errors import AgentUnavailable, IssuerUnavailable, TokenRefused

if TYPE_CHECKING:
    from keystead.sdk.agent import AgentClient, SyncAgentClient
    from keystead.sdk.exchange import TokenExchange
    from keystead.sdk.holder import SenderConstraint
    from keystead.sdk.issuer_keys import KeyPolicy
    from keystead.sdk.journal import JsonLinesJournal
    from keystead.sdk.kept_tokens import ObtainedToken
    from keystead.sdk.revocations import RevocationPolicy, Revocations
    from keystead.sdk.transactions import TransactionVerifier
    from keystead.sdk.verifier import Verifier

__all__ = [
    "AgentClient",
    "AgentUnavailable",
    "Demand",
    "IssuerUnavailable",
    "JsonLinesJournal",
    "KeyPolicy",
    "ObtainedToken",
    "Refused",
    "RevocationPolicy",
    "Revocations",
    "SenderConstraint",
    "SyncAgentClient",
    "TokenExchange",
    "TokenRefused",
    "TransactionVerifier",
    "VerifiedCaller",
    "Verifier",
    "demand",
]

_WHERE = {
    "AgentClient": "agent",
    "JsonLinesJournal": "journal",
    "KeyPolicy": "issuer_keys",
    "ObtainedToken": "kept_tokens",
    "RevocationPolicy": "revocations",
    "Revocations": "revocations",
    "SenderConstraint": "holder",
    "SyncAgentClient": "agent",
    "TokenExchange": "exchange",
    "TransactionVerifier": "transactions",
    "Verifier": "verifier",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: a part of the SDK never loads the rest."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
