"""What no single setting gets wrong, but several together do. Each check says what it demands.

Shape: a check yields (place, message) pairs; all of them are shown at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from keystead.app.settings.authorization_checks import require_free_audience, require_free_scopes
from keystead.app.settings.backchannel_checks import require_backchannel
from keystead.app.settings.bus_checks import bus_problems, require_subject_patterns
from keystead.app.settings.certificate_checks import certificate_problems, require_certificates
from keystead.app.settings.credential_checks import require_credentials, require_long_secrets
from keystead.app.settings.detail_checks import require_whole_detail_types
from keystead.app.settings.document import Place
from keystead.app.settings.gateway_checks import gateway_problems
from keystead.app.settings.grant_checks import require_known_grants
from keystead.app.settings.logout_checks import require_logout_uris
from keystead.app.settings.profile_checks import require_profiles, settled_method
from keystead.app.settings.realm import RealmSettings
from keystead.app.settings.registration_checks import require_registration
from keystead.app.settings.request_checks import require_requests_that_can_be_met
from keystead.app.settings.server_checks import host_of, is_loopback, server_problems
from keystead.app.settings.settings import Settings
from keystead.app.settings.token_checks import (
    require_answers_that_fit,
    require_distinct_levels,
    require_known_keys,
    require_well_formed_claims,
)
from keystead.app.settings.trust_checks import require_sound_trust
from keystead.app.settings.voucher_checks import require_vouchers
from keystead.core.uris import wrong_redirect_uri
from keystead.oauth.authorization_api import AUTHZ_SCOPES
from keystead.oauth.scopes import SERVICE_SCOPES

Problem = tuple[Place, str]

FORMATS: Final = ("opaque", "jwt")
STANDARD_SCOPES: Final = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})

SUBJECT_PREFIX: Final = "usr_"
LONGEST_TOKEN_LIFETIME: Final = 86_400
LONGEST_CODE_LIFETIME: Final = 60
MAXIMUM_NAME: Final = 255


def problems(settings: Settings) -> list[Problem]:
    """Return everything the settings get wrong together."""
    found = [] if settings.server is None else [*server_problems(settings.server)]
    found += [] if settings.server is None else certificate_problems(settings.server)
    found += bus_problems(settings)
    found += gateway_problems(settings)
    for name, realm in settings.realms.items():
        for check in _REALM_CHECKS:
            found += [(("realms", name, *place), message) for place, message in check(realm)]
        if settings.server is not None:
            found += [
                (("realms", name, *place), message)
                for place, message in (
                    *_require_others(realm, f"{settings.server.base_url}/realms/{name}"),
                    *require_free_audience(realm, settings.server.base_url),
                )
            ]
        found += [
            (("realms", name, *place), message) for place, message in require_certificates(realm, settings.server)
        ]
        if settings.server is not None and not is_loopback(host_of(settings.server.base_url)):
            found += [(("realms", name, *place), message) for place, message in require_long_secrets(realm)]
    return found


def _require_others(realm: RealmSettings, issuer: str) -> Iterator[Problem]:
    """Nobody believes assertions of himself: our own tokens would become something they were not made for."""
    for index, entry in enumerate(realm.trusted_issuers):
        if entry.issuer == issuer:
            yield ("trusted_issuers", index), "that is this realm itself: its own tokens need no trust"


def _require_unique_names(realm: RealmSettings) -> Iterator[Problem]:
    groups = {
        "clients": [client.client_id for client in realm.clients],
        "users": [user.username for user in realm.users],
        "apis": [api.audience for api in realm.apis],
        "workloads": [workload.name for workload in realm.workloads],
        "agents": [agent.name for agent in realm.agents],
    }
    for group, names in groups.items():
        for index, name in enumerate(names):
            if name in names[:index]:
                yield (group, index), f"`{name}` is there twice; names are compared character by character"
            if not name or len(name) > MAXIMUM_NAME or not name.isprintable():
                yield (group, index), f"a name has 1 to {MAXIMUM_NAME} printable characters"


def _require_distinct_identities(realm: RealmSettings) -> Iterator[Problem]:
    """Clients and workloads share one namespace with subjects, so that a `sub` never means two things."""
    owner = {client.client_id: client.workload for client in realm.clients}
    for index, client in enumerate(realm.clients):
        if client.client_id.startswith(SUBJECT_PREFIX):
            yield ("clients", index), f"a client_id must not begin with {SUBJECT_PREFIX}: people's subjects do"
    for index, workload in enumerate(realm.workloads):
        if workload.name.startswith(SUBJECT_PREFIX):
            yield ("workloads", index), f"a workload must not begin with {SUBJECT_PREFIX}: people's subjects do"
        if workload.name in owner and owner[workload.name] != workload.name:
            yield (
                ("workloads", index),
                f"`{workload.name}` is a client_id too; rename one, or set the client's `workload`",
            )


def _require_known_values(realm: RealmSettings) -> Iterator[Problem]:
    if not 1 <= realm.code_lifetime <= LONGEST_CODE_LIFETIME:
        yield ("code_lifetime",), f"an authorization code lives 1 to {LONGEST_CODE_LIFETIME} seconds"
    too_long = f"a token lives {LONGEST_TOKEN_LIFETIME} seconds at most: so long its revocation is remembered"
    if max(realm.access_token_lifetime, realm.exchanged_token_lifetime) > LONGEST_TOKEN_LIFETIME:
        yield ("access_token_lifetime",), too_long
    for index, api in enumerate(realm.apis):
        if api.access_token_lifetime > LONGEST_TOKEN_LIFETIME:
            yield ("apis", index, "access_token_lifetime"), too_long
    for index, client in enumerate(realm.clients):
        if client.access_token_format not in FORMATS:
            yield ("clients", index, "access_token_format"), f"write {' or '.join(FORMATS)}"
        if client.response_types != ("code",):
            yield (
                ("clients", index, "response_types"),
                "only `code` is served: the implicit flow shows tokens to the browser",
            )


def _require_redirect_uris(realm: RealmSettings) -> Iterator[Problem]:
    for index, client in enumerate(realm.clients):
        for key in ("redirect_uris", "post_logout_redirect_uris"):
            for number, uri in enumerate(getattr(client, key)):
                wrong = wrong_redirect_uri(uri)
                if wrong:
                    yield ("clients", index, key, number), f"`{uri}`: {wrong}"
        if "authorization_code" in client.grant_types and not client.redirect_uris:
            yield ("clients", index), "authorization_code needs at least one of `redirect_uris`"


def _require_known_scopes(realm: RealmSettings) -> Iterator[Problem]:
    known = STANDARD_SCOPES.union(SERVICE_SCOPES, AUTHZ_SCOPES, *(api.scopes for api in realm.apis))
    asked = [("clients", index, client.scope) for index, client in enumerate(realm.clients)]
    asked += [("workloads", index, workload.scope) for index, workload in enumerate(realm.workloads)]
    for group, index, scope in asked:
        unknown = [name for name in scope.split() if name not in known]
        if unknown:
            yield (group, index, "scope"), f"no API of this realm has the scope {', '.join(unknown)}"


def _require_known_parties(realm: RealmSettings) -> Iterator[Problem]:
    parties = {client.client_id for client in realm.clients} | {workload.name for workload in realm.workloads}
    workloads = {workload.name for workload in realm.workloads}
    public = {client.client_id for client in realm.clients if settled_method(client) == "none"}
    for index, api in enumerate(realm.apis):
        for source in api.exchange.sources:
            if source not in parties:
                yield ("apis", index, "exchange"), f"`{source}` is neither a client nor a workload of this realm"
            if source in public:
                yield (
                    ("apis", index, "exchange"),
                    f"`{source}` proves nothing about itself; give it a secret or keys",
                )
    for index, agent in enumerate(realm.agents):
        for workload in agent.workloads:
            if workload not in workloads:
                yield ("agents", index, "workloads"), f"there is no workload `{workload}` in this realm"
        if not agent.jwks and not agent.jwks_file:
            yield ("agents", index), "an agent needs its public keys in `jwks` or `jwks_file`"


_REALM_CHECKS: Final[tuple[Callable[[RealmSettings], Iterator[Problem]], ...]] = (
    _require_unique_names,
    _require_distinct_identities,
    _require_known_values,
    require_credentials,
    require_known_grants,
    require_profiles,
    require_registration,
    require_vouchers,
    _require_redirect_uris,
    _require_known_scopes,
    require_free_scopes,
    _require_known_parties,
    require_subject_patterns,
    require_known_keys,
    require_distinct_levels,
    require_answers_that_fit,
    require_well_formed_claims,
    require_sound_trust,
    require_backchannel,
    require_whole_detail_types,
    require_requests_that_can_be_met,
    require_logout_uris,
)
