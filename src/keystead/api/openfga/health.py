"""GET /healthz: whether the API answers. For load balancers; needs no token."""

from __future__ import annotations

from keystead.api.openfga.service import Call
from keystead.core.http import Reply


async def healthz(call: Call) -> Reply:
    """Say that this process serves."""
    return call.reply({"status": "SERVING"})
