"""Whether somebody's authority still stands: the pure rules, the same wherever they are asked.

Does not: read anything. Callers bring the records of one snapshot.
"""

from __future__ import annotations

from keystead.core.records.account import Account
from keystead.core.records.session import Session
from keystead.core.values import EpochSeconds, Seconds


def session_is_live(session: Session, account: Account, idle_lifetime: Seconds, now: EpochSeconds) -> bool:
    """Return whether a person's session still signs them in at this issuer.

    Dead when it was ended, ran out (absolute or idle), or when the account was disabled or its authority renewed.
    Does not: apply to tokens bought with the session, which do not die because the browser was left alone.
    """
    return (
        session.ended_at is None
        and (session.expires_at is None or session.expires_at > now)
        and session.last_seen_at + idle_lifetime > now
        and account.enabled
        and account.id == session.subject
        and account.authority_epoch == session.authority_epoch
    )
