"""Authorization over a service's own tables: which rows are which relations, said once.

    authz = map_rows(MODEL, [Rows("order", Order, Order.id, {"owner": by_column(Order.owner_id, "user")})])

    from keystead.authz.rows.sqlalchemy import filter_for

    select(Order).where(filter_for(authz, "user:alice", "viewer", Order))

Flow: `mapping` is what a service declares; `checking` and `opening` hold it against the model; `scope` finds what can
matter for one user; `compiler`, `recursion` and `condition` write the SQL, in the pieces of `sql`; `sqlalchemy` and
`django` are the frameworks' doors.
Does not: import a framework until one of its doors is; keep copies of rows; evaluate stored conditions in SQL.
"""

from keystead.authz.rows.mapped import RowMapping
from keystead.authz.rows.mapping import Rows, StoredTuples, always, by_column, by_flag, by_link, stored
from keystead.authz.rows.opening import map_rows
from keystead.authz.rows.problems import MappingError, NotExpressible, TooMuch

__all__ = [
    "MappingError",
    "NotExpressible",
    "RowMapping",
    "Rows",
    "StoredTuples",
    "TooMuch",
    "always",
    "by_column",
    "by_flag",
    "by_link",
    "map_rows",
    "stored",
]
