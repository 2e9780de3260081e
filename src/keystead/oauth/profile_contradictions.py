"""What of a client's metadata its profile does not admit, and what to write instead.

Shape: pairs of (member, message); an empty member means the client as a whole. The settings refuse to start with
them, registration refuses to register.
Does not: look for what a profile turns on by itself; only for what somebody wrote against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol
from urllib.parse import urlsplit

from keystead.oauth.profiles import PROFILES, Demands

Contradiction = tuple[str, str]

_SIGNING: Final = (
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "authorization_signed_response_alg",
    "id_token_signed_response_alg",
    "userinfo_signed_response_alg",
    "introspection_signed_response_alg",
    "backchannel_authentication_request_signing_alg",
)


class Profiled(Protocol):
    """What a client is judged by: its settings and its record have these members alike."""

    @property
    def profile(self) -> str:
        """The profile's name."""
        ...

    @property
    def redirect_uris(self) -> tuple[str, ...]:
        """Where answers go."""
        ...

    @property
    def response_modes(self) -> tuple[str, ...]:
        """How answers travel."""
        ...

    @property
    def jwks_uri(self) -> str:
        """Where its keys are."""
        ...

    @property
    def id_token_signed_response_alg(self) -> str:
        """What its ID tokens are signed with."""
        ...


def contradictions(client: Profiled, method: str, signing_algorithm: str) -> Iterator[Contradiction]:
    """Say what contradicts the client's profile.

    `method` is how it authenticates, settled; `signing_algorithm` is what its realm signs with.
    """
    demands = PROFILES.get(client.profile)
    if demands is None:
        yield "profile", f"there is no profile `{client.profile}`; write one of {', '.join(sorted(PROFILES)[1:])}"
        return
    yield from _method(client, demands, method)
    yield from _redirects(client, demands)
    yield from _algorithms(client, demands, signing_algorithm)
    modes = [mode for mode in client.response_modes if not mode.endswith("jwt")]
    if demands.signed_response and modes:
        yield "response_modes", f"{client.profile} signs its answers: leave `{modes[0]}` out, keep the jwt modes"
    if demands.signed_request and not (client.jwks_uri or getattr(client, "jwks", None)):
        yield "", f"{client.profile} wants signed requests: give the client `jwks` or `jwks_uri`"


def _method(client: Profiled, demands: Demands, method: str) -> Iterator[Contradiction]:
    allowed = demands.client_auth_methods
    if allowed and method not in allowed:
        yield (
            "token_endpoint_auth_method",
            f"{client.profile} does not admit {method}: use {' or '.join(sorted(allowed))}, "
            "with the client's keys in `jwks` or `jwks_uri`, and no client_secret",
        )


def _redirects(client: Profiled, demands: Demands) -> Iterator[Contradiction]:
    for uri in client.redirect_uris if demands.redirect_https else ():
        if urlsplit(uri).scheme != "https":
            yield "redirect_uris", f"`{uri}`: {client.profile} wants https, on loopback too"


def _algorithms(client: Profiled, demands: Demands, signing_algorithm: str) -> Iterator[Contradiction]:
    admitted = ", ".join(sorted(demands.algorithms))
    for member in _SIGNING:
        written = getattr(client, member)
        if client.profile and written and written not in demands.algorithms:
            yield member, f"{client.profile} does not admit {written}; use one of {admitted}"
    if signing_algorithm not in demands.algorithms and not client.id_token_signed_response_alg:
        yield (
            "id_token_signed_response_alg",
            f"the realm signs with {signing_algorithm}, which {client.profile} does not admit; set this, or the "
            f"realm's signing_algorithm, to one of {admitted}",
        )
