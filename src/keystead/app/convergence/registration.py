"""The records a realm's `registration` section asks for."""

from __future__ import annotations

import msgspec

from keystead.app.settings.registration import RegistrationPolicySettings, RegistrationSettings
from keystead.core.records.registration import InitialAccessToken, RegistrationPolicy, RegistrationRules
from keystead.core.values import handle_digest


def registration_rules(settings: RegistrationSettings) -> RegistrationRules:
    """Return the rules as the realm's record holds them. Tokens are records of their own."""
    values = msgspec.structs.asdict(settings)
    del values["initial_access_tokens"]
    return msgspec.convert(msgspec.to_builtins(values), RegistrationRules)


def initial_access_tokens(realm: str, settings: RegistrationSettings) -> list[InitialAccessToken]:
    """Return the initial access tokens, as digests."""
    return [
        InitialAccessToken(
            realm=realm,
            id=handle_digest(token.token.reveal()),
            name=token.name,
            uses_left=token.uses,
            policy=_policy(token.policy),
            vouched=token.vouched,
            managed_by="configuration",
        )
        for token in settings.initial_access_tokens
    ]


def _policy(settings: RegistrationPolicySettings | None) -> RegistrationPolicy | None:
    return None if settings is None else msgspec.convert(msgspec.to_builtins(settings), RegistrationPolicy)
