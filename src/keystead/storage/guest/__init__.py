"""Tuples as a guest in a service's own database: in tables with a prefix, through whatever connection the service has.

Flow: `tables` names and defines the tables; `drivers` runs our portable SQL (`operations`) on the libraries'
connections; `sqlite` and `postgres` are stores for an engine that reads such tables on a connection of its own.
Does not: begin, commit or roll back on a connection that is not ours.
"""

from keystead.storage.guest.tables import Tables

__all__ = ["Tables"]
