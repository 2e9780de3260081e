"""JSON, held against JSONTestSuite and against what two parsers could disagree about."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.strict_json import NotStrictJson, parse, parse_object
from tests.vectors import json_test_suite

SUITE = json_test_suite()
# Valid JSON by the grammar, but not for us: the same member twice.
DUPLICATES = {"y_object_duplicated_key.json", "y_object_duplicated_key_and_value.json"}


@pytest.mark.spec("RFC 8259 section 2")
@pytest.mark.parametrize("name", sorted(name for name in SUITE if name.startswith("y_") and name not in DUPLICATES))
def test_accepts_what_every_parser_must_accept(name: str) -> None:
    assert parse(SUITE[name]) == json.loads(SUITE[name])


@pytest.mark.spec("RFC 8259 section 2")
@pytest.mark.parametrize("name", sorted(name for name in SUITE if name.startswith("n_")))
def test_refuses_what_every_parser_must_refuse(name: str) -> None:
    with pytest.raises(NotStrictJson):
        parse(SUITE[name], maximum_bytes=1 << 20)


@pytest.mark.parametrize("name", sorted(name for name in SUITE if name.startswith("i_")))
def test_never_fails_otherwise_where_parsers_may_choose(name: str) -> None:
    try:
        parse(SUITE[name])
    except NotStrictJson:
        pass


@pytest.mark.attack("J4")
@pytest.mark.spec("RFC 8725 section 2.6")
@pytest.mark.parametrize(
    "text",
    [
        *(SUITE[name] for name in sorted(DUPLICATES)),
        b'{"exp":1,"exp":2}',
        b'{"exp":1,"exp":1}',
        b'{"exp":1,"\\u0065xp":2}',
        b'{"a":{"b":1,"b":2}}',
        b'{"a":"x:y","a":1}',
        b'{"a":1,"a":"x:y"}',
        b'[{"a":{},"a":[]}]',
        b'{"a\\n":1,"a\\u000a":2}',
        b'{"":1,"":2}',
        b'{"a" :1,"a":2}',
        b'{"a"\t:1,"a":2}',
        b'{"a"\r\n:1,"a" :2}',
        b'{"a":":","a":2}',
        b'{":":1,":":2}',
        b'{"a": {"b":1}, "a" : 1}',
    ],
)
def test_refuses_a_member_that_appears_twice(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse(text)


@pytest.mark.attack("J4")
@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":"\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":1} ' + b"\0",
        b"",
    ],
)
def test_refuses_what_is_not_plain_utf8_json(text: bytes) -> None:
    with pytest.raises(NotStrictJson):
        parse(text)


@pytest.mark.attack("J5")
def test_is_bounded_in_size_and_depth() -> None:
    parse(b"[" * 16 + b"]" * 16)
    parse(b"[" + b"[]," * 50 + b"[]]")
    for text in (b"[" * 17 + b"]" * 17, b'{"a":' * 17 + b"1" + b"}" * 17, b"[" * 60_000, b'"' + b"x" * 65_536 + b'"'):
        with pytest.raises(NotStrictJson):
            parse(text)


def test_wants_an_object_where_one_is_due() -> None:
    assert parse_object(b' {"a":[1,"b:"]} ') == {"a": [1, "b:"]}
    for text in (b"[]", b"null", b'"{}"', b"1"):
        with pytest.raises(NotStrictJson):
            parse_object(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_reads_every_document_as_the_standard_library_does(document: Any, escaped: bool) -> None:
    assert parse(json.dumps(document, ensure_ascii=escaped).encode()) == document


GAPS = st.sampled_from(["", "", " ", "\t", "\n", "\r\n "])
NAMES = st.text('ab:\\"{', min_size=1, max_size=3)


@given(st.dictionaries(NAMES, JSON, min_size=1, max_size=4), JSON, st.booleans(), GAPS)
def test_finds_every_duplicate(members: dict[str, Any], again: Any, escaped: bool, gap: str) -> None:
    name = next(iter(members))
    parts = [f"{json.dumps(key, ensure_ascii=escaped)}{gap}:{gap}{json.dumps(value)}" for key, value in members.items()]
    parts.append(f"{json.dumps(name)}:{json.dumps(again)}")
    with pytest.raises(NotStrictJson):
        parse(("{" + ",".join(parts) + "}").encode())
