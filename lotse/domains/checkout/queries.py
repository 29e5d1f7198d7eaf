"""Reads of the checkout: a basket with today's prices, stock and delivery charge.

`quote` is the only place that puts a basket together; the page shows what it says and the order is made of it, so the
two cannot differ.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, field, structs

from lotse.domains.catalog.contracts import ProductChanged, ProductStateChanged, VariantCard
from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.checkout.contracts import (
    Attempt,
    Basket,
    BasketLine,
    BasketUnknown,
    Problem,
    ShippingRate,
    StoredBasket,
    StoredLine,
)
from lotse.domains.checkout.rules import rate_for, shipping_lines, varied
from lotse.domains.inventory.contracts import LocationChanged, OfferPool, ShopServed, StockOpened
from lotse.domains.inventory.queries import pools_for_offers
from lotse.domains.offers.contracts import Offer, OfferChanged
from lotse.domains.offers.queries import offers
from lotse.domains.parties.contracts import LegalEntity, Shop
from lotse.domains.parties.queries import legal_entity
from lotse.domains.pools.contracts import Balance
from lotse.domains.pools.queries import balances
from lotse.domains.pricing.contracts import Line, Price, PriceChanged, PricedBasket, PricedLine
from lotse.domains.pricing.queries import prices_from
from lotse.domains.pricing.rules import PriceLists, price, summed
from lotse.domains.tax.contracts import Policy, Rate
from lotse.domains.tax.queries import rates_for
from lotse.domains.tax.rules import policy_for, rate_at
from lotse.kernel.db import Connection, Database
from lotse.kernel.sql import statements
from lotse.kernel.tags import Copies, Tags, tagged

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


class _Remembered(Struct):
    """What a quantity of an article costs from one price to the next."""

    begins: datetime
    ends: datetime
    rate: Rate | None = None
    currency: str = ""
    priced: PricedLine | None = None


class Article(Struct, frozen=True):
    """An offer with what selling it takes: the variant, its prices now and soon, and its pools by preference."""

    offer: Offer
    variant: VariantCard | None
    prices: tuple[Price, ...]
    pools: tuple[OfferPool, ...]
    remembered: dict[int, _Remembered] = field(default_factory=dict[int, _Remembered])


class Terms(Struct, frozen=True):
    """What holds for every sale of a shop: who sells, what delivery costs, and the tax rates of its country."""

    entity: LegalEntity
    rates: tuple[ShippingRate, ...]
    taxes: tuple[Rate, ...]
    remembered: dict[tuple[str, date], Rate] = field(default_factory=dict[tuple[str, date], Rate])


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


async def attempt(conn: Connection, *, charge_id: UUID) -> Attempt | None:
    """What a charge is for, or None if it is not for a basket."""
    return await conn.maybe(READS.attempt, Attempt, charge_id=charge_id)


async def unclosed(conn: Connection, *, limit: int = 100) -> list[UUID]:
    """Charges that have ended where their attempt was not closed: whoever ended them did not know of it."""
    return await conn.values(READS.unclosed, limit=limit)


class StoredAttempt(Struct, frozen=True):
    """What is stored about a person with an attempt to pay."""

    created_at: datetime
    contact: dict[str, Any] | None


class StoredAttempts(Struct, frozen=True):
    """What the checkout stores about a person, for their export."""

    attempts: list[StoredAttempt]


async def export_party(conn: Connection, *, party_id: UUID) -> StoredAttempts | None:
    """What is stored about a person; None if nothing is."""
    found = await conn.many(READS.attempts_of_party, StoredAttempt, party_id=party_id)
    return StoredAttempts(found) if found else None


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
    conn: Connection,
    *,
    shop: Shop,
    stored: StoredBasket,
    language: str,
    at: datetime,
    country: str | None = None,
    free_from: str = "set",
) -> Quote:
    """Price a basket. `free_from`: by which variation delivery is free (see `rules.FREE_FROM`).

    Refusals: `NoDelivery` (only for a country that was named), `NoTaxRate`.
    """
    offer_ids = [line.offer_id for line in stored.lines]
    known = await articles(conn, shop=shop, offer_ids=offer_ids, language=language, at=at)
    terms = _varied(await terms_of_sale(conn, shop=shop, at=at), free_from, shop)
    stock = await balances(conn, pool_ids=[pool.pool_id for article in known.values() for pool in article.pools])
    return put_together(stored, shop, known, terms, stock, at=at, country=country)


async def articles(
    conn: Connection, *, shop: Shop, offer_ids: Sequence[UUID], language: str, at: datetime
) -> dict[UUID, Article]:
    """Those of the offers that exist, with all that selling them in a shop takes but the stock."""
    known_offers = await offers(conn, offer_ids=offer_ids)
    variant_ids = [offer.variant_id for offer in known_offers]
    variants = {v.id: v for v in await variants_by_ids(conn, variant_ids=variant_ids, language=language)}
    # A copy of this is asked for as long as nobody sets another price: what is set to begin later is part of it.
    by_variant: dict[UUID, list[Price]] = {}
    for found in await prices_from(conn, shop_id=shop.id, variant_ids=variant_ids, at=at):
        by_variant.setdefault(found.variant_id, []).append(found)
    pools: dict[UUID, list[OfferPool]] = {}
    for pool in await pools_for_offers(conn, offer_ids=offer_ids):
        pools.setdefault(pool.offer_id, []).append(pool)
    return {
        offer.id: Article(
            offer,
            variants.get(offer.variant_id),
            tuple(by_variant.get(offer.variant_id, ())),
            tuple(pools.get(offer.id, ())),
        )
        for offer in known_offers
    }


async def terms_of_sale(conn: Connection, *, shop: Shop, at: datetime) -> Terms:
    """What holds for every sale of a shop at a moment."""
    entity = await legal_entity(conn, legal_entity_id=shop.legal_entity_id)
    if entity is None:
        raise LookupError(f"shop {shop.code} has no legal entity")
    rates = await shipping_rates(conn, shop_id=shop.id, at=at)
    return Terms(entity, tuple(rates), tuple(await rates_for(conn, country=shop.country)))


class Assortment:
    """The same from copies that this process keeps: placing an order reads nothing that seldom changes.

    An order of two lines took ten statements for this, 2 ms of both sides; the desk needs a tenth of that for all the
    rest. Copies are dropped within a second by the events of what they were made of (see `lotse.kernel.tags`); the
    terms of a shop are read once a second.
    """

    def __init__(self, database: Database, tags: Tags, *, free_from: str = "set") -> None:
        """`free_from`: by which variation delivery is free (see `rules.FREE_FROM`)."""
        self._database = database
        self._tags = tags
        self.free_from = free_from

    async def articles(
        self, *, shop: Shop, offer_ids: Sequence[UUID], language: str, at: datetime
    ) -> dict[UUID, Article]:
        """As `articles`."""
        spoken = _spoken(shop, language)
        copies: Copies[UUID, Article] = self._tags.copies(
            f"checkout.articles {shop.id} {spoken}", size=_ARTICLES, lasts_seconds=_ARTICLE_SECONDS
        )
        kept = {offer_id: article for offer_id in offer_ids if (article := copies.get(offer_id)) is not None}
        if len(kept) == len(offer_ids):  # nearly always
            return kept

        async def load(missing: list[UUID]) -> dict[UUID, tuple[Article, list[str]]]:
            async with self._database.reading() as conn:
                read = await articles(conn, shop=shop, offer_ids=missing, language=spoken, at=at)
            return {offer_id: (article, _tags_of(article)) for offer_id, article in read.items()}

        return await copies.many(offer_ids, load)

    async def basket(
        self, *, shop: Shop, basket_id: UUID, language: str, at: datetime, country: str | None = None
    ) -> Basket:
        """As `basket`: what is in it and what is in stock is read, all else comes from copies."""
        async with self._database.reading() as conn:
            stored = await stored_basket(conn, basket_id=basket_id)
        if stored is None or stored.shop_id != shop.id:
            raise BasketUnknown(basket_id=basket_id)
        offer_ids = [line.offer_id for line in stored.lines]
        # With no connection in hand: what is missing takes one of its own, and they are few.
        known = await self.articles(shop=shop, offer_ids=offer_ids, language=language, at=at)
        terms = await self.terms(shop=shop, at=at)
        pool_ids = [pool.pool_id for article in known.values() for pool in article.pools]
        async with self._database.reading() as conn:
            stock = await balances(conn, pool_ids=pool_ids)
        return shown(put_together(stored, shop, known, terms, stock, at=at, country=country))

    async def terms(self, *, shop: Shop, at: datetime) -> Terms:
        """As `terms_of_sale`."""
        second = int(time.monotonic() / _TERMS_SECONDS)
        copies: Copies[int, Terms] = self._tags.copies(f"checkout.terms {shop.id}", size=1)
        kept = copies.get(second)
        if kept is not None:
            return _varied(kept, self.free_from, shop)

        async def load(seconds: list[int]) -> dict[int, tuple[Terms, tuple[str, ...]]]:
            # Of all who ask at once one reads, so also for those of the second before.
            async with self._database.reading() as conn:
                terms = await terms_of_sale(conn, shop=shop, at=at)
            return dict.fromkeys(seconds, (terms, ()))

        return _varied((await copies.many([second], load))[second], self.free_from, shop)


def _varied(terms: Terms, variation: str, shop: Shop) -> Terms:
    if variation == "set":
        return terms
    return structs.replace(terms, rates=varied(terms.rates, variation, shop.currency))


def _spoken(shop: Shop, language: str) -> str:
    """The shop's language that comes nearest: what clients ask for has no end, copies must."""
    if language in shop.languages:
        return language
    return language[:2] if language[:2] in shop.languages else shop.language


