"""Orders that waited for their prepayment in vain: their goods go to somebody else. What customers bought in all."""

from datetime import datetime, timedelta

import structlog

from lotse.domains.orders import commands
from lotse.domains.orders.contracts import AlreadyCancelled, NothingLeft
from lotse.domains.orders.queries import waiting
from lotse.domains.payments.contracts import Payment
from lotse.domains.payments.queries import overdue
from lotse.kernel import runtime
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.desk.socket import connected
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7_floor
from lotse.kernel.jobs import Job
from lotse.kernel.settings import Settings

# A transfer of the last day is under way for up to three bank days (PSD2, art. 83 says one; weekends make three).
GRACE = timedelta(days=3)
BATCH = 200

_log = structlog.get_logger("lotse.orders")


async def cancel_unpaid(database: Database, *, at: datetime) -> int:
    """Cancel prepaid orders that nobody paid in time; how many. Those that were partly paid are left to a person."""
    cancelled = 0
    last: Payment | None = None
    async with connected(runtime.desk_socket(Settings.load())) as desk:
        while True:
            async with database.reading() as conn:
                page = await overdue(conn, method="prepayment", at=at - GRACE, after=last, limit=BATCH)
                for payment in page:
                    cancelled += await _cancel(desk, conn, payment, at)
            if len(page) < BATCH:
                return cancelled
            # What stays overdue (partly paid) must not keep the job from what is younger.
            last = page[-1]


async def _cancel(desk: Desk, conn: Connection, payment: Payment, at: datetime) -> bool:
    order = await waiting(conn, order_id=payment.purpose_id)
    if order is None or order.cancelled or payment.received_minor:
        return False
    # One key per order: a job that is repeated cancels nothing twice.
    key = key_for("system", f"orders.cancel_unpaid:{order.id}", b"", natural=True)
    try:
        await commands.cancel(desk, conn, order_id=order.id, reason="not paid in time", actor="system", key=key, at=at)
    except (AlreadyCancelled, NothingLeft) as refusal:
        _log.info("was taken back by somebody else", order=order.number, refusal=refusal.code)
        return False
    return True


# No order takes as long as this from the moment when its id is drawn to its commit.
SETTLED = timedelta(minutes=2)
# A second of work at most.
SUMMED_AT_ONCE = 20_000


async def sum_customers(database: Database, *, at: datetime) -> int:
    """Sum up what customers have bought since the last time; how many orders and amendments were looked at."""
    total = 0
    while True:
        async with database.transaction() as tx:
            found = await commands.sum_customers(tx, before=uuid7_floor(at - SETTLED), limit=SUMMED_AT_ONCE)
        total += found
        if not found:
            return total


jobs = (
    Job("orders.cancel_unpaid", cancel_unpaid, timetable="5 4 * * *", rights=("orders.write",)),
    Job("orders.sum_customers", sum_customers, timetable="* * * * *", at_once=1, rights=()),
)
