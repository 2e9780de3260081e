"""Grants: one file, one grant type (`keystead.oauth.grant` is the shape).

Does not: list itself. `keystead.oauth.catalogue` scans the folder.
"""