# A large assortment; an article is some 2 kB.
_ARTICLES = 100_000
# Events tell of everything in a copy; this bounds how long one would stand if an event were ever lost.
_ARTICLE_SECONDS = 300.0
_TERMS_SECONDS = 1.0

_offer_changed = tagged(OfferChanged)
_price_changed = tagged(PriceChanged)
_product_changed = tagged(ProductChanged)
_product_state_changed = tagged(ProductStateChanged)
_location_changed = tagged(LocationChanged)
_stock_opened = tagged(StockOpened)
_shop_served = tagged(ShopServed)


def _tags_of(article: Article) -> list[str]:
    tags = [
        _offer_changed(article.offer.variant_id),
        _price_changed(article.offer.variant_id),
        _stock_opened(article.offer.variant_id),
        _shop_served(article.offer.shop_id),
    ]
    if article.variant:
        tags += [_product_changed(article.variant.product_id), _product_state_changed(article.variant.product_id)]
    return tags + [_location_changed(pool.location_id) for pool in article.pools]


def put_together(
    stored: StoredBasket,
    shop: Shop,
    known: Mapping[UUID, Article],
    terms: Terms,
    stock: Mapping[int, Balance],
    *,
    at: datetime,
    country: str | None = None,
) -> Quote:
    """A basket priced. Pure. Refusals: `NoDelivery` (only for a country that was named), `NoTaxRate`."""
    lines: list[QuotedLine] = []
    for line in stored.lines:
        article = known.get(line.offer_id)
        if article is None:
            lines.append(QuotedLine(line, None, None, (), 0, None, "not_sold"))
            continue
        # A line is served by one location, so what counts is the most that any one of them has.
        available = max((stock[pool.pool_id].available for pool in article.pools if pool.pool_id in stock), default=0)
        problem: Problem = "" if available >= line.quantity else "short"
        if not _is_sold(article, shop, line.quantity, at):
            problem = "not_sold"
        lines.append(QuotedLine(line, article.offer, article.variant, article.pools, available, None, problem))
    sold = [line for line in lines if line.problem != "not_sold"]
    till = _Till(shop, known, terms, at)
    goods = till.goods(sold)
    charges: list[Line] = []
    if country is not None or any(rate.country == shop.country for rate in terms.rates):
        charges = shipping_lines(rate_for(terms.rates, country or shop.country), goods.lines, shop.currency)
    whole = till.with_charges(sold, goods, charges) if charges else goods
    priced = iter(whole.lines)
    quoted = [line if line.problem == "not_sold" else _with_price(line, next(priced)) for line in lines]
    return Quote(stored, shop, country or shop.country, list(terms.rates), quoted, list(priced), whole)


