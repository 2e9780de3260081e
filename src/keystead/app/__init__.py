"""The composition root: reads the settings, builds every part, wires them together and serves them.

Flow: `settings` (the YAML file) -> `apply` (converge the records) -> `composition` (store, keys, journal, plug-ins)
-> `routes` (which path is whose) -> `http_server` (uvicorn with the fast lane) or `asgi` (any other ASGI server).
Does not: hold protocol rules. It is the only importer of storage backends and bus drivers, and reads the clock.
"""
