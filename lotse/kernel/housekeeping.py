"""The kernel's own jobs: what keeps its tables small and its months ahead."""

from datetime import datetime, timedelta
from typing import Any

from lotse.kernel import idempotency, partitions
from lotse.kernel import jobs as queue
from lotse.kernel.auth import sessions, visitor
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job
from lotse.kernel.pages import bulk
from lotse.kernel.sql import Statement, statements
from lotse.kernel.waiting import rooms
from lotse.kernel.webhooks.queries import SQL as WEBHOOKS

SIGN_IN = statements("lotse.kernel", "signin")

# Each batch is its own short transaction: rows of the order path are never locked for long, and vacuum keeps up.
BATCH = 5_000
# How long the queue's diary says what happened to a job.
DIARY_KEPT = timedelta(days=30)
# A complaint about a place in a line comes within a day or two; the plot of a sale is looked at for longer.
TICKETS_KEPT = timedelta(days=2)
MINUTES_KEPT = timedelta(days=30)
# The log of deliveries: as long as the event log is asked about at the other end.
DELIVERIES_KEPT = timedelta(days=30)
# Who finds out late that somebody was in their account looks back further than a month.
NOTICES_KEPT = timedelta(days=365)


async def make_months(database: Database, *, at: datetime) -> int:
    """Make the partitions of this month and the next three, where they are missing."""
    async with database.transaction() as tx:
        return await partitions.ensure_all(tx, at=at)


async def forget_answers(database: Database, *, at: datetime) -> int:
    """Forget idempotency keys that have expired; natural keys never do."""
    return await _in_batches(database, idempotency.SQL.delete_expired, at=at)


async def sweep_sign_in(database: Database, *, at: datetime) -> int:
    """Take away sessions, drafts of forms, counts of log-in attempts and the like that nobody can use any more."""
    async with database.transaction() as tx:
        await tx.execute(SIGN_IN.sweep_halves, at=at)
        await tx.execute(SIGN_IN.sweep_oidc_requests, at=at)
        await tx.execute(SIGN_IN.sweep_devices, before=at - visitor.DEVICE_KEPT)
        await tx.execute(SIGN_IN.sweep_networks, before=at - visitor.DEVICE_KEPT)
        await tx.execute(SIGN_IN.sweep_notices, before=at - NOTICES_KEPT)
        swept = await tx.execute(sessions.SQL.sweep_sessions, at=at, idle_since=at - sessions.IDLE)
        swept += await tx.execute(sessions.SQL.sweep_drafts, at=at)
        return swept + await tx.execute(sessions.SQL.sweep_attempts, at=at)


async def forget_diary(database: Database, *, at: datetime) -> int:
    """Forget what happened to jobs long ago."""
    forgotten = await _in_batches(database, queue.SQL.forget_log, before=at - DIARY_KEPT)
    return forgotten + await _in_batches(database, queue.SQL.forget_statistics, before=at - DIARY_KEPT)


async def sweep_waiting_rooms(database: Database, *, at: datetime) -> int:
    """Take away the tickets of lines that ended, and old minutes."""
    swept = await _in_batches(database, rooms.SQL.sweep_tickets, before=at - TICKETS_KEPT)
    return swept + await _in_batches(database, rooms.SQL.sweep_minutes, before=at - MINUTES_KEPT)


async def sweep_webhooks(database: Database, *, at: datetime) -> int:
    """Forget deliveries that ended long ago with what came back, and secrets that were replaced."""
    async with database.transaction() as tx:
        await tx.execute(WEBHOOKS.forget_former_secrets, at=at)
    return await _in_batches(database, WEBHOOKS.sweep_deliveries, before=at - DELIVERIES_KEPT)


jobs = (
    Job("kernel.make_months", make_months, timetable="15 1 * * *", rights=()),
    Job("kernel.forget_answers", forget_answers, timetable="20 * * * *", rights=()),
    Job("kernel.sweep_sign_in", sweep_sign_in, timetable="25 * * * *", rights=()),
    Job("kernel.sweep_waiting_rooms", sweep_waiting_rooms, timetable="40 1 * * *", rights=()),
    Job("kernel.sweep_webhooks", sweep_webhooks, timetable="50 1 * * *", rights=()),
    # Fifty thousand prices take half a minute; a table of another domain may take longer for its rows.
    Job("kernel.run_bulk", bulk.run_job, payload=bulk.RunBulk, limit_seconds=1_800, rights=("*",)),
    Job("kernel.sweep_bulk", bulk.sweep, timetable="55 1 * * *", rights=()),
    Job("kernel.forget_diary", forget_diary, timetable="45 1 * * *", rights=()),
)


async def _in_batches(database: Database, statement: Statement, **params: Any) -> int:
    """Run a deleting statement with a `limit` until it finds no full batch any more; how many rows went."""
    total = 0
    while True:
        async with database.reading() as conn:
            gone = await conn.execute(statement, limit=BATCH, **params)
        total += gone
        if gone < BATCH:
            return total
