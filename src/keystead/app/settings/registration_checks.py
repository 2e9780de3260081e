"""What a realm's `registration` section gets wrong, and what to write instead."""

from __future__ import annotations

from collections.abc import Iterator

from keystead.app.settings.credential_checks import jwks_problems
from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.registration import RegistrationPolicySettings
from keystead.core.records.registration import SELF_SERVICE_METHODS
from keystead.oauth.profiles import PROFILES

SHORTEST_TOKEN = 32


def require_registration(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that the section holds together."""
    section = realm.registration
    yield from _policy(section.policy, ("registration", "policy"), bool(section.statement_issuers))
    for index, token in enumerate(section.initial_access_tokens):
        place: Place = ("registration", "initial_access_tokens", index)
        if len(token.token.reveal()) < SHORTEST_TOKEN:
            yield place, f"a token has at least {SHORTEST_TOKEN} characters; `openssl rand -base64 32` makes one"
        if token.uses is not None and token.uses < 1:
            yield (*place, "uses"), "write how many clients it may register, or leave it out"
        if token.policy is not None:
            yield from _policy(token.policy, (*place, "policy"), bool(section.statement_issuers))
    for index, issuer in enumerate(section.statement_issuers):
        place = ("registration", "statement_issuers", index)
        if (issuer.jwks is None) == (not issuer.jwks_uri):
            yield place, "write its keys in `jwks`, or their address in `jwks_uri`"
        if issuer.jwks is not None:
            yield from ((place, problem) for problem in jwks_problems(issuer.jwks))
    if section.maximum_clients < 1 or section.per_hour < 1:
        yield ("registration",), "`maximum_clients` and `per_hour` are at least 1"
    if section.danger_vouch_for_open_registration and not section.open:
        yield ("registration",), "`danger_vouch_for_open_registration` is for `open: true`; take it out"


def _policy(policy: RegistrationPolicySettings, place: Place, has_issuers: bool) -> Iterator[tuple[Place, str]]:
    if policy.profile not in PROFILES:
        yield (*place, "profile"), f"write one of {', '.join(sorted(PROFILES)[1:])}"
    unknown = [name for name in policy.token_endpoint_auth_methods if name not in SELF_SERVICE_METHODS]
    if unknown:
        names = ", ".join(SELF_SERVICE_METHODS)
        yield (*place, "token_endpoint_auth_methods"), f"clients that register themselves use one of {names}"
    if policy.software_statement_required and not has_issuers:
        yield place, "`software_statement_required` needs `statement_issuers`: whose statements are believed"
