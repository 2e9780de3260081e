"""Who is behind a subject, for the X-ray page: the log names people by their random subject alone."""

from __future__ import annotations

import time

from keystead.app.stores import open_store
from keystead.core.records.account import Account
from keystead.core.values import EpochSeconds
from keystead.demo.places import REALM, Places
from keystead.storage.ports import find


async def people_by_subject(places: Places) -> dict[str, str]:
    """Return the user name of each subject, from the issuer's database."""
    store = open_store(f"sqlite:///{places.directory}/keystead.db", places.directory)
    try:
        accounts = await store.read(find(Account, REALM, EpochSeconds(int(time.time()))))
    finally:
        await store.close()
    return {account.id: account.username for account in accounts}
