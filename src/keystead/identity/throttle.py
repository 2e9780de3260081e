"""The brake on guessing: counts every attempt before it is judged, so that parallel guesses cannot outrun it.

Buckets of a sign-in, by increasing trust:
  address         an IPv4 address or an IPv6 /64, over all account names
  account         one account name, from browsers that never signed in to it
  known browser   one account name at one browser that signed in to it before (see known_browsers.py)
Beside them, `user_code` counts wrong codes of devices by address; `person_code` wrong codes that clients send along for
one person, `hint` names nobody has that one client asked for; `sign_up` counts accounts made from one address.
After a few free failures each further one doubles the wait, up to a quarter of an hour. Nobody is locked out: waits
end by themselves, and strangers who guess at an account make only strangers wait, not its owner's own browser.
Unknown names are counted like known ones, so waiting tells nothing.
Spec: NIST SP 800-63B section 3.2.2 (rate limiting), OWASP ASVS 6.1.1 and 6.3.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from keystead.core.networks import network_of
from keystead.core.records.throttle import Throttle
from keystead.core.values import EpochSeconds, Seconds
from keystead.storage.ports import Write, get, put, remove

LONGEST_WAIT: Final = 900
_MEMORY: Final = 24 * 3600
_FREE_FAILURES: Final = {
    "address": 20,
    "account": 5,
    "known_browser": 10,
    "user_code": 10,
    "person_code": 5,
    "hint": 50,
    "sign_up": 10,
    "password_change": 5,
    "second_factor": 5,
}
_LARGEST_SHIFT: Final = 20


class Bucket(msgspec.Struct, frozen=True):
    """One thing that is counted. `id` is a digest; the name itself is not stored."""

    kind: str
    id: str


class Wait(msgspec.Struct, frozen=True):
    """Not now: try again in `seconds`."""

    seconds: Seconds
    bucket: str


def buckets(username: str, address: str, known_browser: str) -> tuple[Bucket, ...]:
    """Return the buckets of an attempt. `known_browser` is empty, or names a browser that proved to be known."""
    if known_browser:
        return (_bucket("known_browser", f"{len(username)}:{username}:{known_browser}"),)
    return (_bucket("address", network_of(address)), _bucket("account", username))


def user_code_buckets(address: str) -> tuple[Bucket, ...]:
    """Return the bucket of an attempt to guess a device's user code. Spec: RFC 8628 section 5.1."""
    return (_bucket("user_code", network_of(address)),)


class StoredBrake:
    """The brake on everything else that can be guessed: one bucket for each kind and text."""

    def take(self, realm: str, kind: str, text: str, now: EpochSeconds) -> Write[int]:
        """Count one attempt and return 0, or count nothing and return the seconds to wait."""
        wait = yield from take_attempt(realm, (_bucket(kind, text),), now)
        return wait.seconds if wait is not None else 0

    def forgive(self, realm: str, kind: str, text: str, now: EpochSeconds) -> Write[None]:
        """Take back what was counted, because an attempt was right."""
        yield from forgive(realm, (_bucket(kind, text),), now)


def take_attempt(realm: str, counted: Sequence[Bucket], now: EpochSeconds) -> Write[Wait | None]:
    """Count an attempt as failed in every bucket and return None, or count nothing and say how long to wait."""
    records = []
    for bucket in counted:
        record = yield from get(Throttle, realm, bucket.id, now)
        record = record or Throttle(realm=realm, id=bucket.id)
        if record.blocked_until > now:
            return Wait(Seconds(record.blocked_until - now), bucket.kind)
        records.append(record)
    for bucket, record in zip(counted, records, strict=True):
        failures = record.failures + 1
        wait = _wait_after(bucket.kind, failures)
        yield from put(
            msgspec.structs.replace(
                record,
                failures=failures,
                last_failure_at=now,
                blocked_until=EpochSeconds(now + wait),
                expires_at=EpochSeconds(now + _MEMORY),
            ),
            now,
        )
    return None


def forgive(realm: str, counted: Sequence[Bucket], now: EpochSeconds) -> Write[None]:
    """Take back what the attempt cost, because it was right. The account starts afresh; the address only gets its one
    back, so that signing in to an own account does not buy guesses at others'."""
    for bucket in counted:
        if bucket.kind in ("address", "user_code", "hint"):
            yield from uncount(realm, (bucket,), now)
        else:
            yield from remove(Throttle, realm, bucket.id)


def uncount(realm: str, counted: Sequence[Bucket], now: EpochSeconds) -> Write[None]:
    """Take back one counted attempt in every bucket, because it was not judged, or was right."""
    for bucket in counted:
        record = yield from get(Throttle, realm, bucket.id, now)
        if record is not None:
            failures = max(0, record.failures - 1)
            yield from put(msgspec.structs.replace(record, failures=failures, blocked_until=now), now)


def _wait_after(kind: str, failures: int) -> int:
    beyond = failures - _FREE_FAILURES[kind]
    return 0 if beyond < 0 else min(LONGEST_WAIT, 1 << min(beyond, _LARGEST_SHIFT))


def _bucket(kind: str, text: str) -> Bucket:
    return Bucket(kind, hashlib.sha256(f"throttle:{kind}:{text}".encode("utf-8", "surrogatepass")).hexdigest())
