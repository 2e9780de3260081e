"""One HTTP/1.1 server: uvicorn, with a protocol class that answers bounded endpoints without a task or ASGI dicts.

Flow: bytes -> `protocol` (llhttp, `framing` refuses what is ambiguous or too large) -> a `Route` of the application
-> fast lane (`parking` drives the handler's coroutine by hand) or uvicorn's own ASGI cycle -> `wire` -> one write.
Does not: decide paths (`app.routes`) or hold any endpoint; both lanes call the very same `Endpoint`.
"""
