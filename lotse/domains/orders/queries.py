"""Reads of orders."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.rules import search_digits
from lotse.domains.orders.contracts import (
    CustomerSums,
    FoundOrder,
    Order,
    OrderRow,
    OrderUnknown,
    StoredAmendment,
    StoredMoney,
    StoredOrder,
    StoredOrders,
    StoredPayment,
)
from lotse.domains.payments.queries import charges_of, money_of_payments, payments_by_ids
from lotse.kernel.auth.principal import EVERYTHING, Whose, Within
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.ids import uuid7_floor
from lotse.kernel.sql import statements
from lotse.kernel.webhooks.shops import ShopFinder

READS = statements("lotse.domains.orders", "reads")

# Later than any id: the first page of a list.
LATEST = UUID(int=2**128 - 1)


# Of an article that is sold all day the newest orders do; more are found by number, name or day.
_MOST_OF_AN_ARTICLE = 5_000
# What anybody types; the columns searched hold no more.
_MAX_LETTERS = 200


class Waiting(Struct, frozen=True):
    """An order that is not released yet."""

    id: UUID
    payment_id: UUID
    number: str
    cancelled: bool


async def order(conn: Connection, *, order_id: UUID) -> Order | None:
    """One order with its lines and everything that has happened to it."""
    return await conn.maybe(READS.order, Order, order_id=order_id)


async def whose(conn: Connection, order_id: UUID) -> Whose | None:
    """Where an order belongs: the shop that sold it, the locations it is served from, the sellers of its goods."""
    return await conn.maybe(READS.whose, Whose, order_id=order_id)


ORDER = Thing("order", "order_id", whose, unknown=lambda id: OrderUnknown(order=str(id)), read="orders.read")


async def order_of_amendment(conn: Connection, *, amendment_id: UUID) -> UUID | None:
    """The order that was amended; None for a credit without one."""
    return await conn.value(READS.order_of_amendment, amendment_id=amendment_id)


async def id_of_number(conn: Connection, *, number: str) -> UUID | None:
    """The order that people call by this number."""
    return await conn.value(READS.id_of_number, number=number)


async def orders(
    conn: Connection,
    *,
    before: UUID = LATEST,
    number_prefix: str | None = None,
    customer_id: UUID | None = None,
    within: Within = EVERYTHING,
    limit: int = 50,
) -> list[OrderRow]:
    """A page of orders, the newest first; go on with `before` = the last one's id."""
    return await conn.many(
        READS.orders,
        OrderRow,
        before=before,
        number_prefix=number_prefix,
        customer_id=customer_id,
        limit=limit,
        **within.columns(),
    )


def sought(text: str) -> dict[str, Any]:
    """What was typed to find orders, as the parameters of the SQL function `orders.sought`.

    `Muster`, `Anna Muster` and `Muster, Anna` find the same person.
    """
    begins = text.strip()[:_MAX_LETTERS].replace("\0", "")
    surname, comma, given = begins.partition(",")
    if not comma:
        given, _, surname = begins.rpartition(" ")
    is_name = any(letter.isalpha() for letter in surname) and "@" not in begins
    return {
        "begins": begins,
        "surname": surname.strip() if is_name else "",
        "given": given.strip(),
        "digits": search_digits(begins),
        "at_most": _MOST_OF_AN_ARTICLE,
    }


async def found(conn: Connection, *, text: str, shop_ids: Sequence[UUID] | None, limit: int) -> list[FoundOrder]:
    """Orders by number, name or mail address, of some shops or of all: the newest first."""
    typed = sought(text)
    del typed["digits"]  # an article's orders are a table, not an answer
    shops = None if shop_ids is None else list(shop_ids)
    return await conn.many(READS.found, FoundOrder, **typed, shops=shops, limit=limit)


async def sums_of_customer(conn: Connection, *, customer_id: UUID) -> list[CustomerSums]:
    """What a customer has bought in all, by currency; costs the same for one order and for a hundred thousand."""
    return await conn.many(READS.sums_of_customer, CustomerSums, customer_id=customer_id)


async def sums_of_customers(conn: Connection, *, customer_ids: Sequence[UUID]) -> dict[UUID, list[CustomerSums]]:
    """As `sums_of_customer`, by customer; whoever has bought nothing is absent."""
    found: dict[UUID, list[CustomerSums]] = {}
    for row in await conn.many(READS.sums_of_customers, _SumsOf, customer_ids=list(customer_ids)):
        sums = CustomerSums(row.currency, row.orders, row.gross_minor, row.credited_minor, row.first_at, row.last_at)
        found.setdefault(row.customer_id, []).append(sums)
    return found


