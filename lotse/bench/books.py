"""The books of a run: rows per table, and sums that must agree after each round of either side."""

from msgspec import Struct, structs

from lotse.bench.profile import BenchFailed
from lotse.kernel.db import Database
from lotse.kernel.sql import statements

STATEMENTS = statements("lotse.bench", "reads")


class Rows(Struct, frozen=True):
    """How many rows there are in each table of the order path."""

    orders: int
    lines: int
    contacts: int
    releases: int
    movements: int
    holds: int
    hold_lines: int
    holders: int
    entries: int
    payments: int
    receipts: int
    outbox: int
    idempotency: int

    def since(self, before: "Rows") -> "Rows":
        return Rows(*(mine - its for mine, its in zip(structs.astuple(self), structs.astuple(before), strict=True)))

    def times(self, count: int) -> "Rows":
        return Rows(*(mine * count for mine in structs.astuple(self)))


async def rows(database: Database) -> Rows:
    """Rows now."""
    async with database.reading() as conn:
        return await conn.one(STATEMENTS.rows, Rows)


async def differences(database: Database) -> list[str]:
    """What does not agree, one line each."""
    async with database.snapshot() as conn:
        await conn.raw.execute("set local statement_timeout = 0")  # it looks at everything
        found = await conn.raw.fetch(STATEMENTS.differences.sql)
    return [f"{row['subject']}: expected {row['expected']}, found {row['found']}" for row in found]


async def refuse_differences(database: Database, after: str) -> None:
    """Raise `BenchFailed` if the books do not agree: figures of a run that lost something are worth nothing.

    A deadlock counts as a difference, though it was repeated and nothing was lost.
    """
    found = await differences(database)
    if found:
        raise BenchFailed(f"after {after} the books differ: {'; '.join(found[:5])}")
    async with database.reading() as conn:
        deadlocks: int = await conn.value(STATEMENTS.deadlocks)
    if deadlocks:
        raise BenchFailed(f"after {after} the server has seen {deadlocks} deadlocks")


async def oversold(database: Database) -> int:
    """Pieces that were given away without being there; the constraints of the pools promise 0."""
    async with database.reading() as conn:
        return await conn.value(STATEMENTS.oversold)


def refuse_other_rows(written: Rows, each: Rows, count: int, by: str) -> None:
    """Raise `BenchFailed` if `count` orders did not write `each` rows each."""
    wanted = each.times(count)
    if written != wanted:
        pairs = zip(structs.asdict(wanted).items(), structs.astuple(written), strict=True)
        said = ", ".join(
            f"{table}: {expected} expected, {found} found" for (table, expected), found in pairs if expected != found
        )
        raise BenchFailed(f"{by} did not write the rows of {count} orders: {said}")
