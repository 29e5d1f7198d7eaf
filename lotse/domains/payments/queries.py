"""Reads of payments."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lotse.domains.payments.contracts import (
    Charge,
    ChargeRefund,
    ChargeUnknown,
    Happening,
    Method,
    MethodUnknown,
    Money,
    Payment,
    PaymentUnknown,
    Provider,
    ProviderUnknown,
    providers,
)
from lotse.domains.payments.contracts import methods as of_plugins
from lotse.domains.payments.rules import METHODS, due
from lotse.kernel.auth.principal import NOBODYS, Whose
from lotse.kernel.auth.things import Thing, whose_is
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


async def whose_payment(conn: Connection, payment_id: UUID) -> Whose | None:
    """Where a payment belongs: where that belongs which it pays."""
    found = await payment(conn, payment_id=payment_id)
    return await _whose(conn, found.purpose, found.purpose_id) if found else None


async def whose_charge(conn: Connection, charge_id: UUID) -> Whose | None:
    """Where a charge belongs: where its payment does; before there is one, where that does which it is for."""
    found = await charge(conn, charge_id=charge_id)
    if found is None:
        return None
    if found.payment_id is not None:
        return await whose_payment(conn, found.payment_id)
    return await _whose(conn, found.purpose, found.purpose_id)


async def _whose(conn: Connection, purpose: str, purpose_id: UUID) -> Whose:
    return await whose_is(conn, purpose, purpose_id) or NOBODYS


PAYMENT = Thing(
    "payment", "payment_id", whose_payment, unknown=lambda id: PaymentUnknown(payment_id=id), read="payments.read"
)
CHARGE = Thing(
    "charge", "charge_id", whose_charge, unknown=lambda id: ChargeUnknown(charge_id=id), read="payments.read"
)


async def refunded_by(conn: Connection, *, payment_id: UUID, actor: str) -> int:
    """What somebody has paid back of a payment, or asked a provider to: limits count it together, so that no one pays
    back in parts what would be too much as a whole."""
    return await conn.value(READS.refunded_by, payment_id=payment_id, actor=actor)


async def money_of(conn: Connection, *, payment_id: UUID) -> list[Money]:
    """What came in and went back for a payment, in order of time."""
    return await conn.many(READS.money_of, Money, payment_id=payment_id)


async def payments_by_ids(conn: Connection, *, payment_ids: Sequence[UUID]) -> dict[UUID, Payment]:
    """Those of the payments that exist, by id."""
    found = await conn.many(READS.payments, Payment, payment_ids=list(payment_ids))
    return {payment.id: payment for payment in found}


async def money_of_payments(conn: Connection, *, payment_ids: Sequence[UUID]) -> dict[UUID, list[Money]]:
    """As `money_of`, by payment; one for which nothing came or went is absent."""
    found: dict[UUID, list[Money]] = {}
    for row in await conn.many(READS.money_of_payments, _MoneyOf, payment_ids=list(payment_ids)):
        money = Money(row.id, row.kind, row.reference, row.amount_minor, row.actor, row.occurred_at)
        found.setdefault(row.payment_id, []).append(money)
    return found


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


async def purpose_of_money(conn: Connection, *, id: UUID) -> UUID | None:
    """What a receipt or a refund was for, e.g. the order's id; None if there is none of this id."""
    return await conn.value(READS.purpose_of_money, id=id)


class _MoneyOf(Money, frozen=True, kw_only=True):
    payment_id: UUID
