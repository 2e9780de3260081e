"""Brings stores along from an OpenFGA server, or from any server with its HTTP API, and nothing is lost on the way.

Flow: `client` speaks the API, `tuples` is its JSON, `target` keeps what came, `copying` does it store by store and
remembers in `progress` how far it came, `fingerprint` compares both sides at the end. Of a file: `from_file`. The way
out: `store_file`. `around` reads just what one question hangs on, for `keystead authz explain --server`.
Does not own: what a model or a tuple means (`keystead.authz`), or the shape of store files (its `storefile`).
"""
