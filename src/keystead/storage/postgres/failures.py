"""What went wrong, and whose it is: one transaction's, the connection's, or nobody's so that trying again mends it."""

from __future__ import annotations

from typing import Final

import asyncpg

OF_THE_MEMBER: Final = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.exceptions.SyntaxOrAccessError,
)
"""What one transaction can do wrong by itself. Any other error (full, gone, read-only) is everybody's."""

TRY_AGAIN: Final = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)

OF_THE_CONNECTION: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""After these the connection is not used again: the server is gone, going, or no longer the one that writes."""

ANY: Final = (*OF_THE_CONNECTION, asyncpg.PostgresError)
