"""Baskets that nobody came back for, and payments that nobody brought to their end."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog

from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.contracts import ChargeToSettle
from lotse.domains.checkout.rules import KEPT
from lotse.domains.payments.commands import take_due_charges
from lotse.kernel import runtime
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.desk.socket import connected
from lotse.kernel.jobs import Job
from lotse.kernel.settings import Settings

BATCH = 1_000
# At once, because most of a look is waiting for the provider; each needs a connection now and then.
LOOKS_AT_ONCE = 4

_log = structlog.get_logger("lotse.checkout")


async def forget_baskets(database: Database, *, at: datetime) -> int:
    """Delete old baskets in batches; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.delete_old(tx, before=at - KEPT, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


async def forget_attempts(database: Database, *, at: datetime) -> int:
    """Erase names of attempts to pay that nobody came back to, in batches; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.forget_attempts(tx, at=at, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


async def settle_charge(database: Database, wanted: ChargeToSettle, *, at: datetime) -> None:
    """Bring one payment as far as it comes."""
    async with connected(runtime.desk_socket(Settings.load())) as desk:
        await commands.settle(desk, database, charge_id=wanted.charge_id, at=at, eager=True)


async def settle_charges(database: Database, *, at: datetime) -> int:
    """Look at every payment that is due: whoever worked on it may be gone. How many."""
    async with connected(runtime.desk_socket(Settings.load())) as desk:
        return await settle_due(desk, database, at=at)


async def settle_due(desk: Desk, database: Database, *, at: datetime) -> int:
    """The same, with a desk at hand. One that fails is seen in the log, and by the next look; the others go on."""
    total = 0
    while True:
        async with database.transaction() as tx:
            due = await take_due_charges(tx, purpose=commands.PURPOSE, at=at, limit=LOOKS_AT_ONCE)
        if not due:
            break
        total += len(due)
        await _look_at(desk, database, due, at)
    async with database.reading() as conn:
        unclosed = await queries.unclosed(conn)
    await _look_at(desk, database, unclosed, at)
    return total + len(unclosed)


async def _look_at(desk: Desk, database: Database, charge_ids: Sequence[UUID], at: datetime) -> None:
    ended = await asyncio.gather(*(_look(desk, database, id, at) for id in charge_ids), return_exceptions=True)
    for charge_id, error in zip(charge_ids, ended, strict=True):
        if isinstance(error, asyncio.CancelledError):
            raise error
        if isinstance(error, BaseException):
            _log.error("charge could not be settled", charge=str(charge_id), exc_info=error)


async def _look(desk: Desk, database: Database, charge_id: UUID, at: datetime) -> None:
    await commands.settle(desk, database, charge_id=charge_id, at=at, eager=True)


jobs = (
    Job("checkout.forget_baskets", forget_baskets, timetable="35 2 * * *", rights=()),
    Job("checkout.forget_attempts", forget_attempts, timetable="50 * * * *", rights=()),
    Job("checkout.settle_charge", settle_charge, payload=ChargeToSettle, rights=("orders.write", "payments.write")),
    Job(
        "checkout.settle_charges",
        settle_charges,
        timetable="* * * * *",
        at_once=1,
        rights=("orders.write", "payments.write"),
    ),
)
