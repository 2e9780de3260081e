"""What services import does not change by accident."""

from __future__ import annotations

from tests.conventions.public_api import SNAPSHOT, describe


def test_the_public_api_is_as_written_down() -> None:
    assert SNAPSHOT.read_text() == describe(), (
        "the public API changed: if that is meant, run `python -m tests.conventions.public_api`, commit the snapshot "
        "and say it in changes/"
    )
