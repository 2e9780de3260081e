"""The list that comes along, damaged files, and the range API."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from keystead.core.errors import ConfigurationError
from keystead.core.http import Headers
from keystead.core.protocols import Fetched, OutboundRefused
from keystead.core.values import Secret
from keystead.identity.breached.known import KnownPasswords
from keystead.identity.breached.reading import open_breached, open_common


async def test_common_passwords_are_known_without_any_setting() -> None:
    known = KnownPasswords()
    assert await known.knows(Secret("password123"))
    assert await known.knows(Secret("PassWord123"))
    assert not await known.knows(Secret("a lantern by the water"))


def test_a_damaged_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    whole = open_common()
    assert whole.layout.count > 10_000
    content = bytes(whole._content)
    for number, damaged in enumerate((b"", content[:20], content[:-1], b"x" + content[1:])):
        (tmp_path / f"{number}").write_bytes(damaged)
        with pytest.raises(ConfigurationError, match="keystead breached build"):
            open_breached(tmp_path / f"{number}")
    with pytest.raises(ConfigurationError, match="No such file"):
        open_breached(tmp_path / "missing")


PASSWORD = Secret("only the range service knows this")
DIGITS = hashlib.sha1(PASSWORD.reveal().encode()).hexdigest().upper()


class RangeService:
    """Answers every range with the rest of one hash, another's, and padding."""

    def __init__(self, *, away: bool = False) -> None:
        self.asked: list[str] = []
        self.away = away

    async def get(self, url: str, *, maximum: int = 65_536, accept: str = "application/json") -> Fetched:
        """Answer."""
        self.asked.append(url)
        if self.away:
            raise OutboundRefused("nobody there")
        return Fetched(200, (), f"{'0' * 35}:3\r\n{DIGITS[5:]}:7\r\n{'F' * 35}:0\r\n".encode())

    async def post(self, url: str, body: bytes, headers: Headers, *, maximum: int = 65_536) -> Fetched:
        """Nobody posts."""
        raise OutboundRefused("not here")


async def test_the_range_service_learns_five_digits_and_decides() -> None:
    service = RangeService()
    known = KnownPasswords(range_api="https://range.test/range", outbound=service)
    assert await known.knows(PASSWORD)
    assert service.asked == [f"https://range.test/range/{DIGITS[:5]}"]
    assert not await known.knows(Secret("nobody knows this one at all"))


async def test_a_range_service_that_is_away_is_no_reason_to_refuse() -> None:
    known = KnownPasswords(range_api="https://range.test", outbound=RangeService(away=True))
    assert not await known.knows(PASSWORD)
