"""The gateway as a client of the issuer: discovery, proof of who it is, the token endpoint, ID tokens.

Does not: keep sessions, or know browsers.
"""
