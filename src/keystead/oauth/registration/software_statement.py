"""Software statements: metadata somebody we trust vouches for, signed; it outweighs what the client says itself.

Spec: RFC 7591 sections 2.3, 3.1.1 and 3.2.2.
"""

from __future__ import annotations

from typing import Any, Final

from keystead.core.jose import jws
from keystead.core.jose.algorithms import ALGORITHMS
from keystead.core.jose.claims import check_form
from keystead.core.jose.outcomes import Rejected
from keystead.core.records.client import Client
from keystead.core.records.registration import RegistrationPolicy, RegistrationRules, StatementIssuer
from keystead.core.registration_errors import InvalidSoftwareStatement, UnapprovedSoftwareStatement
from keystead.core.values import EpochSeconds
from keystead.oauth.client_keys import ClientKeysUnusable, read_signed
from keystead.oauth.context import ServerContext

_TYPES: Final = frozenset({"", "jwt", "software-statement+jwt"})
_FAR: Final = 1 << 39


async def with_statement(
    members: dict[str, Any], rules: RegistrationRules, policy: RegistrationPolicy, cx: ServerContext, now: EpochSeconds
) -> dict[str, Any]:
    """Return the members with what the software statement says put over them.

    Raises: InvalidSoftwareStatement, UnapprovedSoftwareStatement.
    """
    statement = members.get("software_statement")
    if statement is None:
        if policy.software_statement_required:
            raise InvalidSoftwareStatement(
                "send a software_statement", reason="registration.statement", detail="none was sent"
            )
        return members
    if not isinstance(statement, str):
        raise InvalidSoftwareStatement("software_statement is a JWT", reason="registration.statement")
    issuer = _issuer(statement, rules)
    claims = await _verified(statement, issuer, cx, now)
    if issuer.software_ids and claims.get("software_id") not in issuer.software_ids:
        raise UnapprovedSoftwareStatement("this software is not admitted here", reason="registration.software")
    return members | {name: value for name, value in claims.items() if value is not None}


def _issuer(statement: str, rules: RegistrationRules) -> StatementIssuer:
    named = (jws.peek_claims_unverified(statement) or {}).get("iss")
    for issuer in rules.statement_issuers:
        if issuer.issuer == named:
            return issuer
    raise InvalidSoftwareStatement(
        "the software_statement is not of an issuer trusted here", reason="registration.statement"
    )


async def _verified(statement: str, issuer: StatementIssuer, cx: ServerContext, now: EpochSeconds) -> dict[str, Any]:
    # The issuer's keys are had the way a client's are: by value or from an address, within the same bounds.
    holder = Client(realm="", id=f"software statements of {issuer.issuer}", jwks=issuer.jwks, jwks_uri=issuer.jwks_uri)
    try:
        token = await read_signed(statement, holder, cx, now, typ=_TYPES, algorithms=ALGORITHMS, maximum=32_768)
    except ClientKeysUnusable as error:
        raise InvalidSoftwareStatement(
            "the software_statement cannot be checked now", reason="registration.statement", detail=str(error)
        ) from None
    if isinstance(token, Rejected):
        raise InvalidSoftwareStatement(
            "the software_statement is not signed by its issuer",
            reason="registration.statement",
            detail=f"{token.reason}: {token.detail}",
        )
    # A statement may be timeless, and is meant for whoever trusts its issuer: aud and exp are not demanded.
    malformed = check_form({"aud": "any", "exp": _FAR} | token.claims, now)
    if malformed is not None:
        raise InvalidSoftwareStatement(
            "the software_statement has expired or is malformed",
            reason="registration.statement",
            detail=f"{malformed.reason}: {malformed.detail}",
        )
    return token.claims
