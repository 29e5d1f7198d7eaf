"""Verbs on orders. Placing and amending go through the desk; what needs no quantities is a transaction of its own."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from lotse.domains.orders.contracts import (
    Amended,
    AmendRequest,
    CreditRequest,
    LineFacts,
    Order,
    OrderFacts,
    OrderReleased,
    OrderUnknown,
    Placed,
    PlaceRequest,
    TakeBack,
)
from lotse.domains.orders.queries import READS
from lotse.domains.orders.queries import order as read_order
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased, Kept
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.orders", "writes")

# Invoices, since 2025 (s. 147 (3) AO as of BEG IV).
BILLS_KEPT_YEARS = 8


async def place(desk: Desk, *, request: PlaceRequest, key: Key) -> Placed:
    """Place an order, all lines or none, and owe its payment.

    Refusals: `KeyReused`, `EmptyOrder`, `InvalidLine`, `PoolUnknown`, `OutOfStock`, `NumberTaken`.
    """
    return await desk.submit("place", request, Placed, key=key, at=request.placed_at)


async def amend(desk: Desk, *, request: AmendRequest, key: Key) -> Amended:
    """Take back parts of an order that the caller has read.

    Refusals: `KeyReused`, `OrderUnknown`, `AlreadyCancelled`, `NothingLeft`, `MoreThanSold`, `MoreThanPaid`.
    """
    return await desk.submit("amend", request, Amended, key=key, at=request.occurred_at)


async def cancel(
    desk: Desk, conn: Connection, *, order_id: UUID, reason: str, actor: str, key: Key, at: datetime
) -> Amended:
    """Take everything back that is left of an order; its goods go back to where they came from.

    What was paid is then to be refunded. Refusals: as `amend`.
    """
    found = await _existing(conn, order_id)
    everything = tuple(
        TakeBack(position=line.position, quantity=line.quantity, restock=line.pool_id) for line in found.lines
    )
    request = AmendRequest(
        amendment_id=uuid7(),
        kind="cancellation",
        order=facts_of(found),
        lines=everything,
        reason=reason,
        actor=actor,
        occurred_at=at,
    )
    return await amend(desk, request=request, key=key)


async def credit(desk: Desk, *, request: CreditRequest, key: Key) -> Amended:
    """Credit somebody without an order. Refusals: `KeyReused`, `NothingLeft`, `InvalidLine`, `PoolUnknown`."""
    return await desk.submit("credit", request, Amended, key=key, at=request.occurred_at)


async def release(tx: Transaction, *, order_id: UUID, released_at: datetime, at: datetime) -> bool:
    """Let the goods leave; False if they could already."""
    fresh = await tx.execute(WRITES.release, order_id=order_id, released_at=released_at, recorded_at=at)
    if fresh:
        await emit(tx, OrderReleased(order_id), at=released_at)
    return bool(fresh)


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase how to reach a person; whom a bill names stays for as long as the bill must be kept."""
    # From the end of the year of the invoice (s. 147 (4) AO); nine years back is never too early.
    bills_before = at - timedelta(days=366 * (BILLS_KEPT_YEARS + 1))
    rows = await tx.execute(WRITES.erase_contacts, party_id=party_id, bills_before=bills_before, at=at)
    newest: datetime | None = await tx.value(READS.newest_bill, party_id=party_id)
    if newest is None:
        return Erased(rows)
    until = datetime(newest.year + BILLS_KEPT_YEARS + 1, 1, 1, tzinfo=UTC)
    return Erased(rows, (Kept("recipient of invoices", "s. 147 AO, s. 14b UStG: 8 years", until),))


def facts_of(order: Order) -> OrderFacts:
    """What the desk must know of an order to amend it."""
    return OrderFacts(
        order.id,
        order.number,
        order.legal_entity_id,
        order.zone,
        order.customer_id,
        order.payment_id,
        order.currency,
        tuple(
            LineFacts(
                line.position,
                line.variant_id,
                line.kind,
                line.sku,
                line.text,
                line.quantity,
                line.net_minor,
                line.tax_minor,
                line.gross_minor,
                line.tax_code,
                line.tax_rate,
            )
            for line in order.lines
        ),
    )


async def _existing(conn: Connection, order_id: UUID) -> Order:
    found = await read_order(conn, order_id=order_id)
    if found is None:
        raise OrderUnknown(order=str(order_id))
    return found
