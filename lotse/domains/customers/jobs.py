"""Sessions and links that ended, and guests' wish lists that nobody came back for."""

from datetime import datetime

from lotse.domains.customers import commands
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

BATCH = 1_000


async def sweep(database: Database, *, at: datetime) -> int:
    """Delete them in batches; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.sweep(tx, at=at, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


jobs = (Job("customers.sweep_sessions", sweep, timetable="20 3 * * *", rights=()),)
