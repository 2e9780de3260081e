"""Remembers every secret a test met, and finds it again where it must never be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.token_likes import leaking_lines

_SHORTEST = 12
_TELLING = 32
_WORD = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_RUN = re.compile(rf"[A-Za-z0-9_-]{{{_SHORTEST},}}", re.ASCII)


class Witness:
    """The secrets of one test."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def saw(self, what: str, secret: str | None) -> str:
        """Remember a secret, and return it."""
        if secret and len(secret) >= _SHORTEST:
            # The end of a token tells it from any other: of a JWT it is the signature.
            self._secrets[secret[-_TELLING:]] = what
        return secret or ""

    def saw_reply(self, document: object) -> None:
        """Remember what a token reply holds."""
        if isinstance(document, dict):
            for name in ("access_token", "refresh_token", "id_token"):
                if isinstance(document.get(name), str):
                    self.saw(name, document[name])

    def leaks(self, files: list[Path]) -> list[str]:
        """Return what was found, and in which file: the kind of secret and the line, never the secret."""
        found = leaking_lines(files)
        words = {secret: what for secret, what in self._secrets.items() if _WORD.fullmatch(secret)}
        lengths = sorted({len(secret) for secret in words})
        for file in files:
            text = file.read_text(errors="replace")
            hidden = [(secret, what) for secret, what in self._secrets.items() if secret not in words]
            for position, what in (*_plain(text, hidden), *_among_words(text, words, lengths)):
                line = text.count("\n", 0, position) + 1
                found.append(f"{file.name}:{line} holds a {what}")
        return found


def _plain(text: str, secrets: list[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    for secret, what in secrets:
        if secret in text:
            yield text.index(secret), what


def _among_words(text: str, words: dict[str, str], lengths: list[int]) -> Iterator[tuple[int, str]]:
    """Look through the text once, however many secrets there are: a storm makes ten thousands, and long logs."""
    for run in _RUN.finditer(text):
        word = run[0]
        for length in lengths:
            for start in range(len(word) - length + 1):
                if word[start : start + length] in words:
                    yield run.start() + start, words[word[start : start + length]]
