"""The search for tokens in logs finds what it must, and passes what it may."""

from __future__ import annotations

import pytest

from keystead.core.values import new_handle, new_identifier
from tests.token_likes import token_likes


@pytest.mark.attack("T6")
@pytest.mark.parametrize(
    "form", ["ksc_{}", "ksr_{}", "ksa_{}", "__Host-keystead={}", "Bearer {}", "eyJhbGciOiJFUzI1NiJ9.{}.{}"]
)
def test_what_is_a_token_is_found(form: str) -> None:
    handle = new_handle()
    assert len(token_likes(f'{{"message":"{form.format(handle, handle)}"}}')) == 1


def test_what_only_names_a_thing_is_not() -> None:
    line = f'{{"subject":"{new_identifier("usr")}","token_id":"{new_identifier("grt")}","trace_id":"{"a" * 32}"}}'
    assert token_likes(line) == []
