"""`lotse check`: does everything that is kept twice agree?

Every statement of a `sql/reads.sql` whose name begins with `check_` is a check: it takes no parameters and returns a
row (subject, expected, found) for each difference. A domain checks what it promises: balances against movements, sums
against lines, facts against the events that report them (`kernel.events` has those still in the outbox as well).
All checks see the same moment, so what goes on meanwhile is no difference.
"""

from msgspec import Struct

from lotse.kernel import migrate
from lotse.kernel.db import Connection, Database
from lotse.kernel.sql import Statement, statements

# A check reads whole tables; no user waits for it.
STATEMENT_TIMEOUT = "10min"
# Sums over all orders and movements are hashed in memory rather than sorted on disk; there is one of it at a time.
WORK_MEM = "128MB"
# One mistake in code can make every row differ; the first thousand say what it is.
MAX_DIFFERENCES = 1_000

PREFIX = "check_"


class Difference(Struct, frozen=True):
    """Something that should agree and does not."""

    domain: str
    check: str
    subject: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.domain}: {self.check}: {self.subject}: expected {self.expected}, found {self.found}"


class _Row(Struct, frozen=True):
    subject: str | None
    expected: str | None
    found: str | None


def checks() -> list[tuple[str, Statement]]:
    """Every check with its domain, the kernel's first."""
    return [
        (package.rsplit(".", 1)[-1], statement)
        for package in migrate.packages()
        for statement in statements(package, "reads")
        if statement.name.startswith(PREFIX)
    ]


async def run(database: Database) -> list[Difference]:
    """Run every check in one snapshot; what differs. None: all is well."""
    found: list[Difference] = []
    async with database.snapshot() as conn:
        await conn.raw.execute(
            f"set local statement_timeout = '{STATEMENT_TIMEOUT}'; set local work_mem = '{WORK_MEM}'"
        )
        for domain, statement in checks():
            found += await differences(conn, domain, statement)
    return found


async def differences(conn: Connection, domain: str, statement: Statement) -> list[Difference]:
    """What one check finds, in a transaction; at most `MAX_DIFFERENCES` and one that says there are more."""
    name = statement.name.removeprefix(PREFIX)
    cursor = await conn.raw.cursor(statement.sql, *statement.bind({}))
    rows = [_Row(*record) for record in await cursor.fetch(MAX_DIFFERENCES + 1)]
    found = [
        Difference(domain, name, row.subject or "?", row.expected or "nothing", row.found or "nothing")
        for row in rows[:MAX_DIFFERENCES]
    ]
    if len(rows) > MAX_DIFFERENCES:
        found.append(Difference(domain, name, "further rows", "none", f"more than {MAX_DIFFERENCES}"))
    return found
