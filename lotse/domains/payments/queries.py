"""Reads of payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lotse.domains.payments.contracts import (
    Charge,
    ChargeRefund,
    Happening,
    Method,
    MethodUnknown,
    Money,
    Payment,
    Provider,
    ProviderUnknown,
    providers,
)
from lotse.domains.payments.contracts import methods as of_plugins
from lotse.domains.payments.rules import METHODS, due
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.payments", "reads")


def methods() -> tuple[Method, ...]:
    """The ways to pay, in the order in which they are offered: Lotse's, the retailer's, then those of the providers."""
    return (*without_provider(), *(method for name in providers for method in providers[name].methods()))


def without_provider() -> tuple[Method, ...]:
    """The ways to pay that nobody else takes part in."""
    return (*METHODS.values(), *(of_plugins[name] for name in of_plugins))


def terms(method: str, at: datetime) -> tuple[Method, datetime]:
    """A way to pay by name, and when a payment of now would be due. Refusal: `MethodUnknown`."""
    found = METHODS.get(method) or next((one for one in methods() if one.name == method), None)
    if found is None:
        raise MethodUnknown(method=method, known=tuple(one.name for one in methods()))
    return found, due(found, at)


def provider_named(name: str) -> Provider:
    """The provider of a charge or webhook. Refusal: `ProviderUnknown`."""
    if name not in providers:
        raise ProviderUnknown(provider=name)
    return providers[name]


async def charge(conn: Connection, *, charge_id: UUID) -> Charge | None:
    """One charge as it stands."""
    return await conn.maybe(READS.charge, Charge, charge_id=charge_id)


async def charges_of(conn: Connection, *, payment_ids: Sequence[UUID]) -> list[Charge]:
    """The charges that pay payments; a payment has one at most."""
    return await conn.many(READS.charges_of, Charge, payment_ids=payment_ids)


async def open_charges(conn: Connection, *, purpose: str, purpose_id: UUID) -> list[Charge]:
    """The attempts to pay for something that are not at their end, the newest first."""
    return await conn.many(READS.open_charges, Charge, purpose=purpose, purpose_id=purpose_id)


async def trail(conn: Connection, *, charge_id: UUID) -> list[Happening]:
    """What happened to a charge, in order."""
    return await conn.many(READS.trail, Happening, charge_id=charge_id)


async def refunds_of(conn: Connection, *, charge_id: UUID) -> list[ChargeRefund]:
    """What went or is on its way back through the provider."""
    return await conn.many(READS.refunds_of, ChargeRefund, charge_id=charge_id)


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
