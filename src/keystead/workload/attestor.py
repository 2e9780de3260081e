"""The shape of an attestor plug-in: one file, one object, which finds one kind of fact about a local process.

An attestor owns one key under `workloads[].attest`: its `name`. What stands under that key is its `Selectors`, a strict
struct: unknown selectors are refused, and so is an empty one, because it would match everybody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar, cast

import msgspec

from keystead.core.decisions import Check
from keystead.core.errors import ConfigurationError
from keystead.workload.peer import Peer


class Selectors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must be found, all of it. Subclasses add optional fields; at least one must be given."""


S = TypeVar("S", bound=Selectors)


class Attestor(ABC, Generic[S]):
    """Finds facts about a process and compares them with selectors.

    `name` is the key under `attest`; `selectors` the struct of what may stand there.
    """

    name: ClassVar[str]
    selectors: ClassVar[type[Selectors]]

    def parse(self, workload: str, document: Mapping[str, Any]) -> S:
        """Read the selectors of one workload, once, when the agent starts.

        Raises: ConfigurationError naming the workload and what to write instead.
        """
        where = f"workload {workload}, attest.{self.name}"
        if not document:
            raise ConfigurationError(
                "at least one selector is needed; an empty one would match every process", where=where
            )
        try:
            parsed = cast("S", msgspec.convert(dict(document), self.selectors))
        except msgspec.ValidationError as error:
            known = ", ".join(self.selectors.__struct_fields__)
            raise ConfigurationError(f"{error}. Known selectors: {known}", where=where) from error
        return self.resolve(parsed, where)

    def resolve(self, selectors: S, where: str) -> S:
        """Complete the selectors with what this machine knows (a uid for a user name). Default: nothing to do.

        Raises: ConfigurationError when they can never be safe or never match.
        """
        return selectors

    @abstractmethod
    def facts(self, peer: Peer) -> Mapping[str, Any]:
        """Return public facts about the peer, cheap ones, for the log and the assertion.

        Raises: PeerGone.
        """

    @abstractmethod
    def match(self, selectors: S, peer: Peer) -> tuple[Check, ...]:
        """Return one check per selector given. The peer matches when there is at least one and all passed.

        Raises: PeerGone.
        """
