"""References to specification sections, written `RFC6749["4.1.3"]`, that docs and tests are generated from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One section of one specification, such as RFC 6749 section 4.1.3."""

    document: str
    number: str
    title: str

    def __str__(self) -> str:
        return f"{self.document} section {self.number}"


@dataclass(frozen=True, slots=True)
class Specification:
    """A published document that can be indexed by section number."""

    document: str
    title: str

    def __getitem__(self, number: str) -> Section:
        return Section(self.document, number, self.title)


RFC6749 = Specification("RFC 6749", "The OAuth 2.0 Authorization Framework")
RFC6750 = Specification("RFC 6750", "Bearer Token Usage")
RFC7009 = Specification("RFC 7009", "OAuth 2.0 Token Revocation")
RFC7515 = Specification("RFC 7515", "JSON Web Signature (JWS)")
RFC7517 = Specification("RFC 7517", "JSON Web Key (JWK)")
RFC7518 = Specification("RFC 7518", "JSON Web Algorithms (JWA)")
RFC7519 = Specification("RFC 7519", "JSON Web Token (JWT)")
RFC7523 = Specification("RFC 7523", "JWT Profile for OAuth 2.0 Client Authentication and Authorization Grants")
RFC7591 = Specification("RFC 7591", "OAuth 2.0 Dynamic Client Registration")
RFC7592 = Specification("RFC 7592", "OAuth 2.0 Dynamic Client Registration Management")
RFC7636 = Specification("RFC 7636", "Proof Key for Code Exchange (PKCE)")
RFC7638 = Specification("RFC 7638", "JWK Thumbprint")
RFC7662 = Specification("RFC 7662", "OAuth 2.0 Token Introspection")
RFC8037 = Specification("RFC 8037", "CFRG Elliptic Curve Signatures in JOSE")
RFC8176 = Specification("RFC 8176", "Authentication Method Reference Values")
RFC8417 = Specification("RFC 8417", "Security Event Token (SET)")
RFC8414 = Specification("RFC 8414", "OAuth 2.0 Authorization Server Metadata")
RFC7521 = Specification("RFC 7521", "Assertion Framework for OAuth 2.0")
RFC8628 = Specification("RFC 8628", "OAuth 2.0 Device Authorization Grant")
RFC8693 = Specification("RFC 8693", "OAuth 2.0 Token Exchange")
RFC8705 = Specification("RFC 8705", "OAuth 2.0 Mutual-TLS Client Authentication and Certificate-Bound Access Tokens")
RFC8707 = Specification("RFC 8707", "Resource Indicators for OAuth 2.0")
RFC8725 = Specification("RFC 8725", "JSON Web Token Best Current Practices")
RFC9068 = Specification("RFC 9068", "JWT Profile for OAuth 2.0 Access Tokens")
RFC9101 = Specification("RFC 9101", "JWT-Secured Authorization Request (JAR)")
RFC9126 = Specification("RFC 9126", "OAuth 2.0 Pushed Authorization Requests")
RFC9207 = Specification("RFC 9207", "OAuth 2.0 Authorization Server Issuer Identification")
RFC9396 = Specification("RFC 9396", "OAuth 2.0 Rich Authorization Requests")
RFC9440 = Specification("RFC 9440", "Client-Cert HTTP Header Field")
RFC9449 = Specification("RFC 9449", "OAuth 2.0 Demonstrating Proof of Possession (DPoP)")
RFC9470 = Specification("RFC 9470", "OAuth 2.0 Step Up Authentication Challenge Protocol")
RFC9700 = Specification("RFC 9700", "Best Current Practice for OAuth 2.0 Security")
RFC9701 = Specification("RFC 9701", "JWT Response for OAuth Token Introspection")
OIDC_CORE = Specification("OpenID Connect Core 1.0", "OpenID Connect Core 1.0")
OIDC_PROMPT_CREATE = Specification(
    "Initiating User Registration via OpenID Connect 1.0", "Initiating User Registration via OpenID Connect 1.0"
)
OIDC_UNMET_AUTHENTICATION = Specification(
    "OpenID Connect Core Error Code unmet_authentication_requirements 1.0",
    "OpenID Connect Core Error Code unmet_authentication_requirements 1.0",
)
FORM_POST = Specification("OAuth 2.0 Form Post Response Mode", "OAuth 2.0 Form Post Response Mode")
RESPONSE_TYPES = Specification(
    "OAuth 2.0 Multiple Response Type Encoding Practices", "OAuth 2.0 Multiple Response Type Encoding Practices"
)
JARM = Specification("JWT Secured Authorization Response Mode", "JWT Secured Authorization Response Mode (JARM)")
FAPI2 = Specification("FAPI 2.0 Security Profile", "FAPI 2.0 Security Profile")
FAPI2_MESSAGE_SIGNING = Specification("FAPI 2.0 Message Signing", "FAPI 2.0 Message Signing")
OIDC_DISCOVERY = Specification("OpenID Connect Discovery 1.0", "OpenID Connect Discovery 1.0")
OIDC_BACKCHANNEL = Specification("OpenID Connect Back-Channel Logout 1.0", "OpenID Connect Back-Channel Logout 1.0")
OIDC_FRONTCHANNEL = Specification("OpenID Connect Front-Channel Logout 1.0", "OpenID Connect Front-Channel Logout 1.0")
OIDC_PROMPT_CREATE = Specification(
    "Initiating User Registration via OpenID Connect 1.0", "Initiating User Registration via OpenID Connect 1.0"
)
OIDC_SESSION = Specification("OpenID Connect Session Management 1.0", "OpenID Connect Session Management 1.0")
OIDC_REGISTRATION = Specification(
    "OpenID Connect Dynamic Client Registration 1.0", "OpenID Connect Dynamic Client Registration 1.0"
)
SSF = Specification("OpenID Shared Signals Framework 1.0", "OpenID Shared Signals Framework 1.0")
CAEP = Specification("OpenID CAEP 1.0", "OpenID Continuous Access Evaluation Profile 1.0")
RFC8935 = Specification("RFC 8935", "Push-Based Security Event Token (SET) Delivery Using HTTP")
RFC8936 = Specification("RFC 8936", "Poll-Based Security Event Token (SET) Delivery Using HTTP")
RFC9493 = Specification("RFC 9493", "Subject Identifiers for Security Event Tokens")
GLOBAL_REVOCATION = Specification("draft-parecki-oauth-global-token-revocation", "Global Token Revocation")
OIDC_RP_LOGOUT = Specification("OpenID Connect RP-Initiated Logout 1.0", "OpenID Connect RP-Initiated Logout 1.0")
STATUS_LIST = Specification("draft-ietf-oauth-status-list", "Token Status List")
SPIFFE_CLIENT_AUTH = Specification("draft-ietf-oauth-spiffe-client-auth", "OAuth SPIFFE Client Authentication")
CLIENT_ATTESTATION = Specification(
    "draft-ietf-oauth-attestation-based-client-auth", "OAuth 2.0 Attestation-Based Client Authentication"
)
BROWSER_APPS = Specification("draft-ietf-oauth-browser-based-apps", "OAuth 2.0 for Browser-Based Applications")
CSP3 = Specification("Content Security Policy Level 3", "Content Security Policy Level 3")
CIBA = Specification(
    "OpenID Connect CIBA Core 1.0", "OpenID Connect Client-Initiated Backchannel Authentication Flow 1.0"
)
FAPI_CIBA = Specification("FAPI-CIBA", "Financial-grade API: Client Initiated Backchannel Authentication Profile")
IDENTITY_CHAINING = Specification(
    "draft-ietf-oauth-identity-chaining", "OAuth Identity and Authorization Chaining Across Domains"
)
ID_JAG = Specification("draft-ietf-oauth-identity-assertion-authz-grant", "Identity Assertion JWT Authorization Grant")
FIRST_PARTY_APPS = Specification("draft-ietf-oauth-first-party-apps", "OAuth 2.0 for First-Party Applications")
TRANSACTION_TOKENS = Specification("draft-ietf-oauth-transaction-tokens", "Transaction Tokens")
