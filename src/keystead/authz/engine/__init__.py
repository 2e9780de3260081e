"""Answers questions about tuples under one model.

Flow: `plan` numbers the relations of a model and compiles their rules; `graph` holds the tuples, interned, at one
revision; `solver` decides any question by visiting each part of the graph at most once; `reach` is its short cut for
rules made of unions only; `proof` tells the path; `objects` turns the question round (which objects?).
Does not own: reading tuples from a store (`keystead.authz.replica`), or the language.
"""
