"""What a client is told about a person: claims opened by scopes, and claims it asked for one by one.

Flow: userinfo tells what the token's scopes open and what the request's `claims` parameter asked for under `userinfo`;
an ID token tells only what was asked for under `id_token`, as there is always an access token to ask with.
A claim asked for by name is told when the person has it, the value fits, and a scope that the client is registered for
would open it: the parameter picks, it does not widen. `essential` changes nothing here: a claim that is not there is
left out, as the specification has it.
Spec: OpenID Connect Core sections 5.4, 5.5 and 5.5.1.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from keystead.core.person_claims import SCOPE_CLAIMS, SCOPE_OF, base_name, claims_of
from keystead.core.records.account import Account
from keystead.core.records.client import Client


def opened_by_scopes(account: Account, scopes: Collection[str]) -> dict[str, Any]:
    """Return the claims these scopes open, translations included."""
    opened = {name for scope in scopes for name in SCOPE_CLAIMS.get(scope, ())}
    return {name: value for name, value in claims_of(account).items() if base_name(name) in opened}


def scopes_to_consent(scopes: Sequence[str], claims: Mapping[str, Any], client: Client | None) -> tuple[str, ...]:
    """Return what a person has to allow: the scopes asked for, and those that would open the claims asked for by name.

    The latter are consented to and not granted: the claims stay picked, but nobody is told what nobody was asked about.
    """
    registered = set(client.scope.split()) if client is not None else set()
    named = {base_name(name) for member in claims.values() if isinstance(member, Mapping) for name in member}
    behind = {SCOPE_OF[name] for name in named if name in SCOPE_OF} & registered
    return (*scopes, *sorted(behind.difference(scopes)))


def asked_by_name(account: Account, client: Client, requests: object) -> dict[str, Any]:
    """Return the claims one member of the `claims` parameter asked for.

    `requests` is that member: an object of claim names, each with null or `essential`, `value`, `values`.
    """
    if not isinstance(requests, Mapping):
        return {}
    registered = set(client.scope.split())
    known = claims_of(account)
    return {
        name: known[name]
        for name, wish in requests.items()
        if name in known and SCOPE_OF[base_name(name)] in registered and _fits(known[name], wish)
    }


def _fits(value: object, wish: object) -> bool:
    """Return whether a claim has the value that was asked for, if one was."""
    if not isinstance(wish, Mapping):
        return True
    if "value" in wish:
        return bool(value == wish["value"])
    values = wish.get("values")
    return not isinstance(values, list) or value in values
