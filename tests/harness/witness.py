"""Remembers every secret a test met, and finds it again where it must never be."""

from __future__ import annotations

from pathlib import Path

from tests.token_likes import leaking_lines

_SHORTEST = 12
_TELLING = 32


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
        for file in files:
            text = file.read_text(errors="replace")
            for secret, what in self._secrets.items():
                if secret in text:
                    line = text[: text.index(secret)].count("\n") + 1
                    found.append(f"{file.name}:{line} holds a {what}")
        return found
