"""Baskets that nobody came back for."""

from datetime import datetime, timedelta

from lotse.domains.checkout import commands
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# A season: people come back to a basket, but not to last winter's.
KEPT = timedelta(days=90)
BATCH = 1_000


async def forget_baskets(database: Database, *, at: datetime) -> int:
    """Delete old baskets in batches; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.delete_old(tx, before=at - KEPT, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


jobs = (Job("checkout.forget_baskets", forget_baskets, timetable="35 2 * * *"),)
