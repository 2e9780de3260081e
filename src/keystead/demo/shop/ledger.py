"""The shop's own rows: orders, invoices and stock, in plain SQLite beside each service's authorization tuples."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from typing import Any

SCHEMA = """
create table if not exists orders (id text primary key, owner text, product text, quantity int, total int);
create table if not exists invoices (id text primary key, order_id text unique, owner text, total int);
create table if not exists stock (product text primary key, remaining int);
"""
OPENING_STOCK = 40
PRICES = {"lantern": 4900, "kettle": 6200, "compass": 3800, "tent": 18900, "axe": 7400, "blanket": 8800}


class Ledger:
    """One service's rows. Short statements, committed one by one."""

    def __init__(self, directory: str, service: str) -> None:
        self._database = sqlite3.connect(Path(directory) / f"{service}-rows.db", isolation_level=None)
        self._database.row_factory = sqlite3.Row
        self._database.executescript(SCHEMA)

    def add_order(self, owner: str, product: str, quantity: int) -> dict[str, Any]:
        """Store a new order and return it."""
        order = {"id": f"N-{secrets.token_hex(4)}", "owner": owner, "product": product, "quantity": quantity}
        order["total"] = PRICES[product] * quantity
        self._database.execute("insert into orders values (:id, :owner, :product, :quantity, :total)", order)
        return order

    def order(self, order_id: str) -> dict[str, Any] | None:
        """Return an order, or None."""
        row = self._database.execute("select * from orders where id = ?", (order_id,)).fetchone()
        return dict(row) if row else None

    def orders_of(self, owner: str) -> list[dict[str, Any]]:
        """Return a person's orders, newest first."""
        rows = self._database.execute("select * from orders where owner = ? order by rowid desc limit 50", (owner,))
        return [dict(row) for row in rows]

    def remove_order(self, order_id: str) -> None:
        """Take back an order that could not be completed."""
        self._database.execute("delete from orders where id = ?", (order_id,))

    def add_invoice(self, order: dict[str, Any]) -> bool:
        """Store an order's invoice. False when it is there already: a message may come twice."""
        values = (f"I-{secrets.token_hex(4)}", order["id"], order["owner"], order["total"])
        return self._database.execute("insert or ignore into invoices values (?, ?, ?, ?)", values).rowcount == 1

    def invoices_of(self, owner: str) -> list[dict[str, Any]]:
        """Return a person's invoices, newest first."""
        rows = self._database.execute(
            "select id, order_id as 'order', total from invoices where owner = ? order by rowid desc limit 50", (owner,)
        )
        return [dict(row) for row in rows]

    def reserve(self, product: str, quantity: int) -> int | None:
        """Take from stock in one conditional write. Answer: what remains, or None when there is not enough."""
        self._database.execute("insert or ignore into stock values (?, ?)", (product, OPENING_STOCK))
        row = self._database.execute(
            "update stock set remaining = remaining - :quantity where product = :product and remaining >= :quantity"
            " returning remaining",
            {"product": product, "quantity": quantity},
        ).fetchone()
        return int(row["remaining"]) if row else None