def _with_price(line: QuotedLine, priced: PricedLine) -> QuotedLine:
    return QuotedLine(line.stored, line.offer, line.variant, line.pools, line.available, priced, line.problem)


def _is_sold(article: Article, shop: Shop, quantity: int, at: datetime) -> bool:
    return (
        article.offer.state == "active"
        and article.offer.shop_id == shop.id
        and article.variant is not None
        and article.variant.sellable
        and _remembered(article, quantity, at) is not None
    )


class _Till:
    """Prices the lines of one basket."""

    def __init__(self, shop: Shop, known: Mapping[UUID, Article], terms: Terms, at: datetime) -> None:
        self._shop = shop
        self._known = known
        self._terms = terms
        self._at = at
        self._day = at.astimezone(_zone(shop.timezone)).date()
        self._policy: Policy = policy_for(shop.country, "order")

    def goods(self, sold: Sequence[QuotedLine]) -> PricedBasket:
        """Line by line where lines are priced alone: what was priced a moment ago need not be priced again."""
        if self._policy != "line":
            return self._price(self._lines(sold))
        lines = [self._remembered(line) for line in sold]
        return summed(lines, currency=self._shop.currency, country=self._shop.country, policy=self._policy)

    def with_charges(self, sold: Sequence[QuotedLine], goods: PricedBasket, charges: list[Line]) -> PricedBasket:
        """The same with what is charged for delivery."""
        if self._policy != "line":
            return self._price(self._lines(sold) + charges)
        lines = goods.lines + self._price(charges).lines
        return summed(lines, currency=goods.currency, country=goods.country, policy=self._policy)

    def _remembered(self, line: QuotedLine) -> PricedLine:
        kept = _remembered(self._known[line.stored.offer_id], line.stored.quantity, self._at)
        if kept is None or line.variant is None:
            raise LookupError(f"offer {line.stored.offer_id} is sold without a price")
        rate = self._rate(line.variant.tax_class)
        if kept.priced is None or kept.rate != rate or kept.currency != self._shop.currency:
            [kept.priced] = self._price(self._lines([line])).lines
            kept.rate, kept.currency = rate, self._shop.currency
        return kept.priced

    def _rate(self, tax_class: str) -> Rate:
        key = (tax_class, self._day)
        rate = self._terms.remembered.get(key)
        if rate is None:
            rate = rate_at(self._terms.taxes, self._shop.country, tax_class, self._day)
            self._terms.remembered[key] = rate
        return rate

    def _lines(self, sold: Sequence[QuotedLine]) -> list[Line]:
        return [
            Line(
                ref=str(line.stored.offer_id),
                quantity=line.stored.quantity,
                tax_class=line.variant.tax_class if line.variant else "",
                variant_id=line.stored.variant_id,
            )
            for line in sold
        ]

    def _price(self, lines: list[Line]) -> PricedBasket:
        prices = [price for article in self._known.values() for price in article.prices]
        return price(
            lines,
            prices,
            self._terms.taxes,
            currency=self._shop.currency,
            country=self._shop.country,
            day=self._day,
            at=self._at,
            policy=self._policy,
        )


# Most are sold by ones and twos.
_QUANTITIES = 16
_zone = cache(ZoneInfo)
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


def _remembered(article: Article, quantity: int, at: datetime) -> _Remembered | None:
    """Where the price of a quantity is remembered; None if there is none at this moment."""
    kept = article.remembered.get(quantity)
    if kept is not None and kept.begins <= at < kept.ends:
        return kept
    if PriceLists(article.prices, at=at).find(article.offer.variant_id, quantity) is None:
        return None
    begins = max(price.valid_from for price in article.prices if price.valid_from <= at)
    ends = min((price.valid_from for price in article.prices if price.valid_from > at), default=_LAST_MOMENT)
    if len(article.remembered) >= _QUANTITIES:
        article.remembered.clear()
    kept = article.remembered[quantity] = _Remembered(begins, ends)
    return kept


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
