"""The shape of a response mode."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import msgspec

from keystead.core.http import Reply
from keystead.core.records.client import Client
from keystead.core.spec import Section
from keystead.core.trace import TraceContext
from keystead.core.values import EpochSeconds
from keystead.oauth.context import ServerContext


class AuthorizationResponse(msgspec.Struct, frozen=True, kw_only=True):
    """An answer for a client: `parameters` go to its proven `redirect_uri`.

    `after_form` says that a form of ours was just posted by a browser that holds form-action against redirects.
    """

    realm: str
    realm_name: str = ""
    client: Client
    redirect_uri: str
    parameters: tuple[tuple[str, str], ...]
    now: EpochSeconds
    trace: TraceContext
    after_form: bool = False


class ResponseMode(ABC):
    """One way for an authorization response to travel.

    `name` is the value of `response_mode`; a `signed` mode carries one JWT, which says everything.
    """

    name: ClassVar[str]
    specs: ClassVar[tuple[Section, ...]]
    signed: ClassVar[bool] = False

    @abstractmethod
    async def reply(self, response: AuthorizationResponse, cx: ServerContext) -> Reply:
        """Return the reply that carries the response through the browser."""
