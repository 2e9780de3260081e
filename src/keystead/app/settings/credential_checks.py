"""What a client proves itself with: the method is there, so is what it needs, and nothing contradicts it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from keystead.app.settings.client import ClientSettings
from keystead.app.settings.document import Place
from keystead.app.settings.realm import RealmSettings
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.key_set import KeySet
from keystead.core.jose.shared_secret import SHORTEST

Problem = tuple[Place, str]

SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post", "client_secret_jwt")
CERTIFICATE_METHODS: Final = ("tls_client_auth", "self_signed_tls_client_auth")
METHODS: Final = (
    "",
    *SECRET_METHODS,
    "private_key_jwt",
    *CERTIFICATE_METHODS,
    "spiffe_jwt",
    "attest_jwt_client_auth",
    "workload",
    "trusted_issuer",
    "none",
)
SHORTEST_SECRET: Final = 8
SHORTEST_PUBLIC_SECRET: Final = 16


def require_credentials(realm: RealmSettings) -> Iterator[Problem]:
    """Demand that each client has what its method needs, and no more."""
    for index, client in enumerate(realm.clients):
        place = ("clients", index)
        if client.token_endpoint_auth_method not in METHODS:
            yield (*place, "token_endpoint_auth_method"), f"write one of {', '.join(METHODS[1:])}"
        for message in (*_secret_problems(client), *_key_problems(client), *_other_problems(client)):
            yield place, message


def require_long_secrets(realm: RealmSettings) -> Iterator[Problem]:
    """Demand secrets nobody guesses, where others than this machine can try."""
    for index, client in enumerate(realm.clients):
        if any(len(secret) < SHORTEST_PUBLIC_SECRET for secret in client_secrets(client)):
            yield (
                ("clients", index, "client_secret"),
                f"off loopback a client_secret has at least {SHORTEST_PUBLIC_SECRET} characters",
            )


def client_secrets(client: ClientSettings) -> list[str]:
    """Return all secrets of a client in the clear, retiring ones last. For checks, digests and sealing only."""
    secrets = ((client.client_secret,) if client.client_secret is not None else ()) + client.client_secrets
    return [secret.reveal() for secret in (*secrets, *(old.secret for old in client.retiring_client_secrets))]


def secret_expiries(client: ClientSettings) -> tuple[int, ...]:
    """Return when each of `client_secrets` expires, 0 for never; nothing when none does."""
    if not client.retiring_client_secrets:
        return ()
    ends = [read_moment(old.until) or 0 for old in client.retiring_client_secrets]
    return (*(0 for _ in range(len(client_secrets(client)) - len(ends))), *ends)


def read_moment(text: str) -> int | None:
    """Return a moment in RFC 3339 as whole seconds since the epoch, or None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else int(moment.astimezone(UTC).timestamp())


def _secret_problems(client: ClientSettings) -> Iterator[str]:
    method, secrets = client.token_endpoint_auth_method, client_secrets(client)
    if method in SECRET_METHODS and not secrets:
        yield f"{method} needs a client_secret"
    if method in METHODS[1:] and method not in SECRET_METHODS and secrets:
        yield f"a client with `token_endpoint_auth_method: {method}` has no secret; remove one of the two"
    if any(len(secret) < SHORTEST_SECRET for secret in secrets):
        yield f"a client_secret has at least {SHORTEST_SECRET} characters; `openssl rand -base64 32` makes one"
    if len(secrets) != len(set(secrets)):
        yield "two of its secrets are the same; remove one"
    for old in client.retiring_client_secrets:
        if read_moment(old.until) is None:
            yield "`until` of a retiring secret is a moment with its zone, such as 2030-01-31T12:00:00Z"
    if method == "client_secret_jwt":
        algorithm = client.token_endpoint_auth_signing_alg or "HS256"
        if algorithm not in SHORTEST:
            yield f"client_secret_jwt signs with one of {', '.join(SHORTEST)}, not {algorithm}"
        elif any(len(secret.encode()) < SHORTEST[algorithm] for secret in secrets):
            yield f"{algorithm} needs a client_secret of at least {SHORTEST[algorithm]} octets"


def _key_problems(client: ClientSettings) -> Iterator[str]:
    method, algorithm = client.token_endpoint_auth_method, client.token_endpoint_auth_signing_alg
    has_keys = client.jwks is not None or bool(client.jwks_uri)
    if client.jwks is not None and client.jwks_uri:
        yield "`jwks` and `jwks_uri` exclude one another; keep one"
    if method in ("private_key_jwt", "self_signed_tls_client_auth") and not has_keys:
        yield f"{method} needs the client's public keys in `jwks`, or their address in `jwks_uri`"
    if method == "private_key_jwt" and algorithm and algorithm not in ALGORITHMS:
        yield f"`token_endpoint_auth_signing_alg` of private_key_jwt is one of {', '.join(sorted(ALGORITHMS))}"
    if client.jwks is not None:
        yield from jwks_problems(client.jwks)


def jwks_problems(jwks: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with a JWK Set written by hand."""
    try:
        KeySet.from_jwks(jwks)
    except ValueError as error:
        yield f"`jwks`: {error}"


def _other_problems(client: ClientSettings) -> Iterator[str]:
    method = client.token_endpoint_auth_method
    if method == "workload" and not client.workload:
        yield "token_endpoint_auth_method: workload needs the name of the `workload`"
    if method == "spiffe_jwt" and not client.spiffe_id:
        yield "spiffe_jwt needs the client's `spiffe_id`, such as spiffe://example.org/orders"
    if method == "attest_jwt_client_auth" and not client.client_attesters:
        yield "attest_jwt_client_auth needs `client_attesters`: names of the realm's attesters it may be vouched for by"
