"""Orders for those who may see them: staff and tokens by right, a buyer by the signed link."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from msgspec import Meta, Struct

from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import (
    ORDER_LINK,
    AlreadyCancelled,
    Amended,
    NothingLeft,
    Order,
    OrderRow,
    OrderUnknown,
)
from lotse.domains.payments.contracts import Payment
from lotse.domains.payments.queries import payment
from lotse.kernel.auth.links import LinkInvalid, Links
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.http import PAGE_SIZE, Cursor, Page, PageSize, Principal, after, needs, paged, public
from lotse.kernel.idempotency import key_for
from lotse.kernel.paging import BadCursor


class Reason(Struct, frozen=True):
    """Why, in the words that the other side will read."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class OrderView(Struct, frozen=True):
    """An order and how far it is paid."""

    order: Order
    payment: Payment


@get("/orders", guards=[needs("orders:read")], refusals=(BadCursor,), tags=["orders"])
async def list_orders(
    database: Database, number: str | None = None, limit: PageSize = PAGE_SIZE, cursor: Cursor = None
) -> Page[OrderRow]:
    """Orders, the newest first; with `number` those whose number begins so."""
    begin = after(cursor, tuple[UUID])
    async with database.reading() as conn:
        rows = await queries.orders(
            conn, before=begin[0] if begin else queries.LATEST, number_prefix=number, limit=limit + 1
        )
    return paged(rows, limit, ["id"])


@get("/orders/{order_id:uuid}", guards=[needs("orders:read")], refusals=(OrderUnknown,), tags=["orders"])
async def read_order(database: Database, order_id: UUID) -> OrderView:
    """One order with everything that has happened to it."""
    async with database.snapshot() as conn:
        return await _view(conn, order_id)


@get("/order-links/{link:str}", guards=[public], refusals=(LinkInvalid, OrderUnknown), tags=["orders"])
async def read_linked_order(database: Database, links: Links, link: str) -> OrderView:
    """The order that a signed link names: what its buyer sees without an account."""
    async with database.snapshot() as conn:
        return await _view(conn, links.read(ORDER_LINK, link))


@post(
    "/orders/{order_id:uuid}/cancel",
    guards=[needs("orders:write")],
    refusals=(OrderUnknown, AlreadyCancelled, NothingLeft),
    status_code=200,
    tags=["orders"],
)
async def cancel_order(
    database: Database,
    desk: Desk,
    principal: Principal,
    order_id: UUID,
    data: Reason,
    idempotency_key: str,
    at: datetime,
) -> Amended:
    """Take an order back as a whole: its goods return to stock, what was paid is to be refunded."""
    return await _cancel(database, desk, principal, order_id, data, idempotency_key, at)


@post(
    "/order-links/{link:str}/cancel",
    guards=[public],
    refusals=(LinkInvalid, OrderUnknown, AlreadyCancelled, NothingLeft),
    status_code=200,
    tags=["orders"],
)
async def cancel_linked_order(
    database: Database,
    desk: Desk,
    links: Links,
    principal: Principal,
    link: str,
    data: Reason,
    idempotency_key: str,
    at: datetime,
) -> Amended:
    """The same, for the buyer who holds the signed link."""
    return await _cancel(database, desk, principal, links.read(ORDER_LINK, link), data, idempotency_key, at)


async def _cancel(
    database: Database,
    desk: Desk,
    principal: Principal,
    order_id: UUID,
    data: Reason,
    idempotency_key: str,
    at: datetime,
) -> Amended:
    key = key_for(str(principal), idempotency_key, ("cancel order", order_id, data))
    async with database.reading() as conn:
        return await commands.cancel(
            desk, conn, order_id=order_id, reason=data.reason, actor=str(principal), key=key, at=at
        )


async def _view(conn: Connection, order_id: UUID) -> OrderView:
    order = await queries.order(conn, order_id=order_id)
    if order is None:
        raise OrderUnknown(order=str(order_id))
    owed = await payment(conn, payment_id=order.payment_id)
    if owed is None:
        raise LookupError(f"order {order.number} has no payment")
    return OrderView(order, owed)


routes = (list_orders, read_order, read_linked_order, cancel_order, cancel_linked_order)
