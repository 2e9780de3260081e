"""Copies stores: models and assertions, then tuples page by page, then what changed meanwhile; and compares.

Run again it reads only what has changed since, so that an import can be made days before the switch and be brought up
to date in its last minute.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from keystead.api.openfga.times import text_of_seconds
from keystead.app.openfga_import.client import AuthorizationServer
from keystead.app.openfga_import.fingerprint import Fingerprint
from keystead.app.openfga_import.progress import ProgressFile, StoreProgress
from keystead.app.openfga_import.target import Target
from keystead.app.openfga_import.tuples import milliseconds_of, tuple_of
from keystead.authz.engine.plan import compile_model
from keystead.authz.errors import ModelError
from keystead.authz.served.model_documents import read_document, write_document
from keystead.core.values import EpochSeconds

_MARGIN: Final = 60
"""Seconds before the beginning from which changes are read: the clocks of two machines differ."""
_SHOWN_EVERY: Final = 5_000

Json = dict[str, Any]
Tell = Callable[[str], None]


class Found(msgspec.Struct):
    """What an import found in one store, for the summary. `same` says whether both sides hold the same tuples."""

    store: str
    name: str
    models: int = 0
    assertions: int = 0
    tuples: int = 0
    changes: int = 0
    warnings: list[str] = []
    same: bool = True


class Copying:
    """One import. Without a target it only looks."""

    def __init__(
        self,
        source: AuthorizationServer,
        target: Target | None,
        state: ProgressFile | None,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        self._source = source
        self._target = target
        self._state = state
        self._clock = clock
        self._tell = tell

    async def copy(self, store: Json) -> Found:
        """Copy one store, or go on with it, and compare. Raises: ServerRefused, ConfigurationError."""
        found = Found(store["id"], store["name"])
        progress = self._progress(store)
        if self._target is not None:
            made, changed = milliseconds_of(store["created_at"]), milliseconds_of(store["updated_at"])
            known = self._state is not None and store["id"] in self._state.progress.stores
            await self._target.make(store["id"], store["name"], made, changed, known=known)
            if self._state is not None:
                self._state.progress.stores[store["id"]] = progress
        self._save()
        await self._copy_models(found)
        if progress.stage == "models":
            progress.began, progress.stage = text_of_seconds(int(self._clock()) - _MARGIN), "tuples"
            self._save()
        if progress.stage == "tuples":
            await self._copy_tuples(found, progress)
        if self._target is not None:
            await self._apply_changes(found, progress)
            await self._compare(found)
        return found

    async def _copy_models(self, found: Found) -> None:
        """Copy models and what they are held to; a model that never compiles is kept, and said."""
        async for model in self._source.models(found.store):
            document = msgspec.json.encode(model)
            try:
                compile_model(read_document(document))
            except ModelError as error:
                found.warnings.append(f"model {model['id']} cannot be used here: {error}")
            assertions = await self._source.assertions(found.store, model["id"])
            if self._target is not None:
                await self._target.keep_model(found.store, model["id"], write_document(document))
                if assertions:
                    await self._target.keep_assertions(
                        found.store, model["id"], msgspec.json.encode(assertions).decode()
                    )
            found.models += 1
            found.assertions += len(assertions)
        self._tell(f"{found.name}: {found.models} models, {found.assertions} assertions")

    async def _copy_tuples(self, found: Found, progress: StoreProgress) -> None:
        if progress.copied:
            self._tell(f"{found.name}: going on after {progress.copied:,} tuples")
        while True:
            page, after = await self._source.read(found.store, progress.after)
            if self._target is not None and page:
                await self._target.write(found.store, (tuple_of(each["key"]) for each in page), self._now())
            before, progress.copied = progress.copied, progress.copied + len(page)
            progress.after = after
            if before // _SHOWN_EVERY != progress.copied // _SHOWN_EVERY:
                self._tell(f"{found.name}: {progress.copied:,} tuples")
            if not after:
                break
            self._save()
        progress.stage = "changes"
        found.tuples = progress.copied
        self._save()

    async def _apply_changes(self, found: Found, progress: StoreProgress) -> None:
        """Apply what changed at the source since the first page was read. Doing one twice changes nothing."""
        assert self._target is not None
        while True:
            page, after = await self._source.changes(found.store, progress.changes, progress.began)
            for change in page:
                gone = change["operation"] == "TUPLE_OPERATION_DELETE"
                await self._target.replace(found.store, tuple_of(change["tuple_key"]), self._now(), gone=gone)
            found.changes += len(page)
            ended = not page or after == progress.changes
            progress.changes = after
            self._save()
            if ended:
                return

    async def _compare(self, found: Found) -> None:
        assert self._target is not None
        source, after = Fingerprint(), ""
        while True:
            page, after = await self._source.read(found.store, after)
            for each in page:
                source.add(tuple_of(each["key"]))
            if not after:
                break
        here = await self._target.fingerprint(found.store)
        found.tuples, found.same = here.count, here == source
        if not found.same:
            found.warnings.append(
                f"{source.count:,} tuples there and {here.count:,} here are not the same; if the source is written to, "
                "run the import again: it applies what has changed since"
            )

    def _progress(self, store: Json) -> StoreProgress:
        known = self._state.progress.stores.get(store["id"]) if self._state is not None else None
        return known or StoreProgress(name=store["name"])

    def _save(self) -> None:
        if self._state is not None:
            self._state.save()

    def _now(self) -> EpochSeconds:
        return EpochSeconds(int(self._clock()))
