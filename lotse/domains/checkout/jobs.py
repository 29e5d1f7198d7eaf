"""Baskets that nobody came back for."""

from datetime import datetime

from lotse.domains.checkout import commands
from lotse.domains.checkout.rules import KEPT
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

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
