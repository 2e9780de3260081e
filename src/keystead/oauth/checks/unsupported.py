"""Parameters that would change the whole request, and are not served: refused by name, never ignored."""

from __future__ import annotations

from keystead.core.errors import RegistrationNotSupported, RequestNotSupported, RequestUriNotSupported
from keystead.oauth.checks.draft import Draft


def refuse_request_objects(draft: Draft) -> str:
    """Refuse `request`, `request_uri` and `registration`. Spec: OpenID Connect Core section 3.1.2.6."""
    if draft.form.request:
        raise RequestNotSupported(
            "The request parameter is not served; send plain parameters.", reason="request_object.unsupported"
        )
    if draft.form.request_uri:
        raise RequestUriNotSupported(
            "The request_uri parameter is not served; send plain parameters.", reason="request_uri.unsupported"
        )
    if draft.form.registration:
        raise RegistrationNotSupported(
            "The registration parameter is not served; the operator registers clients.",
            reason="registration.unsupported",
        )
    return "the request stands in plain parameters"
