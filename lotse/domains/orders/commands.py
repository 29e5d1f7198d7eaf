"""Verbs on orders. Placing and amending go through the desk; what needs no quantities is a transaction of its own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from lotse.domains.catalog.contracts import UnknownVariant, VariantCard
from lotse.domains.catalog.queries import variant_ids_by_sku, variants_by_ids
from lotse.domains.catalog.rules import full_name
from lotse.domains.inventory.commands import ensure_stock
from lotse.domains.inventory.contracts import StockKey, UnknownLocation
from lotse.domains.inventory.queries import location_by_code
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
    PlaceLine,
    PlaceRequest,
    Source,
    TakeBack,
    TillLine,
    TillSale,
)
from lotse.domains.orders.queries import READS
from lotse.domains.orders.queries import order as read_order
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import legal_entity
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.tax.contracts import Rate
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import rate_at, split_gross
from lotse.kernel import words
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.money import minor_digits
from lotse.kernel.outbox import emit
from lotse.kernel.privacy import Erased, Kept
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.orders", "writes")

# Invoices, since 2025 (s. 147 (3) AO as of BEG IV).
BILLS_KEPT_YEARS = 8
# What a unit price is stored with (numeric(18, 6)).
_FINEST = Decimal("0.000001")


async def place(desk: Desk, *, request: PlaceRequest, key: Key) -> Placed:
    """Place an order, all lines or none, and owe its payment.

    Refusals: `KeyReused`, `EmptyOrder`, `InvalidLine`, `PoolUnknown`, `OutOfStock`, `NumberTaken`.
    """
    return await desk.submit("place", request, Placed, key=key, at=request.placed_at)


async def sell(desk: Desk, *, request: PlaceRequest, key: Key) -> Placed:
    """Record a sale that has happened; stock is no reason to refuse it. `placed_at` is when, however long ago.

    Refusals: `KeyReused`, `EmptyOrder`, `InvalidLine`, `PoolUnknown`, `NumberTaken`.
    """
    return await desk.submit("sell", request, Placed, key=key, at=request.placed_at)


def till_key(sale: TillSale) -> Key:
    """The natural key of a till's sale: whichever token sends it, it is recorded once, ever."""
    return key_for(f"till:{sale.till}", f"sale:{sale.receipt}", sale, natural=True)


async def sale_of_till(tx: Transaction, *, shop: Shop, sale: TillSale, actor: str) -> PlaceRequest:
    """A till's sale as the desk takes it: from the pools of its location, which are opened where there are none.

    Refusals, in this order: `UnknownLocation`, `UnknownVariant`, `NoTaxRate`.
    """
    location = await location_by_code(tx, code=sale.location)
    if location is None:
        raise UnknownLocation(location=sale.location)
    ids = await variant_ids_by_sku(tx, skus=[line.sku for line in sale.lines])
    cards = await variants_by_ids(tx, variant_ids=list(ids.values()), language=shop.language)
    variants = {card.id: card for card in cards}
    for line in sale.lines:
        if ids.get(line.sku) not in variants:
            raise UnknownVariant(variant=line.sku)
    entity = await legal_entity(tx, legal_entity_id=shop.legal_entity_id)
    if entity is None:
        raise LookupError(f"shop {shop.code} has no legal entity")
    rates = await rates_for(tx, country=shop.country)
    day = sale.occurred_at.astimezone(ZoneInfo(entity.timezone)).date()
    taxed = [rate_at(rates, shop.country, variants[ids[line.sku]].tax_class, day) for line in sale.lines]
    keys = [StockKey(ids[line.sku], location.id, shop.owner_party_id) for line in sale.lines]
    pools = await ensure_stock(tx, keys, at=sale.occurred_at)
    order_id = uuid7()
    await words.read(shop.language)
    return PlaceRequest(
        order_id=order_id,
        number=sale.number,
        shop_id=shop.id,
        # An account on a marketplace reports what it has promised in the same words as a till.
        channel="marketplace" if shop.channel == "marketplace" else "till",
        legal_entity_id=entity.id,
        zone=entity.timezone,
        currency=shop.currency,
        language=shop.language,
        gross=True,  # what a till took includes the tax, whatever the shop's list prices do
        lines=tuple(
            _till_line(line, variants[ids[line.sku]], rate, Source(pool_id, location.id), shop)
            for line, rate, pool_id in zip(sale.lines, taxed, pools, strict=True)
        ),
        payment=NewPayment(
            id=uuid7(),
            purpose="order",
            purpose_id=order_id,
            method=sale.method,
            legal_entity_id=entity.id,
            zone=entity.timezone,
            currency=shop.currency,
            amount_minor=sum(line.gross_minor for line in sale.lines),
            due_at=sale.occurred_at,
            settled=f"till {sale.till} receipt {sale.receipt}",
        ),
        released=True,
        actor=actor,
        placed_at=sale.occurred_at,
    )


def _till_line(line: TillLine, variant: VariantCard, rate: Rate, source: Source, shop: Shop) -> PlaceLine:
    split = split_gross(line.gross_minor, rate.rate)
    price = Decimal(line.gross_minor).scaleb(-minor_digits(shop.currency)) / line.quantity
    return PlaceLine(
        variant_id=variant.id,
        seller_party_id=shop.owner_party_id,
        sku=variant.sku,
        text=line.text or full_name(variant.name, variant.options, shop.language),
        quantity=line.quantity,
        unit=variant.unit,
        unit_price=price.quantize(_FINEST),
        net_minor=split.net_minor,
        tax_minor=split.tax_minor,
        gross_minor=split.gross_minor,
        tax_code=rate.code,
        tax_rate=rate.rate,
        tax_country=shop.country,
        rule_ids=("till",),
        sources=(source,),
    )


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


async def take_back(
    desk: Desk,
    conn: Connection,
    *,
    order_id: UUID,
    lines: Mapping[int, int],
    restock: bool,
    reason: str,
    actor: str,
    key: Key,
    at: datetime,
) -> Amended:
    """Take pieces of lines back, by position; with `restock` goods go back to where they came from.

    What was paid for them is then to be refunded. Refusals: as `amend`.
    """
    found = await _existing(conn, order_id)
    pools = {line.position: line.pool_id for line in found.lines}
    request = AmendRequest(
        amendment_id=uuid7(),
        kind="return",
        order=facts_of(found),
        lines=tuple(
            TakeBack(position=position, quantity=quantity, restock=pools.get(position) if restock else None)
            for position, quantity in sorted(lines.items())
        ),
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


async def sum_customers(tx: Transaction, *, before: UUID, limit: int) -> int:
    """Bring what customers have bought in all a step further; how many orders and amendments were looked at."""
    await tx.value(WRITES.lock_summed)
    orders: int = await tx.value(WRITES.sum_orders, before=before, limit=limit)
    amendments: int = await tx.value(WRITES.sum_amendments, before=before, limit=limit)
    return orders + amendments
