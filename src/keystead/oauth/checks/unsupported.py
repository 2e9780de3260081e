"""Parameters that would change the whole request, and are not served: refused by name, never ignored."""

from __future__ import annotations

from keystead.core.errors import RegistrationNotSupported
from keystead.oauth.checks.draft import Draft


def refuse_inline_registration(draft: Draft) -> str:
    """Refuse `registration`. Spec: OpenID Connect Core section 3.1.2.6."""
    if draft.form.registration:
        raise RegistrationNotSupported(
            "The registration parameter is not served; register the client first.",
            reason="registration.unsupported",
        )
    return "the client is registered beforehand"
