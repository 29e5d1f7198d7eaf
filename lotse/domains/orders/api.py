"""Orders for those who may see them: staff and tokens by right, a buyer by the signed link."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.inventory.contracts import UnknownLocation
from lotse.domains.inventory.queries import location_by_code
from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import (
    ORDER_LINK,
    AlreadyCancelled,
    Amended,
    NothingLeft,
    NumberTaken,
    Order,
    OrderRow,
    OrderUnknown,
    Placed,
    TillSale,
)
from lotse.domains.orders.queries import ORDER
from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.payments.contracts import Payment
from lotse.domains.payments.queries import payment
from lotse.domains.tax.contracts import NoTaxRate
from lotse.kernel.auth.links import LinkInvalid, Links
from lotse.kernel.auth.principal import Whose
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.http import PAGE_SIZE, Cursor, Page, PageSize, Principal, after, happened, needs, paged, public
from lotse.kernel.idempotency import key_for, recall
from lotse.kernel.paging import BadCursor
from lotse.kernel.refusals import Invalid

# A group of tills, and an account on a marketplace, are shops of their own.
SoldIn = Annotated[
    str | None,
    Parameter(
        query="shop",
        max_length=63,
        description="Code of the shop (a group of tills, an account on a marketplace) that sold it; else the web shop.",
    ),
]


class Reason(Struct, frozen=True):
    """Why, in the words that the other side will read."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class OrderView(Struct, frozen=True):
    """An order and how far it is paid."""

    order: Order
    payment: Payment


@get("/orders", guards=[needs("orders.read", "narrowed")], refusals=(BadCursor,), tags=["orders"])
async def list_orders(
    database: Database,
    principal: Principal,
    number: str | None = None,
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[OrderRow]:
    """Orders, the newest first; with `number` those whose number begins so."""
    begin = after(cursor, tuple[UUID])
    async with database.reading() as conn:
        rows = await queries.orders(
            conn,
            before=begin[0] if begin else queries.LATEST,
            number_prefix=number,
            within=principal.within("orders.read"),
            limit=limit + 1,
        )
    return paged(rows, limit, ["id"])


@get("/orders/{order_id:uuid}", guards=[needs("orders.read", ORDER)], refusals=(OrderUnknown,), tags=["orders"])
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
    "/sales",
    guards=[needs("sales.write", "narrowed")],
    operation_id="recordSale",
    refusals=(UnknownShop, UnknownLocation, UnknownVariant, NoTaxRate, NumberTaken, Invalid),
    tags=["orders"],
)
async def record_sale(
    database: Database,
    desk: Desk,
    principal: Principal,
    shop: Shop,
    data: TillSale,
    idempotency_key: str,
    at: datetime,
    sold_in: SoldIn = None,
) -> Placed:
    """A sale that has happened at a till, online or not: recorded once, ever, under its till and receipt number.

    Stock is no reason to refuse it: holds break and goods are found. Send it again until it is answered; the
    `Idempotency-Key` may be a new one each time, what counts is till and receipt.
    """
    happened(data.occurred_at, at)
    key = commands.till_key(data)
    async with database.transaction() as tx:
        answered = await recall(tx, key, Placed)
        if answered is not None:
            return answered
        if sold_in is not None:
            named = await shop_by_code(tx, code=sold_in)
            if named is None:
                raise UnknownShop(shop=sold_in)
            shop = named
        place = await location_by_code(tx, code=data.location)
        if place is None:
            raise UnknownLocation(location=data.location)
        sold = Whose(shop.id, frozenset((place.id,)), frozenset((shop.owner_party_id,)))
        principal.require("sales.write", sold, unknown=lambda: UnknownLocation(location=data.location))
        request = await commands.sale_of_till(tx, shop=shop, sale=data, actor=str(principal))
    return await commands.sell(desk, request=request, key=key)


@post(
    "/orders/{order_id:uuid}/cancel",
    guards=[needs("orders.write", ORDER)],
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


routes = (list_orders, read_order, read_linked_order, record_sale, cancel_order, cancel_linked_order)
