"""What a newcomer gets wrong is told at once, with what to do instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from keystead.authz import InvalidQuery, InvalidRelationship, open_sync, read_model_file, relationship
from keystead.authz.blocking import BlockingAuthorizationEngine
from keystead.core.errors import ConfigurationError, StorageUnavailable
from keystead.sdk.shared_facts import SharedFacts

MODEL = """
model
  schema 1.1
type user
type order
  relations
    define owner: [user, user with small]
condition small(amount: int) { amount < 10 }
"""


@pytest.fixture
def engine() -> Iterator[BlockingAuthorizationEngine]:
    """An engine with one tuple."""
    with open_sync("memory://", model=MODEL) as engine:
        engine.write(["order:1#owner@user:alice"])
        yield engine


def test_a_misspelt_option_is_refused() -> None:
    options = cast("dict[str, Any]", {"table": "keystead_"})
    with pytest.raises(TypeError, match=r"no option table: .* realm, store, .*tables"):
        open_sync("memory://", model=MODEL, **options)


@pytest.mark.parametrize("model", ["shop.fga", Path("shop.fga"), None], ids=["name", "path", "none"])
def test_what_is_no_model_is_refused_with_the_way_to_read_a_file(model: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"model: pass the text of a model, or what `read_model_file\(path\)`"):
        open_sync("memory://", model=model)


def test_a_model_file_may_be_named_by_text(tmp_path: Path) -> None:
    (tmp_path / "shop.fga").write_text(MODEL, "utf-8")
    assert read_model_file(str(tmp_path / "shop.fga")) == read_model_file(tmp_path / "shop.fga")


def test_sqlite_in_memory_makes_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"memory://"):
        open_sync("sqlite:///:memory:", model=MODEL)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.write("order:1#owner@user:bob"),
        lambda engine: engine.write([("order:1", "owner", "user:bob")]),
        lambda engine: engine.write([{"object": "order:1", "relation": "owner", "user": "user:bob"}]),
        lambda engine: engine.check("user:bob", "owner", "order:1", tuples="order:1#owner@user:bob"),
        lambda engine: relationship("order:1#owner@user:bob", expires_at=cast("int", 1.5)),
        lambda engine: relationship("order:1#owner@user:bob", condition="small", context={"amount": object()}),
    ],
    ids=["one-text", "python-tuple", "dict", "tuples-one-text", "expires-at-fraction", "context-not-json"],
)
def test_what_is_no_tuple_is_refused(
    engine: BlockingAuthorizationEngine, ask: Callable[[BlockingAuthorizationEngine], object]
) -> None:
    with pytest.raises(
        InvalidRelationship, match=r"a list of tuples belongs|`relationship|whole seconds|cannot be JSON"
    ):
        ask(engine)


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: engine.check("user:alice", "owner", 1),
        lambda engine: engine.check("user:alice", "owner", "order:1", context="amount"),
        lambda engine: engine.read(object="order"),
        lambda engine: engine.read(object="order:1#owner"),
        lambda engine: engine.read(object=1),
        lambda engine: engine.read(user="alice"),
        lambda engine: engine.read(relation="is owner"),
    ],
    ids=["number", "context-text", "no-id", "userset", "read-number", "no-type", "two-words"],
)
def test_what_is_no_question_is_refused(
    engine: BlockingAuthorizationEngine, ask: Callable[[BlockingAuthorizationEngine], object]
) -> None:
    with pytest.raises(InvalidQuery):
        ask(engine)


def test_what_reads_well_is_read(engine: BlockingAuthorizationEngine) -> None:
    for object, user in (("order:", ""), ("order:1", ""), ("", "user:alice"), ("", "")):
        assert len(engine.read(object=object, user=user)) == 1
    assert engine.read(object="gone:") == []  # a type of an older model may still have tuples


def test_a_closed_engine_says_so(engine: BlockingAuthorizationEngine) -> None:
    engine.close()
    for ask in (lambda: engine.check("user:alice", "owner", "order:1"), lambda: engine.read()):
        with pytest.raises(StorageUnavailable, match="closed"):
            ask()


def test_a_forked_engine_says_so_and_does_not_hang(engine: BlockingAuthorizationEngine) -> None:
    engine.check("user:alice", "owner", "order:1")
    child = os.fork()
    if child == 0:  # pragma: no cover  # it has no way to report
        refused = 0
        for ask in (lambda: engine.check("user:alice", "owner", "order:1"), lambda: engine.read()):
            try:
                ask()
            except ConfigurationError as error:
                refused += "each worker" in str(error)
        os._exit(7 if refused == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_commands_without_their_parts_say_what_to_install() -> None:
    program = "import sys; sys.modules['click'] = None; from keystead.cli.main import main"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "keystead: the commands need parts that are not installed: pip install 'keystead[server]'"
    )


def test_shared_types_the_model_does_not_have_are_refused() -> None:
    for types in (["user", "groop"], "user"):
        facts = SharedFacts("https://id.example/authz", "01HVMMBCMGZNT3SED4Z17ECXCA", types, token=lambda: "none")
        with pytest.raises(ConfigurationError, match=r"shared types .* are not in the model: it has order, user"):
            open_sync("memory://", model=MODEL, shared=facts)
