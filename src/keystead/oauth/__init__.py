"""The authorization server: from a request to a token, and everything that may be asked about a token afterwards.

Flow: `authorize` (the browser's dispatcher) ends in a code (`codes`); `token` (a numbered pipeline) turns a proof into
tokens: it asks a client authentication method (`client_auth/`) who calls, a grant (`grants/`) who, for whom and how
far, `scopes` what of that may be given, `authority` whether all of it still stands, and `issue` to mint.
`endpoints/` holds what is mounted; `catalogue` lists the plug-ins.
Does not: read a clock, open a socket or a database, or show a page (`keystead.web` does).
"""
