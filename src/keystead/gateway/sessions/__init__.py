"""Browser sessions: a handle in a cookie, its digest in the store, the tokens sealed beside it, and a table in front.

Flow: `table` finds a session by its handle -> `refresh` keeps its access token alive, once for all tabs -> `exchange`
buys the token each upstream wants -> `credentials` gives the data plane a finished header line.
Does not: know HTTP, or give a token to anything but the relay's header.
"""
