"""The relay: the one that moves committed events from the outbox into the event log.

It gives out dense positions, so that a consumer that has read position n has missed nothing before it. The statement
`events.sql:move` and the comment above it say why no event is lost or overtaken within its key.

One relay works at a time; those of other workers stand by. No business transaction notifies anybody (seen to halve
throughput: NOTIFY takes a lock that is held until commit); the relay looks for itself and notifies once per batch.
"""

import asyncio
from datetime import datetime

import asyncpg
import structlog
from msgspec import Struct
from prometheus_client import Counter, Gauge, Histogram

from lotse.kernel import clock, locks
from lotse.kernel.db import Connection, Database
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "events")
# What is said on the channel after each batch: the types of its events with blanks between, or that all are meant.
CHANNEL = "lotse_events"
EVERYBODY = "*"

# Some 50 ms of work: consumers see nothing of a batch before it commits.
BATCH = 1_000
# A look at an empty outbox costs about 0.1 ms of the server. After a hit the next event is likely near: look again
# soon. Then wait longer and longer: an idle shop costs next to nothing, and an event still waits 25 ms on average.
BUSY_SECONDS = 0.01
IDLE_SECONDS = 0.05
# A long snapshot elsewhere (a backup) keeps the outbox's dead rows, and each look and each batch must pass them all: 5
# to 15 ms for 100,000. Pausing ten times as long as a look took keeps looking below a tenth of one core, and larger
# batches while there is a backlog keep the relay ahead of the desk.
LOOK_SHARE = 10
LARGEST_BATCH = 10_000
# After the database went away.
RETRY_SECONDS = 1.0

_log = structlog.get_logger("lotse.relay")
_moved = Counter("lotse_relay_events", "Events moved from the outbox into the event log.")
_delay = Histogram(
    "lotse_relay_delay_seconds",
    "Age of the oldest event of a batch when it reached the event log.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300),
)
_holding = Gauge(
    "lotse_relay_holding", "1 in the process whose relay is at work, 0 where it stands by.", multiprocess_mode="livesum"
)


class Moved(Struct, frozen=True):
    """One batch: how many events, and when the oldest of them was recorded."""

    events: int
    oldest: datetime | None


async def move(conn: Connection, *, limit: int = BATCH) -> Moved:
    """Move one batch and tell the consumers. Its own transaction, unless the connection is in one."""
    return await conn.one(SQL.move, Moved, limit=limit)


async def move_all(conn: Connection) -> int:
    """Move everything that is committed when this is called, and what comes meanwhile; how many events."""
    events = 0
    while batch := (await move(conn)).events:
        events += batch
    return events


async def run(database: Database, stop: asyncio.Event) -> None:
    """Be the relay, or stand by until the one that is goes away. Returns once `stop` is set and its batch is done."""
    while not stop.is_set():
        try:
            async with locks.session(database, "lotse relay") as conn:
                while not stop.is_set() and not await locks.try_lock(conn, "relay"):
                    await locks.pause(stop, locks.ASK_SECONDS)
                if not stop.is_set():
                    await _relay(conn, stop)
        except locks.OUTAGES as error:
            _log.warning("relay interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)


async def _relay(conn: Connection, stop: asyncio.Event) -> None:
    _log.info("relay at work")
    _holding.set(1)
    try:
        loop = asyncio.get_running_loop()
        wait_seconds = IDLE_SECONDS
        while not stop.is_set():
            begin = loop.time()
            waiting = await conn.value(SQL.waiting)
            look_seconds = loop.time() - begin
            if waiting:
                await _work_off(conn)
                wait_seconds = BUSY_SECONDS
            else:
                wait_seconds = min(wait_seconds * 1.5, IDLE_SECONDS)
            await locks.pause(stop, max(wait_seconds, look_seconds * LOOK_SHARE))
        # Whoever wrote before the stop shall not wait for the next start.
        await _work_off(conn)
    finally:
        _holding.set(0)


async def _work_off(conn: Connection) -> None:
    """Move until nothing is left; each batch is counted."""
    limit = BATCH
    while True:
        try:
            batch = await move(conn, limit=limit)
        except asyncpg.LockNotAvailableError:
            # A former relay's transaction still holds the head; its connection is about to be noticed as dead.
            _log.warning("the head of the event log is locked by somebody else")
            return
        if batch.oldest is not None:
            _moved.inc(batch.events)
            _delay.observe((clock.now() - batch.oldest).total_seconds())
        if batch.events < limit:
            return
        limit = min(2 * limit, LARGEST_BATCH)
