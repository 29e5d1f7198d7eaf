"""What is kept for its time only."""

from datetime import datetime, timedelta

from lotse.domains.behaviour import commands
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# Two winters to compare, and the months that a season's experiments run.
KEPT = timedelta(days=2 * 366)


async def drop_months(database: Database, *, at: datetime) -> int:
    """Drop the months of the log that are older than two years."""
    async with database.transaction() as tx:
        return await commands.drop_months(tx, before=at - KEPT)


async def forget_rest(database: Database, *, at: datetime) -> int:
    """Delete what came in after its visitor had withdrawn."""
    async with database.transaction() as tx:
        return await commands.forget_rest(tx, at=at)


jobs = (
    Job("behaviour.drop_months", drop_months, timetable="35 2 * * *", rights=()),
    Job("behaviour.forget_rest", forget_rest, timetable="5 * * * *", rights=()),
)
