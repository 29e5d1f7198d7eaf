"""Months: tables that only grow are partitioned by month on their UUIDv7 (movements, entries, the event log).

Old months can be detached and archived as a whole, and indexes of the current one stay small. Any table that is
partitioned by range on a UUID column is taken care of; nobody has to name it here. Each such table has a default
partition as well, so that no insert ever fails because a month is missing; what landed there moves over when its month
is made.
"""

from datetime import datetime

from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "partitions")

# The daily job may fail for a whole quarter before the default partition is needed.
MONTHS_AHEAD = 3


async def ensure_all(conn: Connection, *, at: datetime) -> int:
    """Give every table of months its partitions from the month of `at` (wall clock) on; how many were missing."""
    return await conn.value(SQL.ensure_months, at=at, ahead=MONTHS_AHEAD)


async def ensure(conn: Connection, table: str, at: datetime) -> bool:
    """Give one table ("pools.movements") the partition of the month of `at`; whether it was missing."""
    return await conn.value(SQL.ensure_month, parent=table, at=at)
