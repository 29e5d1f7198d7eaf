"""Reads of payments."""

from datetime import datetime
from uuid import UUID

from lotse.domains.payments.contracts import Method, Money, Payment
from lotse.domains.payments.rules import METHODS, due, method_named
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.payments", "reads")


def methods() -> tuple[Method, ...]:
    """The ways to pay, in the order in which they are offered."""
    return tuple(METHODS.values())


def terms(method: str, at: datetime) -> tuple[Method, datetime]:
    """A way to pay by name, and when a payment of now would be due. Refusal: `MethodUnknown`."""
    found = method_named(method)
    return found, due(found, at)


async def payment(conn: Connection, *, payment_id: UUID) -> Payment | None:
    """One payment as it stands."""
    return await conn.maybe(READS.payment, Payment, payment_id=payment_id)


async def money_of(conn: Connection, *, payment_id: UUID) -> list[Money]:
    """What came in and went back for a payment, in order of time."""
    return await conn.many(READS.money_of, Money, payment_id=payment_id)


async def overdue(
    conn: Connection, *, method: str, at: datetime, after: Payment | None = None, limit: int = 100
) -> list[Payment]:
    """Payments of a method that should have been made before `at`, the oldest first; go on after the last one."""
    return await conn.many(
        READS.overdue,
        Payment,
        method=method,
        at=at,
        after_due=after.due_at if after else None,
        after_id=after.id if after else None,
        limit=limit,
    )
