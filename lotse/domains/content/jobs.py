"""Forget paths that nobody asks for any more."""

from datetime import datetime, timedelta

from lotse.domains.content import commands
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# A link that nobody followed for so long leads nowhere for nobody.
LOST_KEPT = timedelta(days=180)
BATCH = 1_000


async def sweep_lost(database: Database, *, at: datetime) -> int:
    """Forget them; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.sweep_lost(tx, before=at - LOST_KEPT, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


jobs = (Job("content.sweep_lost", sweep_lost, timetable="30 3 * * *", rights=()),)
