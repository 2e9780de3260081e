"""device_code: a device without a browser polls for what a person allows on another screen."""

from __future__ import annotations

from typing import Final

from keystead.core.forms import Form, Word
from keystead.core.spec import RFC8628
from keystead.oauth.awaited import Kind, prove_decision
from keystead.oauth.grant import Attempt, Authority, Grant

GRANT_TYPE: Final = "urn:ietf:params:oauth:grant-type:device_code"
DEVICE: Final = Kind(
    "device", "ksd_", "the device code is not valid: used before, revoked, or issued to another client"
)


class DeviceCodeForm(Form, frozen=True, kw_only=True):
    """The parameters."""

    grant_type: Word
    device_code: Word


class DeviceCodeGrant(Grant[DeviceCodeForm]):
    """A device code for tokens, once, as soon as the person has said yes.

    A device code shown twice by its own client takes back what it bought.
    Spec: RFC 8628 sections 3.4 and 3.5.
    """

    grant_type = GRANT_TYPE
    specs = (RFC8628["3.4"], RFC8628["3.5"])
    form = DeviceCodeForm
    events = (
        "device.unknown",
        "device.wrong_client",
        "device.wrong_binding",
        "device.pending",
        "device.slow_down",
        "device.denied",
        "device.expired",
        "device.replayed",
    )

    async def prove(self, form: DeviceCodeForm, attempt: Attempt) -> Authority:
        """Return what the person allowed, or say that they have not answered yet."""
        return await prove_decision(DEVICE, form.device_code, attempt)
