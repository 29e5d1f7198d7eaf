"""The retailer of Online Retail in Lotse: its legal entity, shop and warehouse, its articles and customers.

Everything goes through the same set-based commands as any import. What is there already is looked up by its natural
name (a code, an SKU, a customer's number) and left alone.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from itertools import groupby
from typing import Any, Final, TypeVar
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.commands import put_products
from lotse.domains.catalog.contracts import PutProduct, PutVariant, Text
from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.customers.commands import put_address, put_customers
from lotse.domains.customers.contracts import Address, PutCustomer
from lotse.domains.customers.queries import customers_by_number
from lotse.domains.inventory.commands import ensure_stock, put_locations, serve_shop
from lotse.domains.inventory.contracts import PutLocation, StockKey
from lotse.domains.inventory.queries import location_by_code, stock_of_variants
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.kernel import clock
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.idempotency import Key, key_for, once
from lotse.plugins.replay_online_retail.facts import ArticleSeen, CustomerSeen
from lotse.plugins.replay_online_retail.source import CURRENCY, ZONE

CODE: Final = "online-retail"
ACTOR: Final = "replay:online-retail"
LANGUAGE: Final = "en"
# The house's own country: where its books are kept.
COUNTRY: Final = "GB"
# Places of a list price in the database; order lines keep the source's own.
PRICE_PLACES: Final = Decimal("0.000001")

S = TypeVar("S", ArticleSeen, CustomerSeen)


class House(Struct, frozen=True):
    """Who sells, where, and from which warehouse."""

    party_id: UUID
    legal_entity_id: UUID
    shop_id: UUID
    location_id: UUID


class Article(Struct, frozen=True, gc=False):
    """Where an article is found in Lotse."""

    variant_id: UUID
    offer_id: UUID
    pool_id: int


class _Added(Struct, frozen=True):
    address_id: UUID


async def opened_house(database: Database, *, at: datetime) -> House:
    """The house, founded at `at` if this database does not have it yet."""
    async with database.transaction() as tx:
        shop = await shop_by_code(tx, code=CODE)
        location = await location_by_code(tx, code=CODE)
        if shop and location:
            return House(shop.owner_party_id, shop.legal_entity_id, shop.id, location.id)
        name = "Online Retail (UCI)"
        party_id = await put_party(tx, kind="organisation", name=name, roles=("seller",), by=ACTOR, at=at)
        entity_id = await put_legal_entity(
            tx,
            code=CODE,
            party_id=party_id,
            name=name,
            country=COUNTRY,
            currency=CURRENCY,
            timezone=ZONE.key,
            by=ACTOR,
            at=at,
        )
        shop_id = await put_shop(
            tx,
            code=CODE,
            name=name,
            legal_entity_id=entity_id,
            owner_party_id=party_id,
            languages=(LANGUAGE,),
            currency=CURRENCY,
            country=COUNTRY,
            timezone=ZONE.key,
            # The source does not say whether its prices hold VAT; nothing is taken out of them (see facts.TAX_CODE).
            gross=True,
            by=ACTOR,
            at=at,
        )
        warehouse = PutLocation(
            code=CODE, kind="warehouse", name="Warehouse (stock derived)", country=COUNTRY, timezone=ZONE.key
        )
        location_id = (await put_locations(tx, [warehouse], by=ACTOR, at=at))[CODE]
        await serve_shop(tx, shop_id=shop_id, location_ids=[location_id], by=ACTOR, at=at)
        return House(party_id, entity_id, shop_id, location_id)


async def with_articles(database: Database, house: House, seen: Sequence[ArticleSeen]) -> dict[str, Article]:
    """Make the articles that are not there yet, each day's in one transaction; all of them by code."""
    if not seen:
        return {}
    async with database.reading() as conn:
        known = await variant_ids_by_sku(conn, skus=[article.code for article in seen])
        found = await _articles(conn, house, known)
    for day in _by_day(article for article in seen if article.code not in found):
        at = day[0].at
        async with database.transaction() as tx:
            stored = await put_products(tx, [_product(article) for article in day], by=ACTOR, at=at)
            variants = {article.code: product.variant_ids[0] for article, product in zip(day, stored, strict=True)}
            offers = [
                PutOffer(shop_id=house.shop_id, variant_id=variant_id, seller_party_id=house.party_id)
                for variant_id in variants.values()
            ]
            offered = await put_offers(tx, offers, by=ACTOR, at=at)
            pools = await ensure_stock(tx, [_stock(house, variant_id) for variant_id in variants.values()], at=at)
            await set_prices(tx, _prices(house, day, variants), by=ACTOR, at=at)
            for code, offer, pool_id in zip(variants, offered, pools, strict=True):
                found[code] = Article(variants[code], offer.id, pool_id)
    return found


