"""A client's entry in the file: its credentials and its profile hold together, or the file is refused."""

from __future__ import annotations

import pytest

from keystead.app.settings.load import settings_from_text
from keystead.core.errors import ConfigurationError
from keystead.core.jose.algorithms import generate

LONG = "x" * 64
KEY = generate("PS256").public().jwk()
JWKS = f"{{keys: [{{{', '.join(f'{name}: {text}' for name, text in KEY.items())}}}]}}"
CODE = "redirect_uris: [https://app.example/cb]"


def refusal(entry: str, realm: str = "") -> str:
    """Return why a realm with one client is refused."""
    with pytest.raises(ConfigurationError) as refused:
        settings_from_text(f"realms:\n  acme:\n    clients:\n      - {{client_id: app, {entry}}}\n    {realm}\n")
    assert "keystead.yaml:" in str(refused.value)
    return str(refused.value)


def accept(entry: str, realm: str = "") -> None:
    """Demand that a realm with one client is accepted."""
    settings_from_text(f"realms:\n  acme:\n    clients:\n      - {{client_id: app, {entry}}}\n    {realm}\n")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("token_endpoint_auth_method: client_secret_jwt", "needs a client_secret"),
        ("token_endpoint_auth_method: client_secret_jwt, client_secret: " + "x" * 31, "at least 32 octets"),
        (
            "token_endpoint_auth_method: client_secret_jwt, token_endpoint_auth_signing_alg: HS512, client_secret: "
            + "x" * 63,
            "at least 64 octets",
        ),
        (
            "token_endpoint_auth_method: client_secret_jwt, token_endpoint_auth_signing_alg: ES256, client_secret: "
            + LONG,
            "not ES256",
        ),
        ("token_endpoint_auth_method: private_key_jwt", "needs the client's public keys"),
        (f"jwks: {JWKS}, jwks_uri: https://app.example/jwks", "exclude one another"),
        (f"jwks: {JWKS}, token_endpoint_auth_method: private_key_jwt, client_secret: {LONG}", "has no secret"),
        ("jwks: {keys: [{kty: EC, d: x}]}", "private or symmetric"),
        (
            f"jwks: {JWKS}, token_endpoint_auth_method: private_key_jwt, token_endpoint_auth_signing_alg: HS256",
            "one of",
        ),
        ("token_endpoint_auth_method: magic", "write one of"),
        (f"client_secret: {LONG}, retiring_client_secrets: [{{secret: {LONG}y, until: soon}}]", "2030-01-31T12:00:00Z"),
        (f"client_secrets: [{LONG}, {LONG}]", "the same"),
        ("token_endpoint_auth_method: spiffe_jwt", "spiffe://"),
    ],
)
def test_credentials_that_do_not_hold_together(entry: str, message: str) -> None:
    assert message in refusal(f"{entry}, {CODE}")


@pytest.mark.spec("FAPI 2.0 Security Profile section 5.3.2.1")
@pytest.mark.parametrize("profile", ["fapi2_security", "fapi2_message_signing"])
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f"client_secret: {LONG}, {CODE}", "does not admit client_secret"),
        (
            f"token_endpoint_auth_method: client_secret_jwt, client_secret: {LONG}, {CODE}",
            "does not admit client_secret_jwt",
        ),
        (CODE, "does not admit none"),
        (f"jwks: {JWKS}, redirect_uris: ['http://localhost/cb']", "wants https"),
        (f"jwks: {JWKS}, redirect_uris: ['com.example.app:/cb']", "wants https"),
        (f"jwks: {JWKS}, {CODE}, token_endpoint_auth_signing_alg: RS256", "does not admit RS256"),
        (f"jwks: {JWKS}, {CODE}, id_token_signed_response_alg: RS256", "does not admit RS256"),
    ],
)
def test_what_contradicts_fapi_refuses_to_start(profile: str, entry: str, message: str) -> None:
    assert message in refusal(f"profile: {profile}, {entry}")


def test_what_contradicts_message_signing_alone() -> None:
    modes = f"profile: %s, jwks: {JWKS}, {CODE}, response_modes: [query, query.jwt]"
    assert "keep the jwt modes" in refusal(modes % "fapi2_message_signing")
    accept(modes % "fapi2_security")


def test_the_realms_algorithm_must_fit_the_profile() -> None:
    entry = f"profile: fapi2_security, jwks: {JWKS}, {CODE}"
    assert "signing_algorithm" in refusal(entry, "signing_algorithm: RS256")
    both = "signing_algorithm: RS256\n    further_signing_algorithms: [PS256]"
    accept(f"{entry}, id_token_signed_response_alg: PS256", both)
    accept(entry)


def test_profiles_by_name() -> None:
    assert "fapi2_message_signing, fapi2_security, mcp, oauth21" in refusal(f"profile: fapi3, {CODE}")
    accept(f"profile: oauth21, {CODE}")
    accept(f"profile: mcp, {CODE}")


def test_who_vouches_for_clients_has_keys() -> None:
    bundle = f"spiffe_trust_domains: [{{name: example.org, bundle: {JWKS}}}]"
    spiffe = "token_endpoint_auth_method: spiffe_jwt, grant_types: [client_credentials], spiffe_id: "
    accept(f"{spiffe}'spiffe://example.org/orders'", bundle)
    assert "none of this realm" in refusal(f"{spiffe}'spiffe://other.org/orders'", bundle)
    assert "TRUST-DOMAIN/PATH" in refusal(f"{spiffe}'example.org/orders'", bundle)
    assert "one of `bundle`" in refusal(CODE, "spiffe_trust_domains: [{name: example.org}]")
    assert "in lower case" in refusal(CODE, f"spiffe_trust_domains: [{{name: 'spiffe://x', bundle: {JWKS}}}]")
    attested = f"token_endpoint_auth_method: attest_jwt_client_auth, client_attesters: [backend], {CODE}"
    accept(attested, f"client_attesters: [{{name: backend, jwks: {JWKS}}}]")
    assert "none of this realm" in refusal(attested)
    assert "in `jwks`" in refusal(attested, "client_attesters: [{name: backend}]")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (f"{CODE}, backchannel_logout_uri: 'http://app.example/out'", "use https"),
        (f"{CODE}, backchannel_logout_uri: 'https://app.example/out#x'", "no fragment"),
        (f"{CODE}, frontchannel_logout_uri: 'https://other.example/out'", "those of one of the redirect_uris"),
        (f"{CODE}, frontchannel_logout_uri: 'https://app.example:8443/out'", "those of one of the redirect_uris"),
        (f"{CODE}, backchannel_logout_session_required: true", "write that too"),
        (f"{CODE}, frontchannel_logout_session_required: true", "write that too"),
    ],
)
@pytest.mark.spec("OpenID Connect Front-Channel Logout 1.0 section 2")
def test_where_a_logout_cannot_be_told(entry: str, message: str) -> None:
    assert message in refusal(f"token_endpoint_auth_method: none, {entry}")


def test_where_a_logout_can_be_told() -> None:
    uris = "backchannel_logout_uri: 'https://api.example/out', frontchannel_logout_uri: 'https://APP.example:443/out'"
    accept(f"token_endpoint_auth_method: none, {CODE}, {uris}")
