"""Months: tables that only grow are partitioned by month on their UUIDv7 (movements, entries, the event log).

Old months can be detached and archived as a whole, and indexes of the current one stay small. Any table that is
partitioned by range on a UUID column is taken care of; nobody has to name it here. Each such table has a default
partition as well, so that no insert ever fails because a month is missing; what lands there moves over when its month
is made.
"""

from datetime import datetime

from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "partitions")

# The daily job may fail for a whole quarter before the default partition is needed.
MONTHS_AHEAD = 3


async def ensure_all(conn: Connection, *, at: datetime) -> list[str]:
    """Give every table of months its partitions from the month of `at` (wall clock) on; which tables got one."""
    return [table for table in await conn.values(SQL.tables) if await ensure(conn, table, at)]


async def ensure(conn: Connection, table: str, at: datetime) -> bool:
    """Give one table ("inventory.movements") its partitions from the month of `at` on; whether one was missing."""
    made = False
    for month in months(at, MONTHS_AHEAD):
        # A statement each, so that outside a transaction one month's lock is released before the next is taken.
        made |= await conn.value(SQL.ensure_month, parent=table, at=month)
    return made


def months(at: datetime, ahead: int) -> list[datetime]:
    """The first moments of the month of `at` and of the `ahead` ones that follow."""
    first = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return [
        first.replace(year=first.year + (first.month - 1 + i) // 12, month=(first.month - 1 + i) % 12 + 1)
        for i in range(ahead + 1)
    ]
