"""Expired holds on pools that nobody asks for: what the next batch would find is given back by and by."""

from datetime import datetime

from lotse.domains.pools import commands, queries
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# Few enough that their locks are held for milliseconds.
BATCH = 200


async def give_expired_back(database: Database, *, at: datetime) -> int:
    """Sweep until nothing has expired any more; how many lines were given back."""
    total = 0
    while True:
        async with database.transaction() as tx:
            pools = await queries.pools_with_expired(tx, at=at, limit=BATCH)
            if not pools:
                return total
            total += await commands.sweep(tx, pool_ids=pools, at=at)


jobs = (Job("pools.give_expired_back", give_expired_back, timetable="* * * * *"),)
