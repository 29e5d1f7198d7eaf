"""The database as a process sees it: one bounded pool, transactions, named statements, typed rows.

A row becomes the frozen Struct that the caller names; that Struct is also the contract and the JSON. Nothing here
knows a table.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from lotse.kernel.sql import Statement

if TYPE_CHECKING:
    from lotse.kernel.tags import Tags

Row = TypeVar("Row")

# A page or a command that waits longer than this has failed for its user already; the desk sets its own.
STATEMENT_TIMEOUT_MS = 15_000
# Longer than any batch takes; a lock that is held longer than this is a bug elsewhere and must not pile up here.
LOCK_TIMEOUT_MS = 5_000
# A transaction that its process forgot must not hold back vacuum and locks.
IDLE_IN_TRANSACTION_MS = 30_000
# Six per process: two cores are busy with fewer, and a hundred backends cost more memory than they give speed.
MAX_CONNECTIONS = 6


class Connection:
    """One connection outside a transaction: each statement stands alone. For reading."""

    def __init__(self, raw: asyncpg.Connection | PoolConnectionProxy, tags: "Tags | None" = None) -> None:
        self.raw = raw
        # Where what is read here may be kept, in a process that hears of changes; see `tags.kept`.
        self.tags = tags

    async def many(self, statement: Statement, row: type[Row], **params: Any) -> list[Row]:
        """All rows as `row`."""
        records = await self.raw.fetch(statement.sql, *statement.bind(params))
        return [msgspec.convert(dict(record), row) for record in records]

    async def maybe(self, statement: Statement, row: type[Row], **params: Any) -> Row | None:
        """The row, or None. `LookupError` if there are several."""
        records = await self.raw.fetch(statement.sql, *statement.bind(params))
        if len(records) > 1:
            raise LookupError(f"{statement}: {len(records)} rows where one was meant")
        return msgspec.convert(dict(records[0]), row) if records else None

    async def one(self, statement: Statement, row: type[Row], **params: Any) -> Row:
        """The one row. `LookupError` if there is none or several."""
        found = await self.maybe(statement, row, **params)
        if found is None:
            raise LookupError(f"{statement}: no row")
        return found

    async def value(self, statement: Statement, **params: Any) -> Any:
        """The first column of the first row, or None."""
        return await self.raw.fetchval(statement.sql, *statement.bind(params))

    async def values(self, statement: Statement, **params: Any) -> list[Any]:
        """The first column of every row."""
        return [record[0] for record in await self.raw.fetch(statement.sql, *statement.bind(params))]

    async def execute(self, statement: Statement, **params: Any) -> int:
        """Run a statement; how many rows it touched."""
        status = await self.raw.execute(statement.sql, *statement.bind(params))
        return _touched(status)

    async def execute_many(self, statement: Statement, rows: Iterable[dict[str, Any]]) -> None:
        """Run a statement once per row in one round trip; all or nothing."""
        await self.raw.executemany(statement.sql, [statement.bind(row) for row in rows])


class Transaction(Connection):
    """A connection inside a transaction: commands take one of these."""


class Database:
    """The pool of one process. Open it once with `opened`."""

    def __init__(self, pool: asyncpg.Pool, dsn: str) -> None:
        self._pool = pool
        self.dsn = dsn
        # Set while this process hears of changes (`tags.heard`).
        self.tags: Tags | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Connection]:
        """A connection for reading; statements see what is committed when each begins."""
        async with self._pool.acquire() as raw:
            try:
                yield Connection(raw, self.tags)
            except asyncio.CancelledError:
                await _end_statement(raw)
                raise

    @asynccontextmanager
    async def single(self) -> AsyncGenerator[Connection]:
        """A connection for one statement that writes: it commits by itself, without the two round trips around it."""
        async with self._pool.acquire() as raw:
            yield Connection(raw)

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Connection]:
        """A connection on which every statement sees the same moment: what a page or a check reads must agree."""
        async with self._pool.acquire() as raw, raw.transaction(isolation="repeatable_read", readonly=True):
            yield Connection(raw)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """A read committed transaction: commits when the block ends, rolls back when it raises."""
        async with self._pool.acquire() as raw, raw.transaction():
            yield Transaction(raw)


@asynccontextmanager
async def opened(dsn: str, *, role: str = "lotse", connections: int = MAX_CONNECTIONS) -> AsyncGenerator[Database]:
    """Open a pool for the life of the block. `role` names the process in `pg_stat_activity`."""
    pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=connections,
        init=prepare_connection,
        reset=_keep_as_it_is,
        server_settings=server_settings(role),
    )
    try:
        yield Database(pool, dsn)
    finally:
        await pool.close()


def is_unavailable(error: BaseException | None) -> bool:
    """Whether the database is away, full or too busy: nothing is wrong with what was asked; asking again may help."""
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)  # the rest of them are mistakes in our use of asyncpg
    if isinstance(error, FileNotFoundError):
        return error.filename is None  # the socket of a server that is being started; a missing file has a name
    return isinstance(
        error,
        (
            ConnectionError,
            asyncpg.InternalClientError,  # a rollback or reset on a connection that breaks down at this moment
            asyncpg.PostgresConnectionError,
            asyncpg.OperatorInterventionError,  # it stops, it recovers, a statement took too long
            asyncpg.InsufficientResourcesError,  # disk, memory, connections
            asyncpg.LockNotAvailableError,
            asyncpg.TransactionRollbackError,  # deadlocks
        ),
    )


def server_settings(role: str) -> dict[str, str]:
    """What every connection of Lotse sets, with the limits above."""
    return {
        "application_name": role,
        "timezone": "UTC",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS),
    }


async def _end_statement(raw: asyncpg.Connection | PoolConnectionProxy) -> None:
    """After a cancellation (a visitor left, a slot was too late), which may fall between a statement's preparation and
    its execution: asyncpg asks for the first without a `Sync`, and the server keeps the transaction of the statement,
    with its locks, until the connection is used again. No time-out ends that, and no reset query does either."""
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):  # then it is closed, and there is nothing
        await raw.execute("select")  # of nothing; asyncpg takes no empty statement


async def _keep_as_it_is(raw: asyncpg.Connection) -> None:
    """What a connection needs before the next one takes it: nothing.

    asyncpg would send `RESET ALL`, `UNLISTEN *` and more, a round trip as dear as the read before it. Nobody sets
    anything for a whole session here: settings are `set local`, locks and LISTEN have connections of their own
    (`locks.session`). An open transaction is rolled back by asyncpg all the same.
    """


async def prepare_connection(raw: asyncpg.Connection) -> None:
    """Teach a connection that jsonb is plain Python (msgspec both ways)."""
    # Binary, or composite types with such a field could not be sent (see `rows`): a version byte before the text.
    await raw.set_type_codec("jsonb", encoder=_to_jsonb, decoder=_from_jsonb, schema="pg_catalog", format="binary")
    await raw.set_type_codec("json", encoder=_to_json, decoder=json.loads, schema="pg_catalog", format="text")


def _to_jsonb(thing: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(thing)


def _from_jsonb(sent: bytes) -> Any:
    return msgspec.json.decode(memoryview(sent)[1:])


def _to_json(thing: Any) -> str:
    return msgspec.json.encode(thing).decode()


def _touched(status: str) -> int:
    count = status.rsplit(" ", 1)[-1]
    return int(count) if count.isdigit() else 0
