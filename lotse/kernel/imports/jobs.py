"""The jobs of imports: run one, look into the drop folder, forget old files."""

from datetime import datetime

from lotse.kernel import runtime
from lotse.kernel.db import Database
from lotse.kernel.desk.socket import connected
from lotse.kernel.imports import drop, runs
from lotse.kernel.jobs import Job, enqueue
from lotse.kernel.settings import Settings

# Other jobs of the worker wait for a place: a long import steps back and queues itself again.
TURN_SECONDS = 60.0
SWEPT_AT_ONCE = 1_000


async def run_import(database: Database, wanted: runs.RunImport, *, at: datetime) -> None:
    """Run an import for a turn; what is left is queued again."""
    async with connected(runtime.desk_socket(Settings.load())) as desk:
        found = await runs.run(database, desk, import_id=wanted.import_id, at=at, until=runs.Clock(TURN_SECONDS))
    if found.state in ("waiting", "running"):
        async with database.transaction() as tx:
            await enqueue(tx, runs.JOB, wanted)


async def look_into_drop(database: Database, *, at: datetime) -> int:
    """Take in the files of the drop folder that are complete; how many."""
    return await drop.look(database, Settings.load().home, at=at)


async def sweep_imports(database: Database, *, at: datetime) -> int:
    """Forget files and refused rows of imports that ended a month ago; their counts stay."""
    total = 0
    for statement in (runs.SQL.sweep_chunks, runs.SQL.sweep_rows):
        while True:
            async with database.reading() as conn:
                gone = await conn.execute(statement, before=at - runs.KEPT, limit=SWEPT_AT_ONCE)
            total += gone
            if not gone:
                break
    return total


jobs = (
    # Tries enough for a desk that is being restarted; a turn of a minute and a batch.
    Job(runs.JOB, run_import, payload=runs.RunImport, limit_seconds=600, at_once=2, rights=("*",)),
    Job("kernel.look_into_drop", look_into_drop, timetable="* * * * *", at_once=1, rights=("imports.write",)),
    Job("kernel.sweep_imports", sweep_imports, timetable="35 2 * * *", rights=()),
)
