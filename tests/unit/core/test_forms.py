"""The form parser: what it reads, and what it refuses because two readers could disagree."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keystead.core.errors import InvalidRequest
from keystead.core.forms import Form, Line, Word, parse_parameters, read_body, read_form
from keystead.core.http import Request
from keystead.core.trace import new_trace
from keystead.core.values import EpochSeconds


class Sample(Form, frozen=True, kw_only=True):
    """A form of one required, one optional and one repeatable parameter."""

    name: Word
    note: Line = ""
    resource: tuple[Line, ...] = ()


@pytest.mark.spec("RFC 6749 appendix B")
def test_it_reads_what_form_encoding_means() -> None:
    assert parse_parameters(b"a=1&b=%C3%A9+%2B&c=&d&resource=x&resource=y") == {
        "a": "1",
        "b": "é +",
        "resource": ("x", "y"),
    }
    assert parse_parameters(b"") == {}
    assert parse_parameters(b"a=b=c&&") == {"a": "b=c"}


@pytest.mark.spec("RFC 6749 section 3.2")
@pytest.mark.attack("R3")
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"a=1&a=1", "form.repeated"),
        (b"a=&a=1", "form.repeated"),
        (b"a&a", "form.repeated"),
        (b"a=1&%61=2", "form.repeated"),
        (b"a=%", "form.percent_encoding"),
        (b"a=%zz", "form.percent_encoding"),
        (b"a=%C3", "form.not_utf8"),
        (b"a=%ED%A0%80", "form.not_utf8"),
        (b"a=\xc3\xa9", "form.not_ascii"),
        (b"a=%00", "form.nul"),
        (b"a=x\0y", "form.nul"),
        (b"a" * 129 + b"=1", "form.too_long"),
        (b"a=" + b"x" * 32_769, "form.too_long"),
        (b"resource=1&resource=" + b"x" * 32_769, "form.too_long"),
        (b"&".join(b"p%d=1" % number for number in range(65)), "form.too_many"),
        (b"a=" + b"x" * 65_536, "form.too_large"),
    ],
)
def test_it_refuses_what_two_readers_could_read_differently(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_parameters(body)
    assert caught.value.reason == reason


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=50), max_size=8))
def test_it_agrees_with_the_standard_library_on_good_forms(parameters: dict[str, str]) -> None:
    parameters = {
        name: value
        for name, value in parameters.items()
        if "\0" not in name + value and name not in ("resource", "audience")
    }
    encoded = urlencode(parameters).encode()
    assert parse_parameters(encoded) == parameters == dict(parse_qsl(encoded.decode(), strict_parsing=bool(encoded)))


@given(st.binary(max_size=200))
def test_it_never_fails_otherwise(body: bytes) -> None:
    try:
        parameters = parse_parameters(body)
    except InvalidRequest:
        return
    assert all(parameters.values())


def test_a_form_is_typed_and_ignores_the_unknown() -> None:
    form = read_form(parse_parameters(b"name=x&resource=r&unknown=1"), Sample)
    assert form == Sample(name="x", resource=("r",))


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"note=1", "the parameter name is missing"),
        (b"name=" + b"x" * 256, "the parameter name has a length that is not allowed"),
        (b"name=x&resource=" + b"y" * 4097, "the parameter resource has a length that is not allowed"),
    ],
)
def test_a_form_says_which_parameter_is_wrong_and_never_its_value(body: bytes, description: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_form(parse_parameters(body), Sample)
    assert caught.value.description == description


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        (b"application/x-www-form-urlencoded", True),
        (b"Application/X-WWW-Form-Urlencoded; charset=UTF-8", True),
        (b'application/x-www-form-urlencoded;charset="utf-8"', True),
        (b"application/x-www-form-urlencoded; charset=utf-7", False),
        (b"application/json", False),
        (b"multipart/form-data", False),
        (b"text/plain", False),
        (None, False),
    ],
)
def test_a_body_has_exactly_one_content_type(content_type: bytes | None, accepted: bool) -> None:
    headers = ((b"content-type", content_type),) if content_type is not None else ()
    request = Request("POST", "/token", b"", headers, b"a=1", EpochSeconds(0), new_trace())
    if accepted:
        assert read_body(request) == {"a": "1"}
        return
    with pytest.raises(InvalidRequest) as caught:
        read_body(request)
    assert caught.value.reason == "form.content_type"
