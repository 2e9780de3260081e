"""OpenFGA's HTTP API over `keystead.authz.served`.

Flow: `table` finds the endpoint of a path -> `service` asks who calls -> one file per group of endpoints answers.
`rules` holds what a field may be, `tuple_keys` and `questions` what a model has, `faults` how errors look.
`application` is the whole as an ASGI application; a server mounts the endpoints of `table` under `{base}/authz`.
Does not own: what a tuple means (`keystead.authz`), or what a token is worth (`keystead.api.access`).
Spec: openfga/v1/openfga_service.proto.
"""

from keystead.api.callers import Authorize
from keystead.api.openfga.application import OpenFgaApplication, application
from keystead.api.openfga.service import Limits, Service, anybody_of

__all__ = ["Authorize", "Limits", "OpenFgaApplication", "Service", "anybody_of", "application"]
