"""How the demo starts its message bus: the NATS server of the PyPI wheel, with a configuration made for it."""
