"""What a client wants of an API, in the words of a page."""

from __future__ import annotations

import pytest

from keystead.core.records.api import Api
from keystead.web.scope_words import put_into_words


@pytest.mark.parametrize(
    ("name", "heading"),
    [("Orders", "Orders"), ("", "orders.acme.example"), ("https://orders.acme.example", "orders.acme.example")],
)
def test_an_api_without_a_name_is_called_by_its_host_and_not_twice_by_its_audience(name: str, heading: str) -> None:
    api = Api(realm="acme", id="https://orders.acme.example", name=name, scopes=("orders:read",))
    (group,) = put_into_words(["orders:read"], [api])
    assert (group.name, group.audience) == (heading, "https://orders.acme.example")
