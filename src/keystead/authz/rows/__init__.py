"""Authorization over a service's own tables: which rows are which relations, said once.

    authz = map_rows(MODEL, [Rows("order", Order, Order.id, {"owner": by_column(Order.owner_id, "user")})])

    from keystead.authz.rows.sqlalchemy import filter_for

    select(Order).where(filter_for(authz, "user:alice", "viewer", Order))

Flow of a declaration: `mapping` is what a service says; `describing` reads the framework's `tables`; `opening` and
`checking` hold all against the model, with `kinds` of ids and `identities`; what comes out is `mapped`, of
`tuple_rows`.
Flow of a filter: `asking` takes the question; `scope` finds what can matter for one user; `compiler`, `recursion` and
`condition` write the SQL, in the pieces of `sql` and `keys`; `sqlalchemy` and `django` are the frameworks' doors.
Flow of a question: `view` (`async_view`) has `loading` read just the rows it needs, by `reading`, for the engine.
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
