"""Fill a basket; and what delivery costs."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from msgspec.structs import asdict

from lotse.domains.checkout.contracts import (
    BasketOrdered,
    BasketUnknown,
    InvalidQuantity,
    NotInThisShop,
    NotSold,
    ShippingRate,
    TooManyLines,
)
from lotse.domains.checkout.queries import READS, Assortment, stored_basket
from lotse.domains.checkout.rules import MAX_LINES, MAX_QUANTITY, check_quantity
from lotse.domains.offers.contracts import Offer
from lotse.domains.offers.queries import offer as read_offer
from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.parties.rules import check_country
from lotse.domains.pricing.queries import prices_at
from lotse.domains.pricing.rules import PriceLists
from lotse.kernel import audit
from lotse.kernel.db import Connection, Database, Transaction
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
    database: Database,
    assortment: Assortment,
    *,
    shop: Shop,
    basket_id: UUID,
    offer_id: UUID,
    quantity: int,
    at: datetime,
) -> None:
    """Put pieces of an offer into a basket, on top of what is there. One statement, at the price as last heard of:
    placing asks again.

    Refusals: `InvalidQuantity`, `BasketUnknown`, `BasketOrdered`, `NotInThisShop`, `NotSold`, `TooManyLines`.
    """
    check_quantity(quantity)
    try:
        variant_id, price = await _sold(assortment, shop, offer_id, quantity, at)
    except Refusal:
        async with database.reading() as conn:
            await _check_open(conn, shop, basket_id)
        raise
    with refusing({"basket_lines_quantity": lambda: _too_many(quantity)}):
        async with database.single() as conn:
            added = await conn.execute(
                WRITES.add_line,
                basket_id=basket_id,
                shop_id=shop.id,
                offer_id=offer_id,
                variant_id=variant_id,
                quantity=quantity,
                seen_unit_price=price,
                most=MAX_LINES,
                at=at,
            )
    if not added:
        async with database.reading() as conn:
            await _check_open(conn, shop, basket_id)
        raise TooManyLines(most=MAX_LINES)


async def add_first_line(
    database: Database, assortment: Assortment, *, shop: Shop, offer_id: UUID, quantity: int, at: datetime
) -> UUID:
    """Put pieces of an offer into a basket of its own, which it makes: its id.

    Refusals: `InvalidQuantity`, `NotInThisShop`, `NotSold`.
    """
    check_quantity(quantity)
    variant_id, price = await _sold(assortment, shop, offer_id, quantity, at)
    basket_id = uuid7()
    async with database.single() as conn:
        await conn.execute(
            WRITES.add_first_line,
            basket_id=basket_id,
            shop_id=shop.id,
            offer_id=offer_id,
            variant_id=variant_id,
            quantity=quantity,
            seen_unit_price=price,
            at=at,
        )
    return basket_id


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
    offer, price = await _touch(tx, shop, basket_id, offer_id, quantity, at)
    found = await tx.execute(
        WRITES.set_quantity, basket_id=basket_id, offer_id=offer_id, quantity=quantity, seen_unit_price=price
    )
    if not found:
        if await tx.value(READS.lines, basket_id=basket_id) >= MAX_LINES:
            raise TooManyLines(most=MAX_LINES)
        await tx.execute(
            WRITES.put_line,
            basket_id=basket_id,
            offer_id=offer_id,
            variant_id=offer.variant_id,
            quantity=quantity,
            seen_unit_price=price,
            at=at,
        )


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


async def _sold(
    assortment: Assortment, shop: Shop, offer_id: UUID, quantity: int, at: datetime
) -> tuple[UUID, Decimal]:
    """The variant of an offer and what one of so many costs. Refusals: `NotInThisShop`, `NotSold`."""
    known = await assortment.articles(shop=shop, offer_ids=[offer_id], language=shop.language, at=at)
    article = known.get(offer_id)
    if article is None or article.offer.shop_id != shop.id:
        raise NotInThisShop(offer_id=offer_id)
    found = PriceLists(article.prices, at=at).find(article.offer.variant_id, quantity)
    if article.offer.state != "active" or found is None or found.unit_price is None:
        raise NotSold(variant_ids=(article.offer.variant_id,))
    return article.offer.variant_id, found.unit_price


def _too_many(quantity: int) -> InvalidQuantity:
    return InvalidQuantity(quantity=quantity, least=1, most=MAX_QUANTITY)


async def _check_open(conn: Connection, shop: Shop, basket_id: UUID) -> None:
    """Refusals: `BasketUnknown`, `BasketOrdered`."""
    stored = await stored_basket(conn, basket_id=basket_id)
    if stored is None or stored.shop_id != shop.id:
        raise BasketUnknown(basket_id=basket_id)
    if stored.order_id is not None:
        raise BasketOrdered(basket_id=basket_id, order_id=stored.order_id)


async def _lock(tx: Transaction, shop: Shop, basket_id: UUID, at: datetime) -> None:
    shop_id = await tx.value(WRITES.touch_basket, id=basket_id, at=at)
    if shop_id is None or shop_id != shop.id:
        await _check_open(tx, shop, basket_id)
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
