"""Reads of the checkout: a basket with today's prices, stock and delivery charge.

`quote` is the only place that puts a basket together; the page shows what it says and the order is made of it, so the
two cannot differ.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from lotse.domains.catalog.contracts import VariantCard
from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.checkout.contracts import (
    Basket,
    BasketLine,
    BasketUnknown,
    Problem,
    ShippingRate,
    StoredBasket,
    StoredLine,
)
from lotse.domains.checkout.rules import rate_for, shipping_lines
from lotse.domains.inventory.contracts import OfferPool
from lotse.domains.inventory.queries import pools_for_offers
from lotse.domains.offers.contracts import Offer
from lotse.domains.offers.queries import offers
from lotse.domains.parties.contracts import Shop
from lotse.domains.pools.queries import balances
from lotse.domains.pricing.contracts import Line, Price, PricedBasket, PricedLine
from lotse.domains.pricing.queries import prices_at
from lotse.domains.pricing.rules import PriceLists, price
from lotse.domains.tax.contracts import Rate
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import policy_for
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.checkout", "reads")


class QuotedLine(Struct, frozen=True):
    """A line with everything that an order of it needs."""

    stored: StoredLine
    offer: Offer | None
    variant: VariantCard | None
    pools: tuple[OfferPool, ...]
    available: int
    priced: PricedLine | None
    problem: Problem


class Quote(Struct, frozen=True):
    """A basket priced for delivery to one country. Lines with a problem are not in `priced`."""

    stored: StoredBasket
    shop: Shop
    country: str
    rates: list[ShippingRate]
    lines: list[QuotedLine]
    shipping: list[PricedLine]
    priced: PricedBasket


async def stored_basket(conn: Connection, *, basket_id: UUID) -> StoredBasket | None:
    """A basket as it is stored, or None."""
    return await conn.maybe(READS.basket, StoredBasket, basket_id=basket_id)


async def pieces(conn: Connection, *, basket_id: UUID) -> int:
    """How many pieces are in a basket; none if there is no such basket or it has been ordered."""
    return await conn.value(READS.pieces, basket_id=basket_id)


async def shipping_rates(conn: Connection, *, shop_id: UUID, at: datetime) -> list[ShippingRate]:
    """Where a shop delivers and what it costs, by country."""
    return await conn.many(READS.shipping_rates, ShippingRate, shop_id=shop_id, at=at)


async def basket(
    conn: Connection, *, shop: Shop, basket_id: UUID, language: str, at: datetime, country: str | None = None
) -> Basket:
    """A basket as it is shown, delivered to `country` (the shop's own without one).

    Refusals: `BasketUnknown`, `NoDelivery`, `NoTaxRate`.
    """
    stored = await stored_basket(conn, basket_id=basket_id)
    if stored is None or stored.shop_id != shop.id:
        raise BasketUnknown(basket_id=basket_id)
    return shown(await quote(conn, shop=shop, stored=stored, language=language, at=at, country=country))


async def quote(
    conn: Connection, *, shop: Shop, stored: StoredBasket, language: str, at: datetime, country: str | None = None
) -> Quote:
    """Price a basket. Refusals: `NoDelivery` (only for a country that was named), `NoTaxRate`."""
    offer_ids = [line.offer_id for line in stored.lines]
    variant_ids = [line.variant_id for line in stored.lines]
    rates = await shipping_rates(conn, shop_id=shop.id, at=at)
    known_offers = {offer.id: offer for offer in await offers(conn, offer_ids=offer_ids)}
    variants = {v.id: v for v in await variants_by_ids(conn, variant_ids=variant_ids, language=language)}
    prices = await prices_at(conn, shop_id=shop.id, variant_ids=variant_ids, at=at)
    taxes = await rates_for(conn, country=shop.country)
    pools: dict[UUID, list[OfferPool]] = {}
    for pool in await pools_for_offers(conn, offer_ids=offer_ids):
        pools.setdefault(pool.offer_id, []).append(pool)
    stock = await balances(conn, pool_ids=[pool.pool_id for found in pools.values() for pool in found])

    lists = PriceLists(prices, at=at)
    lines: list[QuotedLine] = []
    for line in stored.lines:
        offer, variant = known_offers.get(line.offer_id), variants.get(line.variant_id)
        sources = tuple(pools.get(line.offer_id, ()))
        # A line is served by one location, so what counts is the most that any one of them has.
        available = max((stock[pool.pool_id].available for pool in sources if pool.pool_id in stock), default=0)
        sold = (
            offer is not None
            and offer.state == "active"
            and offer.shop_id == shop.id
            and variant is not None
            and variant.sellable
            and lists.find(line.variant_id, line.quantity) is not None
        )
        problem: Problem = "not_sold" if not sold else "short" if available < line.quantity else ""
        lines.append(QuotedLine(line, offer, variant, sources, available, None, problem))
    return _priced(stored, shop, country, rates, lines, prices, taxes, at)


def _priced(
    stored: StoredBasket,
    shop: Shop,
    country: str | None,
    rates: list[ShippingRate],
    lines: list[QuotedLine],
    prices: Sequence[Price],
    taxes: Sequence[Rate],
    at: datetime,
) -> Quote:
    day = at.astimezone(ZoneInfo(shop.timezone)).date()
    policy = policy_for(shop.country, "order")

    def priced(asked: list[Line]) -> PricedBasket:
        return price(asked, prices, taxes, currency=shop.currency, country=shop.country, day=day, at=at, policy=policy)

    goods = [
        Line(
            ref=str(line.stored.offer_id),
            quantity=line.stored.quantity,
            tax_class=line.variant.tax_class,
            variant_id=line.stored.variant_id,
        )
        for line in lines
        if line.problem != "not_sold" and line.variant is not None
    ]
    alone = priced(goods)
    charges: list[Line] = []
    if country is not None or any(rate.country == shop.country for rate in rates):
        charges = shipping_lines(rate_for(rates, country or shop.country), alone.lines, shop.currency)
    whole = priced(goods + charges)
    by_ref = {line.ref: line for line in whole.lines}
    return Quote(
        stored,
        shop,
        country or shop.country,
        rates,
        [
            QuotedLine(
                line.stored,
                line.offer,
                line.variant,
                line.pools,
                line.available,
                by_ref.get(str(line.stored.offer_id)),
                line.problem,
            )
            for line in lines
        ],
        [by_ref[charge.ref] for charge in charges],
        whole,
    )


def shown(quote: Quote) -> Basket:
    """A quote as people and the API see it."""
    shipping = sum(line.gross_minor for line in quote.shipping)
    free_from = next((rate.free_from_minor for rate in quote.rates if rate.country == quote.country), None)
    return Basket(
        id=quote.stored.id,
        shop_id=quote.shop.id,
        version=quote.stored.version,
        currency=quote.shop.currency,
        country=quote.country,
        delivers_to=tuple(rate.country for rate in quote.rates),
        lines=[_shown_line(line) for line in quote.lines],
        taxes=quote.priced.taxes,
        goods_minor=quote.priced.gross_minor - shipping,
        shipping_minor=shipping,
        total_minor=quote.priced.gross_minor,
        free_from_minor=free_from,
        pieces=sum(line.stored.quantity for line in quote.lines),
        ready=bool(quote.lines) and not any(line.problem for line in quote.lines),
        order_id=quote.stored.order_id,
    )


def _shown_line(line: QuotedLine) -> BasketLine:
    variant, priced = line.variant, line.priced
    seen: Decimal | None = line.stored.seen_unit_price
    return BasketLine(
        offer_id=line.stored.offer_id,
        variant_id=line.stored.variant_id,
        product_id=variant.product_id if variant else None,
        slug=variant.slug if variant else "",
        sku=variant.sku if variant else "",
        name=variant.name if variant else "",
        options=variant.options if variant else {},
        media=variant.media if variant else None,
        quantity=line.stored.quantity,
        available=line.available,
        unit_price=priced.unit_price if priced else None,
        gross_minor=priced.gross_minor if priced else 0,
        was=seen if priced and seen is not None and seen != priced.unit_price else None,
        problem=line.problem,
    )
