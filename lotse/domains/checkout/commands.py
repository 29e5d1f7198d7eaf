"""Verbs of the checkout: fill a basket, and place an order of it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec.structs import asdict

from lotse.domains.checkout.contracts import (
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    Checkout,
    InvalidQuantity,
    NotInThisShop,
    NotSold,
    PriceChanged,
    Purchase,
    ShippingRate,
    StoredBasket,
    StoredLine,
    TooManyLines,
    Wanted,
)
from lotse.domains.checkout.queries import READS, Assortment, Quote, QuotedLine, put_together, stored_basket
from lotse.domains.checkout.rules import MAX_LINES, MAX_QUANTITY, check_contact, check_quantity
from lotse.domains.offers.contracts import Offer
from lotse.domains.offers.queries import offer as read_offer
from lotse.domains.orders.contracts import Placed, PlaceLine, PlaceRequest, Source
from lotse.domains.parties.contracts import Channel, Shop, UnknownShop
from lotse.domains.parties.rules import check_country
from lotse.domains.payments.contracts import NewPayment
from lotse.domains.payments.queries import terms
from lotse.domains.pricing.contracts import PricedLine
from lotse.domains.pricing.queries import prices_at
from lotse.domains.pricing.rules import PriceLists
from lotse.kernel import audit
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, recall
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid, Refusal, refusing
from lotse.kernel.sql import statements

WRITES = statements("lotse.domains.checkout", "writes")


async def create_basket(tx: Transaction, *, shop: Shop, at: datetime, customer_id: UUID | None = None) -> UUID:
    """An empty basket; its id is the key to it."""
    basket_id = uuid7()
    await tx.execute(WRITES.create_basket, id=basket_id, shop_id=shop.id, customer_id=customer_id, at=at)
    return basket_id


async def add_line(
    tx: Transaction, *, shop: Shop, basket_id: UUID, offer_id: UUID, quantity: int, at: datetime
) -> None:
    """Put pieces of an offer into a basket, on top of what is there.

    Refusals: `InvalidQuantity`, `BasketUnknown`, `BasketOrdered`, `NotInThisShop`, `NotSold`, `TooManyLines`.
    """
    check_quantity(quantity)
    offer, price = await _touch(tx, shop, basket_id, offer_id, quantity, at)
    if await tx.value(READS.lines, basket_id=basket_id) >= MAX_LINES:
        raise TooManyLines(most=MAX_LINES)
    too_many = InvalidQuantity(quantity=quantity, least=1, most=MAX_QUANTITY)
    with refusing({"basket_lines_quantity": lambda: too_many}):
        await tx.execute(
            WRITES.add_line,
            basket_id=basket_id,
            offer_id=offer_id,
            variant_id=offer.variant_id,
            quantity=quantity,
            seen_unit_price=price,
            at=at,
        )


async def set_quantity(
    tx: Transaction, *, shop: Shop, basket_id: UUID, offer_id: UUID, quantity: int, at: datetime
) -> None:
    """Set how many pieces of an offer are in a basket; none takes it out, and what is not in it is put in.

    Refusals: as `add_line`.
    """
    check_quantity(quantity, least=0)
    if quantity == 0:
        await _lock(tx, shop, basket_id, at)
        await tx.execute(WRITES.remove_line, basket_id=basket_id, offer_id=offer_id)
        return
    _, price = await _touch(tx, shop, basket_id, offer_id, quantity, at)
    found = await tx.execute(
        WRITES.set_quantity, basket_id=basket_id, offer_id=offer_id, quantity=quantity, seen_unit_price=price
    )
    if not found:
        await add_line(tx, shop=shop, basket_id=basket_id, offer_id=offer_id, quantity=quantity, at=at)


async def put_shipping(
    tx: Transaction,
    *,
    shop_id: UUID,
    country: str,
    price_minor: int,
    free_from_minor: int | None,
    valid_from: datetime,
    by: str,
    at: datetime,
) -> None:
    """What delivery to a country costs from a moment on; saying what holds then already changes nothing.

    Refusals: `Invalid` (country, price_minor, free_from_minor), `UnknownShop`.
    """
    check_country(country, "country")
    known = await tx.many(READS.shipping_rates, ShippingRate, shop_id=shop_id, at=valid_from)
    before = next((rate for rate in known if rate.country == country), None)
    rate = ShippingRate(country, price_minor, free_from_minor)
    if rate == before:
        return
    with refusing(
        {
            "shipping_rates_shop": lambda: UnknownShop(shop=str(shop_id)),
            "shipping_rates_price_not_negative": lambda: Invalid(field="price_minor", rule="0 or more"),
            "shipping_rates_free_from_positive": lambda: Invalid(field="free_from_minor", rule="1 or more, or none"),
        }
    ):
        await tx.execute(
            WRITES.put_shipping,
            shop_id=shop_id,
            country=country,
            valid_from=valid_from,
            price_minor=price_minor,
            free_from_minor=free_from_minor,
        )
    subject = f"checkout.shipping_rate:{shop_id}"
    await audit.record(tx, actor=by, subject=subject, old=before, new=asdict(rate) | {"valid_from": valid_from}, at=at)


async def delete_old(tx: Transaction, *, before: datetime, limit: int = 1_000) -> int:
    """Forget baskets that nobody has touched since `before`; how many."""
    return await tx.execute(WRITES.delete_old, before=before, limit=limit)


async def place(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    purchase: Purchase,
    language: str,
    channel: Channel,
    key: Key,
    actor: str,
    at: datetime,
) -> Placed:
    """Order a basket: at the prices that hold now, if they sum to what the buyer saw; from what is in stock now.

    Refusals, in this order: `KeyReused` and whatever this key was answered before, `BasketUnknown`, `BasketOrdered`,
    `BasketEmpty`, `Invalid` (contact), `MethodUnknown`, `NoDelivery`, `NotSold`, `PriceChanged`, then the desk's:
    `BasketChanged`, `OutOfStock`.
    """
    try:
        async with database.reading() as conn:
            stored = await stored_basket(conn, basket_id=basket_id)
        if stored is None or stored.shop_id != shop.id:
            raise BasketUnknown(basket_id=basket_id)
        if stored.order_id is not None:
            raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)
        if not stored.lines:
            raise BasketEmpty(basket_id=basket_id)
        order = await _order(assortment, shop, stored, purchase, language, channel, actor, at)
    except Refusal:
        return await _answered_before(database, key)
    request = Checkout(basket_id=basket_id, version=stored.version, order=order)
    return await desk.submit("checkout", request, Placed, key=key, at=at)


async def buy(
    desk: Desk,
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    wanted: Sequence[Wanted],
    purchase: Purchase,
    language: str,
    channel: Channel,
    key: Key,
    actor: str,
    at: datetime,
) -> Placed:
    """Order offers in one call, without a basket: for agents, apps and "buy now".

    Refusals, in this order: `KeyReused` and whatever this key was answered before, `InvalidQuantity`, `Invalid`
    (lines), `TooManyLines`, `NotInThisShop`, `Invalid` (contact), `MethodUnknown`, `NoDelivery`, `NotSold`,
    `PriceChanged`, then the desk's: `OutOfStock`.
    """
    try:
        stored = await _as_basket(assortment, shop, wanted, language, at)
        order = await _order(assortment, shop, stored, purchase, language, channel, actor, at)
    except Refusal:
        return await _answered_before(database, key)
    return await desk.submit("place", order, Placed, key=key, at=at)


async def _answered_before(database: Database, key: Key) -> Placed:
    """In a refusal's handler: what the key was answered before goes first, because the checks read what it changed.

    The desk looks the key up anyway, so only what would be refused here has to ask.
    """
    async with database.reading() as conn:
        answered = await recall(conn, key, Placed)
    if answered is None:
        raise
    return answered


async def _as_basket(
    assortment: Assortment, shop: Shop, wanted: Sequence[Wanted], language: str, at: datetime
) -> StoredBasket:
    quantities: dict[UUID, int] = {}
    for line in wanted:
        check_quantity(line.quantity)
        if line.offer_id in quantities:
            raise Invalid(field="lines", rule="each offer once")
        quantities[line.offer_id] = line.quantity
    if not quantities:
        raise Invalid(field="lines", rule="at least one")
    if len(quantities) > MAX_LINES:
        raise TooManyLines(most=MAX_LINES)
    known = await assortment.articles(shop=shop, offer_ids=list(quantities), language=language, at=at)
    lines: list[StoredLine] = []
    for offer_id, quantity in quantities.items():
        if offer_id not in known or known[offer_id].offer.shop_id != shop.id:
            raise NotInThisShop(offer_id=offer_id)
        lines.append(StoredLine(offer_id, known[offer_id].offer.variant_id, quantity, None))
    return StoredBasket(uuid7(), shop.id, None, 1, None, at, lines)


async def _order(
    assortment: Assortment,
    shop: Shop,
    stored: StoredBasket,
    purchase: Purchase,
    language: str,
    channel: Channel,
    actor: str,
    at: datetime,
) -> PlaceRequest:
    """What the desk is asked for. Refusals: `Invalid`, `MethodUnknown`, `NoDelivery`, `NotSold`, `PriceChanged`."""
    check_contact(purchase.contact)
    method, due_at = terms(purchase.method, at)
    country = (purchase.contact.delivery or purchase.contact.billing).country
    offer_ids = [line.offer_id for line in stored.lines]
    known = await assortment.articles(shop=shop, offer_ids=offer_ids, language=language, at=at)
    sale = await assortment.terms(shop=shop, at=at)
    # Without the stock: the desk has it, and has the last word.
    priced = put_together(stored, shop, known, sale, {}, at=at, country=country)
    gone = tuple(line.stored.variant_id for line in priced.lines if line.problem == "not_sold")
    if gone:
        raise NotSold(variant_ids=gone)
    total = priced.priced.gross_minor
    if total != purchase.total_minor:
        raise PriceChanged(seen_minor=purchase.total_minor, total_minor=total, currency=shop.currency)
    entity, order_id = sale.entity, uuid7()
    return PlaceRequest(
        order_id=order_id,
        shop_id=shop.id,
        channel=channel,
        legal_entity_id=entity.id,
        zone=entity.timezone,
        customer_id=stored.customer_id,
        currency=shop.currency,
        language=language,
        gross=shop.gross,
        lines=_lines(priced, language),
        contact=purchase.contact,
        payment=NewPayment(
            uuid7(), "order", order_id, method.name, entity.id, entity.timezone, shop.currency, total, due_at
        ),
        released=method.releases,
        actor=actor,
        placed_at=at,
    )


def _lines(quote: Quote, language: str) -> tuple[PlaceLine, ...]:
    goods = [_goods(line, line.priced, quote.shop.country) for line in quote.lines if line.priced]
    shipping = [
        PlaceLine(
            kind="shipping",
            sku="",
            text=_SHIPPING_TEXT.get(language[:2], _SHIPPING_TEXT["en"]),
            quantity=1,
            unit_price=line.unit_price,
            net_minor=line.net_minor,
            tax_minor=line.tax_minor,
            gross_minor=line.gross_minor,
            tax_code=line.tax_code,
            tax_rate=line.tax_rate,
            tax_country=quote.shop.country,
            rule_ids=tuple(line.rules),
        )
        for line in quote.shipping
    ]
    return tuple(goods + shipping)


# The text as sold is part of the order for ever, so it is written here and not translated when it is shown.
_SHIPPING_TEXT = {"de": "Versand", "en": "Delivery"}


def _goods(line: QuotedLine, priced: PricedLine, tax_country: str) -> PlaceLine:
    variant, offer = line.variant, line.offer
    if variant is None or offer is None:
        raise LookupError(f"offer {line.stored.offer_id} was priced without being known")
    options = ", ".join(variant.options.values())
    return PlaceLine(
        offer_id=offer.id,
        variant_id=variant.id,
        seller_party_id=offer.seller_party_id,
        sku=variant.sku,
        text=f"{variant.name}, {options}" if options else variant.name,
        quantity=line.stored.quantity,
        unit=variant.unit,
        unit_price=priced.unit_price,
        net_minor=priced.net_minor,
        tax_minor=priced.tax_minor,
        gross_minor=priced.gross_minor,
        tax_code=priced.tax_code,
        tax_rate=priced.tax_rate,
        tax_country=tax_country,
        rule_ids=tuple(priced.rules),
        sources=tuple(Source(pool.pool_id, pool.location_id) for pool in line.pools),
    )


async def _lock(tx: Transaction, shop: Shop, basket_id: UUID, at: datetime) -> None:
    shop_id = await tx.value(WRITES.touch_basket, id=basket_id, at=at)
    if shop_id is None or shop_id != shop.id:
        stored = await stored_basket(tx, basket_id=basket_id)
        if stored is not None and stored.order_id is not None and stored.shop_id == shop.id:
            raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)
        raise BasketUnknown(basket_id=basket_id)


async def _touch(
    tx: Transaction, shop: Shop, basket_id: UUID, offer_id: UUID, quantity: int, at: datetime
) -> tuple[Offer, Decimal]:
    await _lock(tx, shop, basket_id, at)
    offer = await read_offer(tx, offer_id=offer_id)
    if offer is None or offer.shop_id != shop.id:
        raise NotInThisShop(offer_id=offer_id)
    prices = await prices_at(tx, shop_id=shop.id, variant_ids=[offer.variant_id], at=at)
    found = PriceLists(prices, at=at).find(offer.variant_id, quantity)
    if offer.state != "active" or found is None or found.unit_price is None:
        raise NotSold(variant_ids=(offer.variant_id,))
    return offer, found.unit_price
