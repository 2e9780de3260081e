"""Brings stores along from an OpenFGA server, or from any server with its HTTP API, and nothing is lost on the way.

Flow: `client` speaks the API, `source` reads a store in pieces, `target` keeps the pieces, `copying` does it store by
store and remembers in `progress` how far it came, `fingerprint` compares both sides at the end.
Does not own: what a model or a tuple means (`keystead.authz`).
"""
