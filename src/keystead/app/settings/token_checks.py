"""What the settings get wrong about keys, about what clients are told, and about what is told of people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.core.assurance import LEVELS, acr_name
from keystead.core.jose.decryption_keys import KEY_TYPES
from keystead.core.person_claims import problem_with
from keystead.oauth.answer_contradictions import contradictions

ALGORITHMS: Final = ("ES256", "EdDSA", "RS256", "PS256")
LONGEST_TTL: Final = 3_600
PROTOCOL_CLAIMS: Final = frozenset(
    ("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "auth_time", "nonce", "acr", "amr", "azp", "sid", "at_hash")
)


def require_known_keys(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand algorithms and key types that are ours."""
    if realm.signing_algorithm not in ALGORITHMS:
        yield ("signing_algorithm",), f"write one of {', '.join(ALGORITHMS)}"
    for index, algorithm in enumerate(realm.further_signing_algorithms):
        if algorithm not in ALGORITHMS:
            yield ("further_signing_algorithms", index), f"write one of {', '.join(ALGORITHMS)}"
    if not 1 <= realm.status_list_ttl <= LONGEST_TTL:
        yield ("status_list_ttl",), f"a status list is kept for 1 to {LONGEST_TTL} seconds"
    for index, key_type in enumerate(realm.encryption_key_types):
        if key_type not in KEY_TYPES:
            yield ("encryption_key_types", index), f"write one of {', '.join(KEY_TYPES)}"


def require_distinct_levels(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand names for levels that there are, no two alike, so that a name says one thing."""
    for level, name in realm.acr_names.items():
        if level not in LEVELS:
            yield ("acr_names", level), f"there is no such level; the levels are {', '.join(LEVELS)}"
        if not name or " " in name or not name.isascii() or not name.isprintable():
            yield ("acr_names", level), "a name is printable ASCII without spaces, such as urn:example:loa:1"
    named = [acr_name(level, realm.acr_names) for level in LEVELS]
    if len(set(named)) < len(named):
        yield ("acr_names",), "two levels have one name"


def require_answers_that_fit(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that no client asks for answers that it cannot get, or that give away what it must not see."""
    algorithms = tuple(dict.fromkeys((realm.signing_algorithm, *realm.further_signing_algorithms)))
    for index, client in enumerate(realm.clients):
        for member, message in contradictions(msgspec.structs.asdict(client), algorithms):
            yield ("clients", index, member), message


def require_well_formed_claims(realm: RealmSettings) -> Iterator[tuple[Place, str]]:
    """Demand that what is told about people has the form the specification gives it."""
    for index, user in enumerate(realm.users):
        members = msgspec.structs.asdict(user)
        written = {name: members[name] for name in _TOLD if members[name]}
        for name, value in written.items():
            if problem := problem_with(name, value):
                yield ("users", index, name), problem
        for name, value in user.claims.items():
            problem = "the protocol's own; it cannot be set" if name in PROTOCOL_CLAIMS else problem_with(name, value)
            if problem:
                yield ("users", index, "claims", name), problem


_TOLD: Final = (
    *("middle_name", "nickname", "profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
    *("phone_number", "address"),
)
