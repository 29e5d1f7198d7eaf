"""A history of orders, written set by set: what a shop of some years has in its tables before the next order comes."""

import asyncio
from collections.abc import Sequence

import asyncpg

from lotse.bench.profile import Say
from lotse.bench.shop import Shop
from lotse.kernel.db import prepare_connection
from lotse.kernel.sql import Statement, statements

PRELOAD = statements("lotse.bench", "preload")
# One transaction. What is interrupted is lost up to here and no further.
CHUNK = 100_000
# In the order of the order path; one statement each.
TABLES = (
    *(PRELOAD.orders, PRELOAD.lines, PRELOAD.contacts, PRELOAD.releases, PRELOAD.movements, PRELOAD.entries),
    *(PRELOAD.payments, PRELOAD.events, PRELOAD.keys),
)
# Two write at once: as many as the machines in mind have cores.
WRITERS = 2


# What the back office shows of an order; the order path's other tables take four times as long to fill.
SHOWN = (PRELOAD.orders, PRELOAD.lines, PRELOAD.contacts, PRELOAD.releases, PRELOAD.payments)


async def grow(
    dsn: str,
    goods: Shop,
    *,
    after: int,
    orders: int,
    of: int,
    say: Say,
    tables: Sequence[Statement] = TABLES,
) -> None:
    """Bring the history from `after` orders to `orders`; times are spread as for `of` orders in two years.

    Goes on where an interrupted run of the same step stopped; what is there already is not written again.
    """
    first = await _connected(dsn)
    try:
        for made in (PRELOAD.make_draft, PRELOAD.make_chunks, PRELOAD.ensure_months):
            await _run(first, made)
        there = {record[0] for record in await first.fetch(PRELOAD.chunks.sql)}
        size = min(CHUNK, orders - after)
        waiting = [
            (begin, min(begin + size - 1, orders)) for begin in range(after + 1, orders + 1, size) if begin not in there
        ]
        finished = -orders  # a step of its own in the same book
        if finished in there:
            return
        waiting.reverse()
        say(f"writing a history up to {orders:,} orders")
        began = asyncio.get_running_loop().time()
        missing = len(waiting)

        async def write() -> None:
            connection = await _connected(dsn)
            try:
                while waiting:
                    begin, end = waiting.pop()
                    await _write(connection, goods, begin, end, of, tables)
                    if size == CHUNK:
                        rate = (missing - len(waiting)) * size / (asyncio.get_running_loop().time() - began)
                        say(f"  {end:,} orders, {rate:,.0f}/s")
            finally:
                await connection.close()

        async with asyncio.TaskGroup() as group:
            for _ in range(min(WRITERS, missing)):
                group.create_task(write())
        say("  balances, statistics")
        await _run(first, PRELOAD.balances)
        await _run(first, PRELOAD.head, position=orders)
        # Otherwise the first reads after the load would do what autovacuum does later.
        await first.execute("vacuum (analyze, parallel 2)")
        await _run(first, PRELOAD.done, chunk=finished, orders=0)
    finally:
        await first.close()


async def _write(
    connection: asyncpg.Connection, goods: Shop, begin: int, end: int, of: int, tables: Sequence[Statement]
) -> None:
    async with connection.transaction():
        await _run(connection, PRELOAD.without_triggers)
        articles = len(goods.offers)
        await _run(
            connection,
            PRELOAD.draft,
            chunk=begin,
            first=goods.first_pool,
            articles=articles,
            total=of,
            begin=begin,
            end=end,
        )
        for statement in tables:
            await _run(connection, statement, chunk=begin)
        await _run(connection, PRELOAD.done, chunk=begin, orders=end - begin + 1)
        await _run(connection, PRELOAD.clear_draft, chunk=begin)


async def _run(connection: asyncpg.Connection, statement: Statement, **given: object) -> None:
    await connection.execute(statement.sql, *statement.bind(given))


async def _value(connection: asyncpg.Connection, statement: Statement) -> int:
    return await connection.fetchval(statement.sql)


async def _connected(dsn: str) -> asyncpg.Connection:
    """Without the time-outs of a process that serves people, and without waiting for the disk at each commit.

    A load that a power cut ends is begun anew: its folder goes with it.
    """
    connection = await asyncpg.connect(
        dsn,
        server_settings={"application_name": "lotse bench history", "synchronous_commit": "off", "work_mem": "256MB"},
    )
    await prepare_connection(connection)
    return connection
