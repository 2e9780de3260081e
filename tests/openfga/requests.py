"""One sensible request for every operation of the API that names a store."""

from __future__ import annotations

from collections.abc import Iterator

from tests.openfga.asking import MODEL, key
from tests.openfga.matrix import Json


def requests(store: str, model: str) -> Iterator[tuple[str, str, Json | None]]:
    """Yield one sensible request for every operation that names a store."""
    root, question = f"/stores/{store}", key("document:1#viewer@user:alice")
    users = {"object": {"type": "document", "id": "1"}, "relation": "viewer", "user_filters": [{"type": "user"}]}
    objects = {"type": "document", "relation": "viewer", "user": "user:alice"}
    yield "POST", f"{root}/check", {"tuple_key": question}
    yield "POST", f"{root}/check", {"tuple_key": question, "authorization_model_id": model}
    yield "POST", f"{root}/batch-check", {"checks": [{"tuple_key": question, "correlation_id": "a"}]}
    yield "POST", f"{root}/expand", {"tuple_key": {"object": "document:1", "relation": "viewer"}}
    yield "POST", f"{root}/list-objects", objects
    yield "POST", f"{root}/streamed-list-objects", objects
    yield "POST", f"{root}/list-users", users
    yield "POST", f"{root}/read", {}
    yield "POST", f"{root}/write", {"writes": {"tuple_keys": [key("document:2#viewer@user:eve")]}}
    yield "POST", f"{root}/authorization-models", MODEL
    yield "PUT", f"{root}/assertions/{model}", {"assertions": []}
    for path in (
        "",
        "/changes",
        "/feed?types=document",
        "/authorization-models",
        f"/authorization-models/{model}",
        f"/assertions/{model}",
    ):
        yield "GET", f"{root}{path}", None
    yield "DELETE", root, None
