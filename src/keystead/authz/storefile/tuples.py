"""Tuples from a store file and from files of their own: YAML, JSON, JSON lines, CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any, Final

import msgspec

from keystead.authz.conditions.times import read_timestamp
from keystead.authz.conditions.values import SECOND, Failure
from keystead.authz.errors import InvalidRelationship
from keystead.authz.names import context_text
from keystead.authz.storefile.shapes import FileCondition, FileTuple, Moment
from keystead.authz.storefile.yaml_text import read_text, read_yaml
from keystead.core.errors import ConfigurationError
from keystead.core.values import EpochSeconds
from keystead.storage.ports import Relationship

_DEMANDED: Final = ("user_type", "user_id", "relation", "object_type", "object_id")
_OPTIONAL: Final = ("user_relation", "condition_name", "condition_context", "expires_at")


def read_tuple_file(path: Path, named_by: Path) -> list[FileTuple]:
    """Read a file of tuples. Raises: ConfigurationError saying which line is wrong."""
    match path.suffix:
        case ".csv":
            return _from_csv(path, read_text(path, named_by))
        case ".jsonl":
            lines = enumerate(read_text(path, named_by).splitlines(), 1)
            return [_tuple(_json(line, path, number), path, number) for number, line in lines if line.strip()]
        case ".yaml" | ".yml" | ".json":
            listed = read_yaml(path, named_by)
            if not isinstance(listed, list):
                raise ConfigurationError("a file of tuples is a list of {user, relation, object}", where=str(path))
            return [_tuple(each, path, number) for number, each in enumerate(listed, 1)]
        case other:
            raise ConfigurationError(f"tuples come as .yaml, .json, .jsonl or .csv, not {other!r}", where=str(path))


def relationship_of(written: FileTuple) -> Relationship:
    """Make a tuple as it is stored. Raises: InvalidRelationship."""
    name, context = "", ""
    if written.condition is not None:
        name = written.condition.name
        context = context_text(written.condition.context)
    return Relationship(
        written.object, written.relation, written.user, name, context, EpochSeconds(int(seconds_of(written.expires_at)))
    )


def seconds_of(moment: Moment) -> float:
    """Read a point in time. Raises: InvalidRelationship when it is none."""
    if isinstance(moment, int):
        return moment
    try:
        return read_timestamp(moment) / SECOND
    except Failure as failure:
        raise InvalidRelationship(str(failure)) from None


def _from_csv(path: Path, text: str) -> list[FileTuple]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        heads = [head.strip() for head in next(rows, [])]
        wrong = [head for head in _DEMANDED if head not in heads] or [
            head for head in heads if head not in (*_DEMANDED, *_OPTIONAL)
        ]
        if wrong:
            shape = f"the first line names the columns: {', '.join(_DEMANDED)}, perhaps {', '.join(_OPTIONAL)}"
            raise ConfigurationError(f"column `{wrong[0]}`: {shape}", where=str(path))
        return [_from_row(dict(zip(heads, row, strict=True)), path, rows.line_num) for row in rows if row]
    except (csv.Error, ValueError) as error:
        raise ConfigurationError(
            f"line {rows.line_num} is not CSV of these columns: {error}", where=str(path)
        ) from error


def _from_row(row: dict[str, str], path: Path, number: int) -> FileTuple:
    user = f"{row['user_type']}:{row['user_id']}"
    if row.get("user_relation"):
        user = f"{user}#{row['user_relation']}"
    condition = None
    if row.get("condition_name"):
        context = row.get("condition_context") or "{}"
        read = _json(context, path, number)
        if not isinstance(read, dict):
            raise ConfigurationError(f"line {number}: a condition's context is a JSON object", where=str(path))
        condition = FileCondition(row["condition_name"], read)
    expires = row.get("expires_at") or 0
    moment = int(expires) if isinstance(expires, str) and expires.isdecimal() else expires
    return FileTuple(user, row["relation"], f"{row['object_type']}:{row['object_id']}", condition, moment)


def _json(text: str, path: Path, number: int) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ConfigurationError(f"line {number} is not JSON: {error}", where=str(path)) from error


def _tuple(written: Any, path: Path, number: int) -> FileTuple:
    try:
        return msgspec.convert(written, FileTuple)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"tuple {number}: {error}", where=str(path)) from error
