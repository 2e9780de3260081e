"""The shape of a response mode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from keystead.core.http import Headers, Reply
from keystead.core.spec import Section


class ResponseMode(ABC):
    """One way for an authorization response to travel. `name` is the value of `response_mode`."""

    name: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]

    @abstractmethod
    def reply(self, redirect_uri: str, parameters: Sequence[tuple[str, str]], headers: Headers) -> Reply:
        """Return the response that carries `parameters` to a proven `redirect_uri`, with further headers."""
