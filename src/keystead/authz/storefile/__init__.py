"""OpenFGA store files: a model, tuples and tests in one YAML file, run in-process.

Shape, as the `fga` command line of OpenFGA reads it:

    name: shop
    model_file: shop.fga            # or fga.mod, or model: |
    tuples:                         # or tuple_file, tuple_files: YAML, JSON, JSON lines or CSV
      - {user: user:alice, relation: owner, object: order:17}
      - {user: user:bob, relation: viewer, object: order:17, condition: {name: in_office, context: {net: 10.0.0.0/8}}}
    tests:
      - name: alice owns her order
        tuples: []                  # beside those of the file
        check: [{user: user:alice, object: order:17, context: {ip: 10.1.2.3}, assertions: {viewer: true}}]
        list_objects: [{user: user:alice, type: order, assertions: {viewer: [order:17]}}]
        list_users: [{object: order:17, user_filter: [{type: user}], assertions: {viewer: {users: [user:alice]}}}]

`users` and `objects` may list several. Paths are relative to the file. Ours beside it: `expires_at` of a tuple, `now`
of a file or a test, and `conditional` as an expected answer.

Flow: `shapes` is the file as data, `yaml_text`, `tuples` and `reading` read it and what it names, `running` asks.
"""

from keystead.authz.storefile.reading import Store, evaluator_of, read_store, read_store_file
from keystead.authz.storefile.running import run_store, run_store_file, unasked_relations
from keystead.authz.storefile.shapes import FileTuple, NamedTest, Outcome, StoreFile

__all__ = [
    "FileTuple",
    "NamedTest",
    "Outcome",
    "Store",
    "StoreFile",
    "evaluator_of",
    "read_store",
    "read_store_file",
    "run_store",
    "run_store_file",
    "unasked_relations",
]
