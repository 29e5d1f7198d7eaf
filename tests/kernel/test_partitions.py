"""Months of tables that only grow: made ahead, and never needed for an insert to succeed."""

import asyncio
from datetime import UTC, datetime

from lotse.kernel import partitions
from lotse.kernel.db import Database, Transaction
from lotse.kernel.ids import uuid7_floor

MAY = datetime(2031, 5, 17, 13, 30, tzinfo=UTC)
JUNE = datetime(2031, 6, 1, tzinfo=UTC)


async def table(tx: Transaction) -> None:
    await tx.raw.execute("create table kernel.test_months (id uuid primary key, n int) partition by range (id)")
    await tx.raw.execute("create table kernel.test_months_default partition of kernel.test_months default")


async def homes(tx: Transaction) -> list[tuple[str, int]]:
    rows = await tx.raw.fetch("select tableoid::regclass::text as home, n from kernel.test_months order by n")
    return [(row["home"], row["n"]) for row in rows]


async def insert(tx: Transaction, at: datetime, n: int) -> None:
    await tx.raw.execute("insert into kernel.test_months values ($1, $2)", uuid7_floor(at), n)


async def test_a_month_is_made_once_and_takes_over_what_waited_in_the_default(tx: Transaction):
    await table(tx)
    await insert(tx, MAY, 1)
    await insert(tx, JUNE, 2)
    assert await homes(tx) == [("kernel.test_months_default", 1), ("kernel.test_months_default", 2)]
    assert await partitions.ensure(tx, "kernel.test_months", MAY)
    assert not await partitions.ensure(tx, "kernel.test_months", MAY)
    await insert(tx, datetime(2031, 5, 31, 23, 59, 59, 999000, tzinfo=UTC), 3)
    await insert(tx, datetime(2031, 5, 1, tzinfo=UTC), 4)
    assert await homes(tx) == [
        ("kernel.test_months_2031_05", 1),
        ("kernel.test_months_default", 2),
        ("kernel.test_months_2031_05", 3),
        ("kernel.test_months_2031_05", 4),
    ]


async def test_every_table_of_months_is_found_and_has_this_month_and_the_next_three(tx: Transaction):
    await table(tx)
    await partitions.ensure_all(tx, at=datetime(2031, 11, 30, tzinfo=UTC))
    assert await partitions.ensure_all(tx, at=datetime(2031, 11, 30, tzinfo=UTC)) == 0
    names = await tx.raw.fetch(
        "select inhrelid::regclass::text as name from pg_inherits"
        " where inhparent in ('kernel.test_months'::regclass, 'kernel.event_log'::regclass)"
    )
    assert {row["name"] for row in names} >= {
        f"kernel.{stem}_{month}"
        for stem in ("test_months", "event_log")
        for month in ("2031_11", "2031_12", "2032_01", "2032_02", "default")
    }


async def test_two_workers_that_make_the_same_month_do_not_disturb_each_other(db: Database):
    async def make() -> bool:
        async with db.transaction() as tx:
            return await partitions.ensure(tx, "kernel.event_log", datetime(2044, 1, 1, tzinfo=UTC))

    try:
        assert sorted(await asyncio.gather(*(make() for _ in range(4)))) == [False, False, False, True]
    finally:
        async with db.transaction() as tx:
            await tx.raw.execute("drop table kernel.event_log_2044_01")


async def test_a_reader_that_knows_its_last_id_looks_at_no_month_before(tx: Transaction):
    await partitions.ensure_all(tx, at=datetime(2031, 5, 1, tzinfo=UTC))
    await tx.raw.execute("set local plan_cache_mode = force_generic_plan")
    await tx.raw.execute(
        "prepare after_may (bigint, bigint, uuid, text[], bigint) as "
        "select position from kernel.event_log"
        " where position > $1 and position <= $2 and id >= $3 and type = any ($4) order by position limit $5"
    )
    plan = await tx.raw.fetch(
        f"explain (analyze, costs off) execute after_may (0, 10, '{uuid7_floor(JUNE)}', '{{a.B}}', 10)"
    )
    text = "\n".join(row[0] for row in plan)
    assert "event_log_2031_06" in text and "event_log_2031_05" not in text
    assert "Index Scan" in text
