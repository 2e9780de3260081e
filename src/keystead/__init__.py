"""Keystead: identity and access for microservices.

Three questions, answered for every call between a browser and the last service behind it: who is calling,
on whose behalf, and may they do this.

Flow: a service imports `keystead.sdk` (verify tokens) and `keystead.authz` (decide); an operator runs the
`keystead` command. Everything else is the server behind that command.
Does not: re-export anything. Import from the package that owns the name.
"""

__version__ = "0.1.0"
