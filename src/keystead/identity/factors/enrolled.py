"""Which factors an account has, and proving one: a code is spent in the same write that believes it.

Spec: RFC 6238 section 5.2 (a code is accepted once), OWASP ASVS 6.5.1 (once, also concurrently), 6.5.6 (removable).
"""

from __future__ import annotations

from typing import Final

import msgspec

from keystead.core.records.account import Account
from keystead.core.records.factor import RECOVERY_CODES, TOTP, Factor
from keystead.core.sealing import Sealer
from keystead.core.security_events import CREDENTIAL_CHANGE, USER, SecurityEvent, by
from keystead.core.values import EpochSeconds, new_identifier
from keystead.identity.factors.recovery import looks_like_one, mac_of
from keystead.identity.factors.totp import STEP_SECONDS, step_of
from keystead.identity.security_events import tell
from keystead.storage.ports import Read, Stored, Write, claim, find, get, put, remove

MOST_FACTORS: Final = 20
_PURPOSE: Final = "totp_step"
_REMEMBER: Final = 10 * STEP_SECONDS


def factors_of(realm: str, account: str, now: EpochSeconds) -> Read[list[Factor]]:
    """Return an account's factors, the oldest first."""
    found = yield from find(Factor, realm, now, index="account", value=account)
    return sorted(found, key=lambda factor: (factor.created_at, factor.id))


def prove(sealer: Sealer, account: Account, typed: str, now: EpochSeconds) -> Write[Factor | None]:
    """Spend a code, and return the factor it proves. None: wrong, or used before."""
    for factor in (yield from factors_of(account.realm, account.id, now)):
        proved = yield from _spend(sealer, factor, typed, now)
        if proved is not None:
            return proved
    return None


def _spend(sealer: Sealer, factor: Factor, typed: str, now: EpochSeconds) -> Write[Factor | None]:
    used = msgspec.structs.replace(factor, last_used_at=now)
    if factor.type == TOTP:
        secret = sealer.open(factor.realm, Factor.kind, factor.id, factor.sealed)
        step = step_of(secret, "".join(typed.split()), now) if secret is not None else None
        key = f"{factor.id}:{step}"
        if step is None or not (yield from claim(factor.realm, _PURPOSE, key, EpochSeconds(now + _REMEMBER), now)):
            return None
    elif factor.type == RECOVERY_CODES and looks_like_one(typed):
        mac = mac_of(sealer, factor.realm, factor.account, typed)
        if mac not in factor.code_macs:
            return None
        used = msgspec.structs.replace(used, code_macs=tuple(one for one in factor.code_macs if one != mac))
    else:
        return None
    outcome = yield from put(used, now)
    return outcome.record if isinstance(outcome, Stored) else None


class NewFactor(msgspec.Struct, frozen=True, kw_only=True):
    """What is enrolled: the secret of an app, or the macs of recovery codes."""

    type: str
    name: str = ""
    secret: bytes = b""
    code_macs: tuple[str, ...] = ()


def enrol(sealer: Sealer, account: Account, new: NewFactor, now: EpochSeconds) -> Write[Factor | None]:
    """Add a factor. A new set of recovery codes takes the place of the old one. None: there are too many."""
    before = yield from factors_of(account.realm, account.id, now)
    if len(before) >= MOST_FACTORS:
        return None
    if new.type == RECOVERY_CODES:
        for old in before:
            if old.type == RECOVERY_CODES:
                yield from remove(Factor, old.realm, old.id)
    id = new_identifier("fac")
    factor = Factor(
        realm=account.realm,
        id=id,
        account=account.id,
        type=new.type,
        name=new.name,
        sealed=sealer.seal(account.realm, Factor.kind, id, new.secret) if new.secret else b"",
        code_macs=new.code_macs,
        created_at=now,
    )
    yield from put(factor, now)
    yield from _note(account, "create", new.type, now)
    return factor


def withdraw(account: Account, factor_id: str, now: EpochSeconds) -> Write[Factor | None]:
    """Take a factor away; with the last app the recovery codes go too. None: it is not this account's."""
    factors = yield from factors_of(account.realm, account.id, now)
    going = next((factor for factor in factors if factor.id == factor_id), None)
    if going is None:
        return None
    left = [factor for factor in factors if factor.id != factor_id]
    if not any(factor.type == TOTP for factor in left):
        for factor in left:
            yield from remove(Factor, factor.realm, factor.id)
    yield from remove(Factor, going.realm, going.id)
    yield from _note(account, "delete", going.type, now)
    return going


def _note(account: Account, change: str, type: str, now: EpochSeconds) -> Write[None]:
    """Keep the account's own list in step, and tell others."""
    stored = yield from get(Account, account.realm, account.id, now)
    if stored is not None:
        factors = yield from factors_of(account.realm, account.id, now)
        kinds = tuple(sorted({factor.type for factor in factors if factor.type != RECOVERY_CODES}))
        yield from put(msgspec.structs.replace(stored, second_factors=kinds, updated_at=now), now)
    facts = {"credential_type": "app", "change_type": change, **by(USER, f"{type} on the page of their factors")}
    event = SecurityEvent(type=CREDENTIAL_CHANGE, subject=account.id, email=account.email, facts=facts, at=now)
    yield from tell(account.realm, event, now)
