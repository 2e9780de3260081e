"""What must not be said of other trust domains: trust without keys, without conditions, or in nobody's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.server_checks import host_of, is_loopback
from keystead.app.settings.trust import TrustedIssuerSettings
from keystead.core.claim_conditions import operators_of
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.key_set import KeySet

Problem = tuple[Place, str]

MATCHES: Final = ("username", "email", "id")
FORMATS: Final = ("id_jag", "jwt")
LONGEST_LIFETIME: Final = 86_400
LONGEST_TRANSACTION: Final = 300


def require_sound_trust(realm: RealmSettings) -> Iterator[Problem]:
    """Return everything wrong with `trusted_issuers` and `partner_servers`."""
    names = [entry.name for entry in realm.trusted_issuers]
    for index, entry in enumerate(realm.trusted_issuers):
        place: Place = ("trusted_issuers", index)
        if not entry.name or names.count(entry.name) > 1:
            yield place, "each trusted issuer needs a `name` of its own"
        yield from ((place, message) for message in _wrong_keys(entry))
        yield from ((place, message) for message in _wrong_conditions(entry))
        yield from ((place, message) for message in _wrong_subject(entry, realm))
    yield from _require_sound_transactions(realm)
    clients = {client.client_id for client in realm.clients}
    for index, partner in enumerate(realm.partner_servers):
        place = ("partner_servers", index)
        if not _is_https(partner.issuer):
            yield place, "`issuer` is the https URL that the other server's discovery document names"
        unknown = sorted(set(partner.clients) - clients)
        if unknown or not partner.clients:
            yield place, f"`clients` names clients of this realm: {', '.join(unknown) or 'there are none'}"
        if not partner.formats or set(partner.formats) - set(FORMATS):
            yield place, f"write `formats` from {', '.join(FORMATS)}"


def _require_sound_transactions(realm: RealmSettings) -> Iterator[Problem]:
    rules, place = realm.transaction_tokens, ("transaction_tokens",)
    parties = {client.client_id for client in realm.clients} | {workload.name for workload in realm.workloads}
    unknown = sorted({*rules.sources, *rules.replaced_by} - parties)
    if unknown:
        yield place, f"neither clients nor workloads of this realm: {', '.join(unknown)}"
    if bool(rules.trust_domain) != bool(rules.sources):
        yield place, "`trust_domain` and `from` come together: for which domain, and who may ask"
    if rules.trust_domain in {api.audience for api in realm.apis}:
        yield place, "`trust_domain` must not be the audience of an API: access tokens and transaction tokens differ"
    if not 1 <= rules.lifetime <= LONGEST_TRANSACTION:
        yield place, f"`lifetime` is 1 to {LONGEST_TRANSACTION} seconds: it covers one call from outside"


def _wrong_keys(entry: TrustedIssuerSettings) -> Iterator[str]:
    if (entry.jwks is not None) + bool(entry.jwks_uri) + entry.discovery != 1:
        yield "say where its keys are, in one way: `jwks`, `jwks_uri`, or `discovery: true`"
    if not entry.issuer:
        yield "`issuer` is what its assertions say in `iss`, character by character"
    if entry.discovery and not _is_https(entry.issuer):
        yield "discovery needs an issuer that is an https URL"
    if entry.jwks_uri and not _is_https(entry.jwks_uri):
        yield "`jwks_uri` is an https URL"
    if not entry.algorithms or set(entry.algorithms) - ALGORITHMS:
        yield f"write `algorithms` from {', '.join(sorted(ALGORITHMS))}"
    if entry.jwks is not None:
        try:
            if not KeySet.from_jwks(entry.jwks, algorithms=frozenset(entry.algorithms) - {"PS256"}).keys:
                yield "`jwks` holds no key for these algorithms"
        except ValueError as error:
            yield f"`jwks`: {error}"
    if not 1 <= entry.maximum_lifetime <= LONGEST_LIFETIME:
        yield f"`maximum_lifetime` is 1 to {LONGEST_LIFETIME} seconds"


def _wrong_conditions(entry: TrustedIssuerSettings) -> Iterator[str]:
    if not entry.conditions and not entry.danger_accept_every_subject:
        yield (
            "it has no `conditions`, so everybody that issuer names would come in: say what its claims must be, for "
            "instance `{claim: sub, equals: ...}`, or `danger_accept_every_subject: true`"
        )
    for condition in entry.conditions:
        if not condition.claim or len(operators_of(condition)) != 1:
            yield (
                f"a condition names a `claim` and one of equals, one_of, prefix, glob, contains, at_least, at_most: "
                f"{condition.claim}"
            )
        if condition.glob.replace("*", "") == "" and condition.glob:
            yield "a glob of nothing but stars is no condition"


def _wrong_subject(entry: TrustedIssuerSettings, realm: RealmSettings) -> Iterator[str]:
    if bool(entry.workload) + bool(entry.client) + (entry.account is not None) != 1:
        yield "say whom it speaks for: one `workload`, one `client`, or people by `account`"
    if entry.workload and entry.workload not in {workload.name for workload in realm.workloads}:
        yield f"there is no workload `{entry.workload}` in this realm"
    methods = {client.client_id: client.token_endpoint_auth_method for client in realm.clients}
    if entry.client and methods.get(entry.client) != "trusted_issuer":
        yield f"client `{entry.client}` needs `token_endpoint_auth_method: trusted_issuer`"
    if entry.account is not None and entry.account.matches not in MATCHES:
        yield f"write `matches` as one of {', '.join(MATCHES)}"
    parties = methods.keys() | {workload.name for workload in realm.workloads}
    if entry.account is not None and (not entry.clients or set(entry.clients) - parties):
        yield "`clients` names the clients or workloads of this realm that may bring its assertions about people"
    if entry.id_jag and (entry.account is None or entry.reusable):
        yield "an ID-JAG is about a person and good once: give `account`, and leave out `reusable`"


def _is_https(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host_of(url)))