async def with_customers(database: Database, house: House, seen: Sequence[CustomerSeen]) -> dict[str, UUID]:
    """Make the customers and addresses that are not there yet, each day's in one transaction; their ids by number."""
    if not seen:
        return {}
    numbers = {customer_number(customer.number): customer.number for customer in seen}
    async with database.reading() as conn:
        known = await customers_by_number(conn, numbers=list(numbers))
    found = {numbers[number]: customer.id for number, customer in known.items()}
    first = [customer for customer in seen if customer.first and customer.number not in found]
    for day in _by_day(first):
        async with database.transaction() as tx:
            stored = await put_customers(tx, [_customer(house, customer) for customer in day], by=ACTOR, at=day[0].at)
        found |= {customer.number: put.id for customer, put in zip(day, stored, strict=True)}
    for customer in seen:
        if not customer.first:
            await _add_address(database, found[customer.number], customer)
    return found


async def _add_address(database: Database, customer_id: UUID, customer: CustomerSeen) -> None:
    """A further country is where parcels go. Once: an address put again would become the newest again."""

    async def run(tx: Transaction) -> _Added:
        address = address_of(customer.number, customer.country)
        return _Added(await put_address(tx, customer_id=customer_id, kind="delivery", address=address, at=customer.at))

    key = natural_key(f"customer:{customer.number}:{customer.country}", customer.at)
    await once(database, key, _Added, run, at=clock.now())


def natural_key(name: str, body: Any) -> Key:
    """A key that stays unique for ever."""
    return key_for(ACTOR, f"{CODE}:{name}", body, natural=True)


def customer_number(number: str) -> str:
    """The number that the customer has in Lotse: other sources count from 12345 as well."""
    return f"OR-{number}"


def address_of(customer: str | None, country: str) -> Address:
    """All that the source says of where somebody lives."""
    return Address(name=f"Customer {customer}" if customer else "Guest", country=country)


def _by_day(seen: Iterable[S]) -> list[list[S]]:
    return [list(day) for _, day in groupby(sorted(seen, key=lambda one: one.at), key=lambda one: one.at)]


async def _articles(conn: Connection, house: House, variants: dict[str, UUID]) -> dict[str, Article]:
    """Those of the variants that this house offers, with their pools. The first look at an empty database ends here."""
    if not variants:
        return {}
    offered = await offers_for_variants(
        conn, shop_id=house.shop_id, variant_ids=list(variants.values()), active_only=False
    )
    offers = {offer.variant_id: offer.id for offer in offered}
    ours = {code: variant_id for code, variant_id in variants.items() if variant_id in offers}
    lines = await stock_of_variants(conn, variant_ids=list(ours.values()))
    pools = {line.variant_id: line.pool_id for line in lines if line.location_id == house.location_id}
    return {code: Article(variant_id, offers[variant_id], pools[variant_id]) for code, variant_id in ours.items()}


def _product(article: ArticleSeen) -> PutProduct:
    slug = re.sub(r"[^a-z0-9]+", "-", article.code.lower()).strip("-")
    if slug != article.code.lower():
        # Two codes may differ only in what a slug cannot hold.
        slug = f"{slug}-{sha256(article.code.encode()).hexdigest()[:8]}".strip("-")
    return PutProduct(
        slug=f"{CODE}-{slug}",
        tax_class="none",
        attributes={"source": CODE},
        texts=(Text(LANGUAGE, article.name),),
        variants=(PutVariant(sku=article.code),),
    )


def _stock(house: House, variant_id: UUID) -> StockKey:
    return StockKey(variant_id, house.location_id, house.party_id)


def _prices(house: House, articles: Sequence[ArticleSeen], variants: dict[str, UUID]) -> list[SetPrice]:
    """The first price that was asked for each article stands in the shop; order lines carry their own."""
    return [
        SetPrice(
            shop_id=house.shop_id,
            variant_id=variants[article.code],
            currency=CURRENCY,
            unit_price=article.price.quantize(PRICE_PLACES),
            reason="first price in the source",
        )
        for article in articles
        if article.price is not None
    ]


def _customer(house: House, customer: CustomerSeen) -> PutCustomer:
    address = address_of(customer.number, customer.country)
    return PutCustomer(
        number=customer_number(customer.number),
        shop_id=house.shop_id,
        name=address.name,
        addresses=(("billing", address),),
    )
