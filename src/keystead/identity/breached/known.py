"""All that is known of breached passwords, as one question: the list that comes along, the operator's, the range API.

Spec: NIST SP 800-63B section 3.1.1.2. The range API is that of Have I Been Pwned: five hexadecimal digits of the
SHA-1 are sent, the rest of every match comes back, so that whoever answers does not learn the password (k-anonymity).
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from keystead.core.decisions import Check, Decision, Journal
from keystead.core.protocols import Outbound, OutboundRefused
from keystead.core.values import Secret
from keystead.identity.breached.reading import BreachedFile, open_common

_SENT_DIGITS: Final = 5
_LARGEST_ANSWER: Final = 262_144
_DEADLINE_SECONDS: Final = 2.0


class KnownPasswords:
    """The `BreachedPasswords` of a running issuer. `own` is the operator's file, `range_api` a URL, empty: none.

    Does not: refuse a password because the range API is away; the files have been asked by then, and the journal says
    `breached.range_unavailable`.
    """

    def __init__(
        self,
        own: BreachedFile | None = None,
        *,
        range_api: str = "",
        outbound: Outbound | None = None,
        journal: Journal | None = None,
    ) -> None:
        self._files = [open_common(), *([own] if own is not None else [])]
        self._range_api = range_api.rstrip("/")
        self._outbound = outbound
        self._journal = journal

    async def knows(self, password: Secret) -> bool:
        """Tell whether a password is on any list, as typed or in lower case."""
        folded = Secret(password.reveal().lower())
        if any(file.holds(each) for file in self._files for each in (password, folded)):
            return True
        if not self._range_api or self._outbound is None:
            return False
        try:
            async with asyncio.timeout(_DEADLINE_SECONDS):
                return await self._in_range(password, self._outbound)
        except (OutboundRefused, TimeoutError) as error:
            self._say_unavailable(str(error))
            return False

    async def _in_range(self, password: Secret, outbound: Outbound) -> bool:
        digest = hashlib.sha1(password.reveal().encode("utf-8", "surrogatepass"), usedforsecurity=False)
        digits = digest.hexdigest().upper()
        prefix, rest = digits[:_SENT_DIGITS], digits[_SENT_DIGITS:].encode()
        url = f"{self._range_api}/{prefix}"
        answer = await outbound.get(url, maximum=_LARGEST_ANSWER, accept="text/plain")
        if answer.status != 200:
            raise OutboundRefused(f"{self._range_api} answered {answer.status}")
        for line in answer.body.splitlines():
            found, _, count = line.strip().partition(b":")
            if found.upper() == rest:
                return count != b"0"  # padding has a count of 0
        return False

    def _say_unavailable(self, why: str) -> None:
        if self._journal is not None:
            self._journal.record(
                Decision(
                    action="password.look_up",
                    allowed=False,
                    reason="breached.range_unavailable",
                    checks=(Check("range_api", False, why or "no answer in time"),),
                )
            )