async def numbers_of_payments(conn: Connection, *, payment_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The numbers of the orders that payments are for, by the payment's id."""
    rows = await conn.many(READS.numbers_of_payments, _Numbered, payment_ids=list(payment_ids))
    return {row.payment_id: row.number for row in rows}


async def paid_of(conn: Connection, *, payment_ids: Sequence[UUID]) -> "dict[UUID, Paid]":
    """How far payments are, by id."""
    rows = await conn.many(READS.paid_of, Paid, payment_ids=list(payment_ids))
    return {row.payment_id: row for row in rows}


class Paid(Struct, frozen=True):
    """The sums of a payment; `open_minor`: what is still owed, negative: what is to be paid back."""

    payment_id: UUID
    method: str
    amount_minor: int
    credited_minor: int
    received_minor: int
    refunded_minor: int

    @property
    def open_minor(self) -> int:
        return self.amount_minor - self.credited_minor - self.received_minor + self.refunded_minor

    @property
    def state(self) -> str:
        """As the table of orders filters: open, refund_due, refunded, settled."""
        if self.open_minor:
            return "open" if self.open_minor > 0 else "refund_due"
        return "refunded" if self.refunded_minor else "settled"


async def waiting(conn: Connection, *, order_id: UUID) -> Waiting | None:
    """The order if its goods still wait for something."""
    return await conn.maybe(READS.waiting, Waiting, order_id=order_id)


async def export_party(conn: Connection, *, party_id: UUID) -> StoredOrders | None:
    """What is stored about a person with their orders: what they bought, what became of it and how it was paid (art. 15
    and 20 GDPR); None if nothing is."""
    rows = await conn.many(READS.orders_of_party, _OrderOf, party_id=party_id)
    credits = await conn.many(READS.credits_of_party, StoredAmendment, party_id=party_id)
    if not rows and not credits:
        return None
    paid = await _stored_payments(conn, [row.payment_id for row in rows])
    orders = [
        StoredOrder(*(getattr(row, name) for name in _OF_ORDER), payment=paid.get(row.payment_id)) for row in rows
    ]
    return StoredOrders(orders, credits)


async def _stored_payments(conn: Connection, payment_ids: list[UUID]) -> dict[UUID, StoredPayment]:
    payments = await payments_by_ids(conn, payment_ids=payment_ids)
    money = await money_of_payments(conn, payment_ids=payment_ids)
    charges = {one.payment_id: one for one in await charges_of(conn, payment_ids=payment_ids)}
    return {
        id: StoredPayment(
            payment.method,
            payment.state,
            payment.currency,
            payment.amount_minor,
            payment.credited_minor,
            payment.received_minor,
            payment.refunded_minor,
            payment.open_minor,
            payment.due_at,
            charges[id].provider if id in charges else "",
            charges[id].provider_reference if id in charges else "",
            [StoredMoney(one.kind, one.amount_minor, one.reference, one.occurred_at) for one in money.get(id, ())],
        )
        for id, payment in payments.items()
    }


class Addressee(Struct, frozen=True):
    """Whom mails about an order go to; name and address are empty once they are erased."""

    id: UUID
    number: str
    shop_id: UUID
    channel: str
    language: str
    customer_id: UUID | None
    payment_id: UUID
    email: str
    name: str


async def addressee(conn: Connection, *, order_id: UUID) -> Addressee | None:
    """Whom mails about an order go to."""
    return await conn.maybe(READS.addressee, Addressee, order_id=order_id)


async def newest_with_contact(conn: Connection, *, shop_id: UUID | None, amended: bool = False) -> UUID | None:
    """The newest order (that was amended, if that is asked) that somebody can be written about: for previews."""
    return await conn.value(READS.newest_with_contact, shop_id=shop_id, amended=amended)


async def shops_of(conn: Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """The shops of those of the orders that exist."""
    return {row.id: row.shop_id for row in await conn.many(READS.shops_of, _OfShop, ids=list(ids))}


class _SumsOf(Struct, frozen=True):
    customer_id: UUID
    currency: str
    orders: int
    gross_minor: int
    credited_minor: int
    first_at: datetime | None
    last_at: datetime | None


class _OfShop(Struct, frozen=True):
    id: UUID
    shop_id: UUID


class Seen(Struct, frozen=True):
    """An order as a live view shows it: its worth, and the place, text and article of its first line of goods."""

    id: UUID
    number: str
    channel: str
    gross_minor: int
    currency: str
    placed_at: datetime
    location_id: UUID | None
    text: str | None
    variant_id: UUID | None
    lines: int


class SoldAt(Struct, frozen=True):
    """What a channel sold from a place."""

    channel: str
    location_id: UUID | None
    orders: int
    gross_minor: int


class SoldPieces(Struct, frozen=True):
    variant_id: UUID
    pieces: int


async def seen(conn: Connection, *, order_ids: Sequence[UUID]) -> list[Seen]:
    """Those of the orders that exist, for a live view."""
    return await conn.many(READS.seen, Seen, ids=list(order_ids))


async def newest_seen(conn: Connection, *, since: datetime, limit: int = 30) -> list[Seen]:
    """The newest orders since a moment, for a live view."""
    return await conn.many(READS.newest_seen, Seen, floor=uuid7_floor(since), since=since, limit=limit)


async def sold_since(conn: Connection, *, since: datetime) -> list[SoldAt]:
    """What was sold since a moment of the last days, by channel and place. Reads every order since: ask it seldom."""
    return await conn.many(READS.sold_since, SoldAt, floor=uuid7_floor(since), since=since)


async def pieces_since(conn: Connection, *, since: datetime, limit: int) -> list[SoldPieces]:
    """What was sold most since a moment of the last days. Reads every line since: ask it seldom."""
    return await conn.many(READS.pieces_since, SoldPieces, floor=uuid7_floor(since), limit=limit)


async def count_placed(conn: Connection, *, order_ids: Sequence[UUID]) -> int:
    """How many of these ids are orders in the books."""
    return await conn.value(READS.count_placed, ids=list(order_ids))


# Events that name an order (a payment does as its purpose) belong to the order's shop.
shop_finders = (ShopFinder(("order_id", "purpose_id"), shops_of),)


class _OrderOf(StoredOrder, frozen=True, kw_only=True):
    payment_id: UUID


_OF_ORDER = tuple(name for name in StoredOrder.__struct_fields__ if name != "payment")


class _Numbered(Struct, frozen=True):
    payment_id: UUID
    id: UUID
    number: str
