"""Sums of accounts, brought up to date."""

from datetime import datetime, timedelta

from lotse.domains.ledger import commands
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# No transaction takes as long as this from the moment that it records to its commit (see the limits in `kernel.db`).
SETTLED = timedelta(minutes=2)


async def sum_entries(database: Database, *, at: datetime) -> int:
    """Sum up what was recorded since the last time; in how many steps."""
    steps = 0
    while True:
        async with database.transaction() as tx:
            more = await commands.sum_entries(tx, before=at - SETTLED)
        steps += 1
        if not more:
            return steps


jobs = (Job("ledger.sum_entries", sum_entries, timetable="* * * * *", at_once=1, rights=()),)
