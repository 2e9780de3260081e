"""Recognises what looks like a token of ours, wherever it stands: in a log line it must never stand."""

from __future__ import annotations

import re
from pathlib import Path

_HANDLE = r"ks[acrdq]_[A-Za-z0-9_-]{24,}"
_JWT = r"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}"
_COOKIE = r"__Host-keystead[a-z-]*=[A-Za-z0-9_-]{24,}"
_BASIC = r"\b(?:Basic|Bearer) [A-Za-z0-9._~+/-]{24,}"
_TOKEN_LIKE = re.compile("|".join((_HANDLE, _JWT, _COOKIE, _BASIC)))


def token_likes(text: str) -> list[str]:
    """Return the beginning of everything that looks like a token."""
    return [f"{match[0][:12]}..." for match in _TOKEN_LIKE.finditer(text)]


def leaking_lines(files: list[Path]) -> list[str]:
    """Return `file:line` and the beginning of every token-like text in log files."""
    return [
        f"{file.name}:{number} {found}"
        for file in files
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1)
        for found in token_likes(line)
    ]
