"""Store files, read and run as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from keystead.authz import InvalidRelationship, ModelError, open_sync
from keystead.authz.storefile import evaluator_of, run_store_file
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
    assert (
        "FAIL nobody refunds their own order: user:nick can_refund order:17\n     expected: no\n     got:      yes\n"
    ) in result.output
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
        ("model: x\ntests: [{check: [{user: user:a, assertions: {}}]}]", ConfigurationError, "either `object` or"),
        (
            "model: x\ntests: [{check: [{user: u:a, users: [u:b], object: d:1, assertions: {}}]}]",
            ConfigurationError,
            "user",
        ),
        (
            "model: x\ntests: [{check: [{user: user:a, object: d:1, assertions: {a: maybe}}]}]",
            ConfigurationError,
            "maybe",
        ),
        (f"model: |{MODEL}  typo doc\n", ModelError, "4:1"),
        (f"model: |{MODEL}tuples: [{{user: user:a, relation: b, object: user:c}}]", InvalidRelationship, "no `b`"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(tmp_path: Path, text: str, error: type[Exception], hint: str) -> None:
    path = tmp_path / "wrong.fga.yaml"
    path.write_text(text if "tests" in text else f"{text}\ntests: [{{}}]\n", "utf-8")
    with pytest.raises(error, match=hint):
        run_store_file(path)


ABAC: Final = """\
model: |
  model
    schema 1.1
  type user
  type group
    relations
      define member: [user]
  type document
    relations
      define viewer: [user with in_office, group#member, user:*] or owner
      define owner: [user]
      define auditor: [user] but not owner
  condition in_office(address: ipaddress, network: string) {
    address.in_cidr(network)
  }
tuples:
  - user: user:ann
    relation: viewer
    object: document:1
    condition: {name: in_office, context: {network: 10.0.0.0/8}}
  - {user: "group:staff#member", relation: viewer, object: document:1}
  - {user: user:bob, relation: member, object: group:staff}
  - {user: user:carl, relation: owner, object: document:1, expires_at: 2026-01-31T12:00:00Z}
now: 2026-01-31T11:59:59Z
tests:
"""


def test_contexts_lists_and_time(tmp_path: Path) -> None:
    path = tmp_path / "abac.fga.yaml"
    path.write_text(
        ABAC
        + """\
  - name: in the office
    check:
      - {user: user:ann, object: document:1, context: {address: 10.1.2.3}, assertions: {viewer: true}}
      - {user: user:ann, object: document:1, context: {address: 192.0.2.1}, assertions: {viewer: false}}
      - {user: user:ann, object: document:1, assertions: {viewer: conditional}}
      - {users: [user:bob, user:carl], objects: [document:1], assertions: {viewer: true}}
    list_objects:
      - {user: user:ann, type: document, context: {address: 10.1.2.3}, assertions: {viewer: [document:1], owner: []}}
    list_users:
      - object: document:1
        user_filter: [{type: user}, {type: group, relation: member}]
        context: {address: 10.9.9.9}
        assertions: {viewer: {users: [user:carl, user:ann, "group:staff#member", user:bob]}}
  - name: a second later
    now: 1769860800
    check:
      - {user: user:carl, object: document:1, assertions: {viewer: false, owner: false}}
""",
        "utf-8",
    )
    assert [outcome for outcome in run_store_file(path) if not outcome.passed] == []
    told = run("test", "-v", str(path))
    assert told.exit_code == 0
    assert "no test asks for document#auditor, group#member" in told.output


def test_a_wrong_list_names_who_is_missing_and_who_is_too_many(tmp_path: Path) -> None:
    path = tmp_path / "abac.fga.yaml"
    path.write_text(
        ABAC
        + """\
  - list_users:
      - object: document:1
        user_filter: [{type: user}]
        context: {address: 192.0.2.1}
        assertions: {viewer: {users: [user:ann, user:carl]}}
    list_objects:
      - {user: user:ann, type: document, assertions: {viewer: [document:1]}}
    check:
      - {user: user:ann, object: document:1, assertions: {reader: true}}
""",
        "utf-8",
    )
    told = run("test", str(path))
    assert told.exit_code == 1
    assert "missing: user:ann denied" in told.output
    assert "not expected: user:bob allowed" in told.output
    assert "got:      no list" in told.output
    assert "address" in told.output
    assert "no relation `reader`: it has auditor, owner, viewer" in told.output


TUPLES: Final = {
    "t.yaml": "- {user: user:a, relation: owner, object: order:1}\n",
    "t.json": '[{"user": "user:a", "relation": "owner", "object": "order:1"}]',
    "t.jsonl": '{"user": "user:a", "relation": "owner", "object": "order:1"}\n\n',
    "t.csv": "user_type,user_id,relation,object_type,object_id,expires_at\nuser,a,owner,order,1,\n",
}


@pytest.mark.parametrize("name", TUPLES)
def test_tuples_come_in_four_formats(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TUPLES[name], "utf-8")
    (tmp_path / "shop.fga").write_bytes((CASES / "shop.fga").read_bytes())
    (tmp_path / "s.fga.yaml").write_text(
        f"model_file: shop.fga\ntuple_files: [{name}]\n"
        "tests: [{check: [{user: user:a, object: order:1, assertions: {viewer: true}}]}]"
    )
    assert [outcome.passed for outcome in run_store_file(tmp_path / "s.fga.yaml")] == [True]


@pytest.mark.parametrize(
    ("name", "text", "hint"),
    [
        ("t.csv", "user_type,user_id\nuser,a\n", "column `relation`"),
        ("t.csv", "user_type,user_id,relation,object_type,object_id,colour\n", "column `colour`"),
        ("t.csv", "user_type,user_id,relation,object_type,object_id\nuser,a\n", "line 2 is not CSV"),
        (
            "t.csv",
            "user_type,user_id,relation,object_type,object_id,condition_name,condition_context\nu,a,r,o,1,c,[]",
            "line 2",
        ),
        ("t.jsonl", '{"user": "user:a"}', "tuple 1: .*missing required field"),
        ("t.jsonl", "\n{", "line 2 is not JSON"),
        ("t.json", "{}", "list of"),
        ("t.yaml", "- {user: 5, relation: owner, object: order:1}", "tuple 1"),
        ("t.txt", "", "not '.txt'"),
        ("t.yaml", "- {user: user:a, relation: owner, object: order:1, condition: {name: nobody}}", "owner"),
        ("t.yaml", "- {user: user:a, relation: owner, object: order:1, expires_at: tomorrow}", "not a timestamp"),
        ("t.yaml", "- {user: user:a, relation: owner, object: order:1, expires_at: 5}", "say when it asks"),
        ("t.yaml", "- " * 100_000, "not YAML"),
    ],
)
def test_wrong_tuples_are_refused_with_file_and_line(tmp_path: Path, name: str, text: str, hint: str) -> None:
    (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "shop.fga").write_bytes((CASES / "shop.fga").read_bytes())
    (tmp_path / "s.fga.yaml").write_text(f"model_file: shop.fga\ntuple_file: {name}\ntests: [{{}}]")
    with pytest.raises((ConfigurationError, InvalidRelationship), match=hint):
        run_store_file(tmp_path / "s.fga.yaml")


def test_a_model_in_modules(tmp_path: Path) -> None:
    (tmp_path / "fga.mod").write_text("schema: '1.2'\ncontents: [core.fga, shop/orders.fga]\n", "utf-8")
    (tmp_path / "shop").mkdir()
    (tmp_path / "core.fga").write_text("module core\n\ntype user\n", "utf-8")
    orders = "module shop\n\ntype order\n  relations\n    define owner: [user]\n"
    (tmp_path / "shop/orders.fga").write_text(orders, "utf-8")
    (tmp_path / "s.fga.yaml").write_text(
        "model_file: fga.mod\ntuples: [{user: user:a, relation: owner, object: order:1}]\n"
        "tests: [{check: [{user: user:a, object: order:1, assertions: {owner: true}}]}]"
    )
    assert [outcome.passed for outcome in run_store_file(tmp_path / "s.fga.yaml")] == [True]
    (tmp_path / "shop/orders.fga").write_text(orders.replace("[user]", "[person]"), "utf-8")
    told = run("test", str(tmp_path / "s.fga.yaml"))
    assert told.exit_code == 2
    assert "shop/orders.fga:5:20: `person` is not a valid type." in told.output


def test_a_file_that_cannot_be_used_stops_no_other(tmp_path: Path) -> None:
    (tmp_path / "wrong.fga.yaml").write_text("model: |\n  nonsense\n", "utf-8")
    told = run("test", str(tmp_path / "wrong.fga.yaml"), str(CASES / "shop.fga.yaml"))
    assert told.exit_code == 2
    assert "UNUSABLE" in told.output
    assert "1:1: expected `model`" in told.output
    assert "passed, 0 failed, 1 of the files unusable" in told.output


def test_a_proof_shows_stored_values_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "abac.fga.yaml"
    path.write_text(
        ABAC.replace("address: ipaddress, network: string", "at: timestamp, until: timestamp, address: ipaddress")
        .replace("address.in_cidr(network)", "at < until && address == address")
        .replace("network: 10.0.0.0/8", "until: 2026-01-31T12:00:00Z, address: 10.0.0.1")
        + "  - {}\n",
        "utf-8",
    )
    proof = str(evaluator_of(path, {"at": "2026-01-31T11:00:00Z"}).explain("user:ann", "viewer", "document:1"))
    assert "in_office(at='2026-01-31T11:00:00Z', until='2026-01-31T12:00:00Z', address='10.0.0.1') holds" in proof
