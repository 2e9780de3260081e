"""Endpoints under the issuer: one file, one endpoint (`keystead.oauth.endpoint` is the shape).

Does not: list itself. `keystead.oauth.catalogue` scans the folder.
"""
