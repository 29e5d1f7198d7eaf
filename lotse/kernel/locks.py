"""What only one process may do at a time: a connection of its own, and locks that fall with it.

The relay and each consumer run in one worker of many. Whoever holds the advisory lock does the work; the others ask
every second and take over when the holder's connection ends, however it ended. Losing the lock without noticing does
no harm: what the work writes is conditional on a row that it locks (see relay and consumers).
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import asyncpg

from lotse.kernel.db import Connection, Database, prepare_connection, server_settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "events")

# The first half of every lock's key, so that a name cannot meet a lock that was taken for something else.
SPACE = 0x6C6F7473  # "lots"

# Standbys ask once a second. Waiting inside pg_advisory_lock instead would keep a snapshot open all the while, and
# vacuum could clean up nothing that died since.
ASK_SECONDS = 1.0

# A holder whose host vanished must not keep its lock for the two hours that TCP waits by default.
_KEEPALIVES = {"tcp_keepalives_idle": "5", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}

# The database is away or going away: wait and come back. Everything else is a bug or the work's own failure.
OUTAGES = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # what asyncpg raises on a connection that broke
    asyncpg.OperatorInterventionError,  # shutdown, crash of another backend, starting up
    asyncpg.TooManyConnectionsError,
)


@asynccontextmanager
async def session(database: Database, role: str) -> AsyncGenerator[Connection]:
    """A connection outside the pool, for locks and for LISTEN; closed at the end."""
    raw = await asyncpg.connect(database.dsn, server_settings={**server_settings(role), **_KEEPALIVES})
    try:
        await prepare_connection(raw)
        yield Connection(raw)
    finally:
        if not raw.is_closed():
            # A server that does not answer any more must not hold up the end of the process.
            await raw.close(timeout=5)


async def try_lock(conn: Connection, name: str) -> bool:
    """Take the lock of this name for the life of the connection; False if another one has it. Do not take it twice."""
    return await conn.value(SQL.try_lock, space=SPACE, name=name)


async def unlock(conn: Connection, name: str) -> None:
    """Give the lock back before the connection ends."""
    await conn.value(SQL.unlock, space=SPACE, name=name)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but no longer than until `stop` is set."""
    with suppress(TimeoutError):  # the time is over, which is the ordinary case
        await asyncio.wait_for(stop.wait(), seconds)
