"""Start one service of the shop: `python -m keystead.demo.shop.service orders`."""

from __future__ import annotations

import importlib
import sys

import uvicorn

from keystead.demo.shop.surroundings import read_surroundings

SERVICES = ("catalog", "orders", "inventory", "billing")


def main() -> None:
    """Run the service named on the command line until it is told to stop."""
    name = sys.argv[1]
    if name not in SERVICES:
        raise SystemExit(f"no service {name!r} in the shop; there are {', '.join(SERVICES)}")
    surroundings = read_surroundings()
    application = importlib.import_module(f"keystead.demo.shop.{name}").create_application(surroundings)
    uvicorn.run(application, host="127.0.0.1", port=surroundings.port(name), log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
