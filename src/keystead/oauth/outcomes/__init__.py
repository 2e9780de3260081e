"""Outcomes: one file, one thing a finished authorization request can become (`keystead.oauth.outcome`).

Does not: list itself. `keystead.oauth.catalogue` scans the folder.
"""
