"""Verbs on orders. Placing and amending go through the desk; what needs no quantities is a transaction of its own."""

from datetime import datetime
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
from lotse.domains.orders.queries import order as read_order
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import emit
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.orders", "writes")


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
    """Credit somebody without an order. Refusals: `KeyReused`, `NothingLeft`, `PoolUnknown`."""
    return await desk.submit("credit", request, Amended, key=key, at=request.occurred_at)


async def release(tx: Transaction, *, order_id: UUID, released_at: datetime, at: datetime) -> bool:
    """Let the goods leave; False if they could already."""
    fresh = await tx.execute(WRITES.release, order_id=order_id, released_at=released_at, recorded_at=at)
    if fresh:
        await emit(tx, OrderReleased(order_id), at=released_at)
    return bool(fresh)


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
