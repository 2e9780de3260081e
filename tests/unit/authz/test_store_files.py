"""Store files, read and run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from keystead.authz import InvalidRelationship, ModelError, open_sync
from keystead.authz.storefile import run_store_file
from keystead.cli.authz import command
from keystead.core.errors import ConfigurationError

MODEL: Final = "\n  model\n    schema 1.1\n  type user\n"
CASES: Final = Path(__file__).parents[2] / "cases"


def run(*arguments: str) -> Result:
    """Run `keystead authz`."""
    return CliRunner().invoke(command, arguments)


@pytest.mark.parametrize("path", sorted(CASES.glob("*.fga.yaml")), ids=lambda path: path.name)
def test_every_case_holds(path: Path) -> None:
    outcomes = run_store_file(path)
    assert outcomes
    assert [outcome for outcome in outcomes if not outcome.passed] == []


def test_the_command_runs_several_files() -> None:
    result = run("test", str(CASES / "shop.fga.yaml"), str(CASES / "circles.fga.yaml"))
    assert result.exit_code == 0, result.output
    assert result.output == "27 passed, 0 failed\n"


def test_a_failing_assertion_says_why(tmp_path: Path) -> None:
    text = (
        (CASES / "shop.fga.yaml")
        .read_text("utf-8")
        .replace("assertions: {can_refund: true}", "assertions: {can_refund: false}")
    )
    (tmp_path / "shop.fga").write_bytes((CASES / "shop.fga").read_bytes())
    (tmp_path / "wrong.fga.yaml").write_text(text, "utf-8")
    result = run("test", str(tmp_path / "wrong.fga.yaml"))
    assert result.exit_code == 1
    assert "FAIL nobody refunds their own order: user:nick can_refund order:17: expected no, is yes" in result.output
    assert "shop:main#clerk: given to team:clerks#member" in result.output


def test_verbose_shows_the_proof_of_what_passed() -> None:
    assert "order:17#owner: named by a tuple" in run("test", "-v", str(CASES / "shop.fga.yaml")).output


def test_explaining_from_a_file() -> None:
    yes = run("explain", "user:nick", "can_view", "order:17", "--file", str(CASES / "shop.fga.yaml"))
    assert (yes.exit_code, yes.output.splitlines()[0]) == (0, "allowed")
    no = run("explain", "user:bob", "can_view", "order:17", "--file", str(CASES / "shop.fga.yaml"))
    assert no.exit_code == 1
    assert no.output.startswith("denied (authz.no_path)")


def test_explaining_from_a_database(tmp_path: Path) -> None:
    url, model = f"sqlite:///{tmp_path}/shop.db", CASES / "shop.fga"
    with open_sync(url, model=model.read_text("utf-8"), realm="acme", store="shop") as engine:
        engine.write(["order:17#owner@user:alice"])
    asked = ("explain", "user:alice", "can_view", "order:17", "--database", url, "--model", str(model))
    assert run(*asked, "--store", "acme/shop").exit_code == 0
    assert run(*asked).exit_code == 1
    assert run("explain", "user:alice", "can_view", "order:17").exit_code == 2


def test_tuples_may_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "tuples.json").write_text(json.dumps([{"user": "user:a", "relation": "owner", "object": "order:1"}]))
    (tmp_path / "shop.fga").write_bytes((CASES / "shop.fga").read_bytes())
    (tmp_path / "s.fga.yaml").write_text(
        "model_file: shop.fga\ntuple_file: tuples.json\n"
        "tests: [{check: [{user: user:a, object: order:1, assertions: {viewer: true}}]}]"
    )
    assert [outcome.passed for outcome in run_store_file(tmp_path / "s.fga.yaml")] == [True]


@pytest.mark.parametrize(
    ("text", "error", "hint"),
    [
        ("model: [", ConfigurationError, "not YAML"),
        ("name: x", ConfigurationError, "either `model` or `model_file`"),
        ("model_file: missing.fga", ConfigurationError, "cannot read"),
        ("model: x\ntest: []", ConfigurationError, "test"),
        ("model: x\ntests: [{check: [{user: user:a, context: {}, assertions: {}}]}]", ConfigurationError, "context"),
        (f"model: |{MODEL}  typo doc\n", ModelError, "4:1"),
        (f"model: |{MODEL}tuples: [{{user: user:a, relation: b, object: user:c}}]", InvalidRelationship, "no `b`"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, error: type[Exception], hint: str) -> None:
    path = tmp_path / "wrong.fga.yaml"
    path.write_text(text if "tests" in text else f"{text}\ntests: [{{}}]\n", "utf-8")
    with pytest.raises(error, match=hint):
        run_store_file(path)
