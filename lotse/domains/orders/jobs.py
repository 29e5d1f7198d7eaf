"""Orders that waited for their prepayment in vain: their goods go to somebody else."""

from datetime import datetime, timedelta

import structlog

from lotse.domains.orders import commands
from lotse.domains.orders.contracts import AlreadyCancelled, NothingLeft
from lotse.domains.orders.queries import waiting
from lotse.domains.payments.queries import overdue
from lotse.kernel import runtime
from lotse.kernel.db import Database
from lotse.kernel.desk.socket import connected
from lotse.kernel.idempotency import key_for
from lotse.kernel.jobs import Job
from lotse.kernel.settings import Settings

# A transfer of the last day is under way for up to three bank days (PSD2, art. 83 says one; weekends make three).
GRACE = timedelta(days=3)
BATCH = 200

_log = structlog.get_logger("lotse.orders")


async def cancel_unpaid(database: Database, *, at: datetime) -> int:
    """Cancel prepaid orders that nobody paid in time; how many. Those that were partly paid are left to a person."""
    cancelled = 0
    async with database.reading() as conn, connected(runtime.desk_socket(Settings.load())) as desk:
        for payment in await overdue(conn, method="prepayment", at=at - GRACE, limit=BATCH):
            order = await waiting(conn, order_id=payment.purpose_id)
            if order is None or order.cancelled or payment.received_minor:
                continue
            # One key per order: a job that is repeated cancels nothing twice.
            key = key_for("system", f"orders.cancel_unpaid:{order.id}", b"", natural=True)
            try:
                await commands.cancel(
                    desk, conn, order_id=order.id, reason="not paid in time", actor="system", key=key, at=at
                )
            except (AlreadyCancelled, NothingLeft) as refusal:
                _log.info("was taken back by somebody else", order=order.number, refusal=refusal.code)
                continue
            cancelled += 1
    return cancelled


jobs = (Job("orders.cancel_unpaid", cancel_unpaid, timetable="5 4 * * *"),)
