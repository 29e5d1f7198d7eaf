"""Holds that nobody asks for: what has expired is given back by and by, what ended long ago is forgotten."""

from datetime import datetime, timedelta

from lotse.domains.pools import commands, queries
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# Pools per transaction, each with as many lines as a batch gives back: their locks are held for milliseconds.
BATCH = 20
# A provider's webhook may come days late and still asks for its hold; a month later nobody does.
KEPT = timedelta(days=30)
# Rows per transaction of what nobody waits for.
FORGOTTEN_AT_ONCE = 1_000


async def give_expired_back(database: Database, *, at: datetime) -> int:
    """Sweep until nothing has expired any more; how many lines were given back."""
    total = 0
    while True:
        async with database.transaction() as tx:
            pools = await queries.pools_with_expired(tx, at=at, limit=BATCH)
            if not pools:
                return total
            total += await commands.sweep(tx, pool_ids=pools, at=at)


async def forget(database: Database, *, at: datetime) -> int:
    """Delete holds that ended a month ago and counts of holders that hold nothing; how many holds."""
    total = 0
    while True:
        async with database.transaction() as tx:
            found = await commands.forget_holds(tx, before=at - KEPT, limit=FORGOTTEN_AT_ONCE)
        total += found
        if found < FORGOTTEN_AT_ONCE:
            break
    while True:
        async with database.transaction() as tx:
            if await commands.forget_holders(tx, before=at, limit=FORGOTTEN_AT_ONCE) < FORGOTTEN_AT_ONCE:
                return total


jobs = (
    Job("pools.give_expired_back", give_expired_back, timetable="* * * * *", rights=()),
    Job("pools.forget", forget, timetable="25 3 * * *", rights=()),
)
