"""What one call demands of its caller beyond a valid token, and how a refusal is worded to the caller.

Spec: RFC 6750 section 3 (scope), RFC 9470 sections 3 and 4 (step-up), RFC 8693 section 4.1 (actors).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.sdk.caller import Refused, VerifiedCaller

_SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,256}", re.ASCII)


class Demand(msgspec.Struct, frozen=True):
    """What a call demands. Empty demands nothing more than a valid token for this audience.

    All `scopes`; one of `acr_values`; a sign-in at most `max_auth_age` seconds ago; and, when `actors` is not None,
    that whoever holds the token is one of them: the nearest actor or, where nobody acts for the subject, the client.
    """

    scopes: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    max_auth_age: int | None = None
    actors: frozenset[str] | None = None

    def unmet(self, caller: VerifiedCaller, now: EpochSeconds) -> tuple[tuple[Check, ...], Refused | None]:
        """Return the checks that ran, and the refusal when one of them failed."""
        checks: list[Check] = []
        for check, refusal in self._checks(caller, now):
            checks.append(check)
            if not check.passed:
                return tuple(checks), refusal
        return tuple(checks), None

    def _checks(self, caller: VerifiedCaller, now: EpochSeconds) -> list[tuple[Check, Refused | None]]:
        found = []
        if self.scopes:
            found.append(self._scope(caller))
        if self.acr_values:
            found.append(self._acr(caller))
        if self.max_auth_age is not None:
            found.append(self._authentication_age(caller, now))
        if self.actors is not None:
            found.append(self._actors(caller))
        return found

    def _scope(self, caller: VerifiedCaller) -> tuple[Check, Refused | None]:
        missing = [scope for scope in self.scopes if scope not in caller.scopes]
        if not missing:
            return Check("scope", True, f"has {' '.join(self.scopes)}"), None
        parameters = f', scope="{" ".join(self.scopes)}"'
        refusal = challenge(
            "token.scope_missing", "insufficient_scope", "the token does not carry the scope this needs", parameters
        )
        return Check("scope", False, f"{' '.join(missing)} is missing"), refusal

    def _acr(self, caller: VerifiedCaller) -> tuple[Check, Refused | None]:
        if caller.acr in self.acr_values:
            return Check("acr", True, f"signed in at level {caller.acr}"), None
        why = f"signed in at level {caller.acr or 'unknown'}, wanted {' or '.join(self.acr_values)}"
        return Check("acr", False, why), self._step_up("token.acr_insufficient", "a stronger sign-in is needed")

    def _authentication_age(self, caller: VerifiedCaller, now: EpochSeconds) -> tuple[Check, Refused | None]:
        age = now - caller.auth_time
        if caller.auth_time and age <= (self.max_auth_age or 0):
            return Check("authentication age", True, f"signed in {age} s ago"), None
        why = f"signed in {age} s ago, at most {self.max_auth_age} allowed" if caller.auth_time else "no sign-in time"
        refusal = self._step_up("token.authentication_too_old", "a more recent sign-in is needed")
        return Check("authentication age", False, why), refusal

    def _actors(self, caller: VerifiedCaller) -> tuple[Check, Refused | None]:
        holder = caller.actors[0] if caller.actors else caller.client_id
        if holder in (self.actors or ()):
            return Check("actors", True, f"called by {' for '.join((*caller.actors, caller.subject))}"), None
        refusal = challenge("token.actor_not_allowed", "insufficient_scope", "this party may not call here")
        return Check("actors", False, f"{holder} is not one of {' '.join(sorted(self.actors or ()))}"), refusal

    def _step_up(self, reason: str, description: str) -> Refused:
        parameters = f', acr_values="{" ".join(self.acr_values)}"' if self.acr_values else ""
        if self.max_auth_age is not None:
            parameters += f', max_age="{self.max_auth_age}"'
        return challenge(reason, "insufficient_user_authentication", description, parameters)


def demand(
    scopes: str | Collection[str] = (),
    acr_values: str | Collection[str] = (),
    max_auth_age: int | None = None,
    actors: str | Collection[str] | None = None,
) -> Demand:
    """Build a demand from texts or collections of texts; a text is split at spaces.

    Raises: ConfigurationError for a name that could not travel in a header, or a negative age.
    """
    names = {"scope": texts(scopes), "acr value": texts(acr_values)}
    for what, values in names.items():
        for value in values:
            if not _SCOPE_TOKEN.fullmatch(value):
                raise ConfigurationError(f"{what} {value!r} is not a word of printable ASCII without quotes")
    if max_auth_age is not None and max_auth_age < 0:
        raise ConfigurationError("max_auth_age is a number of seconds, 0 or more")
    allowed = None if actors is None else frozenset(texts(actors))
    return Demand(names["scope"], names["acr value"], max_auth_age, allowed)


def texts(values: str | Collection[str]) -> tuple[str, ...]:
    """Return a text's words, or a collection as it is."""
    return tuple(values.split()) if isinstance(values, str) else tuple(values)


def challenge(reason: str, error: str, description: str, parameters: str = "") -> Refused:
    """Return the refusal for a registered error of RFC 6750 or RFC 9470. `description` is ours, never input."""
    return Refused(
        reason=reason,
        status=403 if error == "insufficient_scope" else 400 if error == "invalid_request" else 401,
        error=error,
        description=description,
        www_authenticate=f'Bearer error="{error}", error_description="{description}"{parameters}',
    )
