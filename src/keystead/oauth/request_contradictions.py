"""What of a client's metadata contradicts itself about its requests: how they come, and how they are answered.

Shape: pairs of (member, message). The settings refuse to start with them, registration refuses to register.
Spec: RFC 9101 section 10.5, RFC 9126 section 6, OpenID Connect Dynamic Client Registration section 2.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.jwe import CONTENT_ENCRYPTIONS, KEY_ALGORITHMS, key_type_of
from keystead.core.uris import wrong_web_uri
from keystead.oauth.response_modes import RESPONSE_MODES

Contradiction = tuple[str, str]

LONGEST_REFERENCE: Final = 512
"""Characters of a `request_uri`. Spec: RFC 9101 section 5.2."""


def contradictions(client: Mapping[str, Any], key_types: Collection[str]) -> Iterator[Contradiction]:
    """Say what contradicts itself. `client` has the members of RFC 7591, `key_types` are the realm's for encryption."""
    for mode in client["response_modes"]:
        if mode not in RESPONSE_MODES:
            yield "response_modes", f"`{mode}` is not served; write some of {', '.join(RESPONSE_MODES)}"
    signed = client["request_object_signing_alg"]
    if signed and signed not in ALGORITHMS:
        yield "request_object_signing_alg", f"write one of {', '.join(sorted(ALGORITHMS))}"
    if (signed or client["require_signed_request_object"]) and not (client["jwks"] or client["jwks_uri"]):
        yield "require_signed_request_object", "needs the client's public keys in jwks or at jwks_uri"
    for uri in client["request_uris"]:
        if wrong := wrong_web_uri(uri):
            yield "request_uris", f"`{uri}`: {wrong}"
        if len(uri) > LONGEST_REFERENCE:
            yield "request_uris", f"an address has at most {LONGEST_REFERENCE} characters"
    yield from _encryption(client, key_types)


def _encryption(client: Mapping[str, Any], key_types: Collection[str]) -> Iterator[Contradiction]:
    algorithm, encryption = client["request_object_encryption_alg"], client["request_object_encryption_enc"]
    if algorithm and algorithm not in KEY_ALGORITHMS:
        yield "request_object_encryption_alg", f"write one of {', '.join(KEY_ALGORITHMS)}"
    elif algorithm and key_type_of(algorithm) not in key_types:
        yield "request_object_encryption_alg", "the realm has no such key: add its type to encryption_key_types"
    if encryption and not algorithm:
        yield "request_object_encryption_enc", "says nothing without request_object_encryption_alg"
    if encryption and encryption not in CONTENT_ENCRYPTIONS:
        yield "request_object_encryption_enc", f"write one of {', '.join(CONTENT_ENCRYPTIONS)}"
