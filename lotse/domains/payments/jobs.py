"""Refunds that nobody brought to their end, messages that came before their charge was known, bodies that expire."""

import asyncio
from datetime import datetime, timedelta

import structlog

from lotse.domains.payments import commands
from lotse.domains.payments.contracts import RefundToSend
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job

# Longer than a dispute about a card payment may be opened (120 days with the large schemes); then nobody asks.
BODIES_KEPT = timedelta(days=180)
BATCH = 1_000
# At once, because most of it is waiting for the provider.
REFUNDS_AT_ONCE = 4

_log = structlog.get_logger("lotse.payments")


async def send_refund(database: Database, wanted: RefundToSend, *, at: datetime) -> None:
    """Ask the provider for one refund."""
    await commands.send_refund(database, refund_id=wanted.refund_id, at=at)


async def send_refunds(database: Database, *, at: datetime) -> int:
    """Ask again for every refund that is due; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            due = await commands.take_due_refunds(tx, at=at, limit=REFUNDS_AT_ONCE)
        if not due:
            return total
        total += len(due)
        sending = (commands.send_refund(database, refund_id=refund_id, at=at) for refund_id in due)
        for refund_id, ended in zip(due, await asyncio.gather(*sending, return_exceptions=True), strict=True):
            if isinstance(ended, asyncio.CancelledError):
                raise ended
            if isinstance(ended, BaseException):
                _log.error("refund could not be sent", refund=str(refund_id), exc_info=ended)


async def retry_webhooks(database: Database, *, at: datetime) -> int:
    """Try messages again whose charge was not known when they came; how many found it."""
    async with database.transaction() as tx:
        return await commands.retry_webhooks(tx, at=at)


async def forget_bodies(database: Database, *, at: datetime) -> int:
    """Erase raw webhook bodies in batches; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.forget_bodies(tx, before=at - BODIES_KEPT, limit=BATCH)
        total += gone
        if gone < BATCH:
            return total


jobs = (
    Job("payments.send_refund", send_refund, payload=RefundToSend, rights=("orders.refund", "payments.write")),
    Job(
        "payments.send_refunds",
        send_refunds,
        timetable="* * * * *",
        at_once=1,
        rights=("orders.refund", "payments.write"),
    ),
    Job("payments.retry_webhooks", retry_webhooks, timetable="* * * * *", rights=("orders.refund", "payments.write")),
    Job("payments.forget_bodies", forget_bodies, timetable="55 2 * * *", rights=()),
)
