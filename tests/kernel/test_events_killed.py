"""kill -9 of the relay and of a consumer in the middle of a batch: nothing is lost, nothing comes twice.

Both run as processes of their own on a server with fsync on. They are held in mid-transaction by a lock of the test,
which the server reports, so the moment of the kill is known and not guessed.
"""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import ClassVar

import pytest
from msgspec import Struct

from lotse.kernel import consumers, migrate, outbox, relay
from lotse.kernel.db import Connection, Database, Transaction, opened
from lotse.kernel.postgres import attached
from lotse.kernel.settings import Settings

AT = datetime(2011, 6, 1, 12, tzinfo=UTC)
NAME = "killed"
EVENTS = 40
REACTIONS = consumers.Reactions()


class Counted(Struct, frozen=True, tag="kernel_test.Counted"):
    """A fact of these tests."""

    version: ClassVar[int] = 1
    key: str
    number: int


@REACTIONS.reacts(Counted, consumer=NAME)
async def count(tx: Transaction, event: Counted) -> None:
    # The test holds this row to stop a batch in its middle.
    await tx.raw.execute("update kernel.test_stop set n = n where $1 = 20", event.number)
    await tx.raw.execute("insert into kernel.test_effects (number) values ($1)", event.number)


async def main(what: str, dsn: str) -> None:
    """What the killed process runs."""
    async with opened(dsn, role=what) as database:
        if what == "relay":
            await relay.run(database, asyncio.Event())
        else:
            await consumers.run(database, asyncio.Event(), REACTIONS)


@pytest.fixture
async def database(durable: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Database]:
    with attached(durable) as dsn:
        monkeypatch.setattr(migrate, "packages", lambda: ("lotse.kernel",))  # the domains are not needed
        migrate.upgrade(dsn)
        async with opened(dsn) as database:
            async with database.transaction() as tx:
                await tx.raw.execute("create table kernel.test_stop as select 1 as n")
                await tx.raw.execute(
                    "create table kernel.test_effects (id int generated always as identity, number int)"
                )
            yield database


@asynccontextmanager
async def running(what: str, database: Database) -> AsyncGenerator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        what,
        database.dsn,
        stdin=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(conn: Connection, query: str, *arguments: object) -> None:
    """Wait until a query says true: the server knows the moment, no time is guessed."""
    while not await conn.raw.fetchval(query, *arguments):  # noqa: ASYNC110 - other processes set no Event
        await asyncio.sleep(0.005)


async def until_blocked_by(watch: Connection, conn: Connection) -> None:
    """Wait until another session waits for a lock that `conn` holds."""
    await until(
        watch,
        "select exists (select from pg_stat_activity where $1 = any (pg_blocking_pids(pid)))",
        conn.raw.get_server_pid(),
    )


async def test_relay_and_consumer_killed_in_mid_batch(database: Database):
    """One after the other on one server: starting it is most of the test's time."""
    async with asyncio.timeout(120):
        await relay_killed(database)
        await consumer_killed(database)


async def relay_killed(database: Database) -> None:
    async with database.reading() as watch:
        async with database.transaction() as tx:
            await outbox.emit(tx, *(Counted("a", i) for i in range(EVENTS)), at=AT)
        async with database.transaction() as tx:
            await tx.raw.execute("select from kernel.event_head for update")
            async with running("relay", database) as process:
                await until_blocked_by(watch, tx)
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with running("relay", database):
            async with database.transaction() as tx:
                await outbox.emit(tx, Counted("a", EVENTS), at=AT)
            await until(watch, f"select position >= {EVENTS + 1} from kernel.event_head")
        rows = await watch.raw.fetch(
            "select position, (payload->>'number')::int as number from kernel.event_log order by position"
        )
    assert [tuple(row) for row in rows] == [(i + 1, i) for i in range(EVENTS + 1)]


async def consumer_killed(database: Database) -> None:
    """Goes on with the events that the relay moved."""
    async with database.reading() as watch:
        async with database.transaction() as tx:
            await tx.raw.execute("select from kernel.test_stop for update")
            async with running("consumers", database) as process:
                await until_blocked_by(watch, tx)
                process.send_signal(signal.SIGKILL)
                await process.wait()
        async with running("consumers", database):
            await until(watch, f"select position > {EVENTS} from kernel.consumers where name = '{NAME}'")
        rows = await watch.raw.fetch("select number from kernel.test_effects order by id")
    assert [row["number"] for row in rows] == list(range(EVENTS + 1))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
