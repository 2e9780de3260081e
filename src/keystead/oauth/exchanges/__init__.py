"""Exchanges: one file, one `requested_token_type` (`keystead.oauth.exchange` is the shape).

Does not: list itself. `keystead.oauth.grants.token_exchange` scans the folder.
"""
