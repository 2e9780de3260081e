"""Fine-grained authorization, embedded: relationships between people and things, decided in the service itself.

    from keystead.authz import open

    async with open("sqlite:///orders.db", model=MODEL, realm="acme", store="shop") as engine:
        await engine.write(["order:17#owner@user:alice"])
        decision = await engine.check("user:alice", "viewer", "order:17")
        if not decision:
            raise Forbidden(decision.reason)
        print(decision)                       # the path that proves it, tuple by tuple

`open_sync` is the same without `await`. Both check in memory, at the newest revision of the store (over PostgreSQL, at
one that was the newest a moment ago, unless `at_least` says more). `snapshot()` is for many questions in a row. Facts
that come with a request (a token says that alice is support staff) go along as `tuples=[...]` and are never stored.

Flow: `language` reads the model and `conditions` what it asks of a tuple, `engine` compiles it and decides over a graph
of tuples, `replica` keeps the graph in step with a store, `embedded` and `blocking` are what a service holds in its
hands, `snapshot` one revision of it, `within` its writes in the service's own transactions. Beside these: `rows`, over
a service's own tables; `shared`, facts that a server keeps; `served`, many stores kept for others; `storefile`, a model
with its tests in one file.
Does not: import a database driver until `open` is called, or talk to a server (`keystead.sdk.shared_facts` does).
"""

from keystead.authz.decisions import Allowed, AuthorizationDecision, Conditional, Denied, Step
from keystead.authz.door import open, open_sync
from keystead.authz.embedded import AuthorizationEngine
from keystead.authz.errors import (
    AuthorizationError,
    ChangesGone,
    InvalidQuery,
    InvalidRelationship,
    ModelError,
    NotThereYet,
    StaleFacts,
    Undecided,
    WriteRefused,
)
from keystead.authz.language import read_model, read_model_file, to_dsl, to_json
from keystead.authz.names import relationship
from keystead.authz.replica import NEWEST
from keystead.authz.snapshot import Snapshot
from keystead.authz.within import Within, WithinAsync, table_definitions
from keystead.authz.writes import Preconditions

__all__ = [
    "NEWEST",
    "Allowed",
    "AuthorizationDecision",
    "AuthorizationEngine",
    "AuthorizationError",
    "ChangesGone",
    "Conditional",
    "Denied",
    "InvalidQuery",
    "InvalidRelationship",
    "ModelError",
    "NotThereYet",
    "Preconditions",
    "Snapshot",
    "StaleFacts",
    "Step",
    "Undecided",
    "Within",
    "WithinAsync",
    "WriteRefused",
    "open",
    "open_sync",
    "read_model",
    "read_model_file",
    "relationship",
    "table_definitions",
    "to_dsl",
    "to_json",
]
