"""Client authentication methods: one file, one method (`keystead.oauth.client_authentication` is the shape).

Does not: list itself. `keystead.oauth.catalogue` scans the folder.
"""
