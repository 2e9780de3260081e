"""C3, J10: every kind of handle at the door of the authorization API, which only an access token for it opens."""

from __future__ import annotations

import pytest

from keystead.api.access import Access, Caller
from keystead.api.openfga.table import ENDPOINTS
from keystead.core.http import Reply, Request
from keystead.core.trace import new_trace
from tests.attack.matrix.handles import KINDS
from tests.attack.matrix.world import open_world
from tests.issuer import BASE, Issuer, confidential

pytestmark = [pytest.mark.attack("C3"), pytest.mark.attack("J10"), pytest.mark.attack("Z6")]
SCOPES = sorted({operation.scope for each in ENDPOINTS for operation in each.operations.values() if operation.scope})


@pytest.mark.parametrize("name", KINDS)
async def test_no_handle_of_another_kind_or_for_another_api_opens_it(issuer: Issuer, name: str) -> None:
    world = await open_world(issuer)
    handle = await KINDS[name].make(world)
    access = Access(issuer.cx, [issuer.realm])
    for scheme in ("Bearer", "DPoP", "bearer"):
        shown = ((b"authorization", f"{scheme} {handle}".encode("utf-8", "replace")),)
        request = Request("POST", "/authz/stores", b"", shown, b"", issuer.now, new_trace())
        for scope in SCOPES:
            answer = await access.authorize(request, scope)
            assert isinstance(answer, Reply), (name, scheme, scope)
            assert answer.status in (400, 401, 403)


async def test_the_door_opens_for_its_own_token(issuer: Issuer) -> None:
    await open_world(issuer)
    fields: dict[str, object] = {"grant_types": ("client_credentials",), "scope": " ".join(SCOPES)}
    await issuer.keep(confidential("checker", **fields))
    form = {"audience": f"{BASE}/authz", "scope": "authz:read"}
    token = (await issuer.token("client_credentials", client="checker", **form)).json["access_token"]
    shown = ((b"authorization", f"Bearer {token}".encode()),)
    request = Request("POST", "/authz/stores", b"", shown, b"", issuer.now, new_trace())
    access = Access(issuer.cx, [issuer.realm])
    opened = [scope for scope in SCOPES if isinstance(await access.authorize(request, scope), Caller)]
    assert opened == ["authz:read"]
