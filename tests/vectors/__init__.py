"""Reading the vectors of others."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent


def load(name: str) -> Any:
    """Return one file of vectors."""
    return json.loads((HERE / name).read_text("utf-8"))


def wycheproof(name: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Return (group, test) of one Wycheproof file."""
    for group in load(f"wycheproof/{name}.json")["testGroups"]:
        for test in group["tests"]:
            yield group, test


def json_test_suite() -> dict[str, bytes]:
    """Return the texts of JSONTestSuite by file name."""

    def text(entry: Any) -> bytes:
        if isinstance(entry, str):
            return base64.b64decode(entry)
        unit: bytes = base64.b64decode(entry["repeat"])
        return unit * int(entry["times"]) + base64.b64decode(entry["tail"])

    return {name: text(entry) for name, entry in load("json_test_suite/test_parsing.json").items()}
