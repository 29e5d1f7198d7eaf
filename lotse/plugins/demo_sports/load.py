"""Bring the demo retailer into a database, by the same commands that pages, API and imports use.

What is there already is left alone: a second run changes nothing, a run that was killed goes on where it stopped, and
what somebody has changed since stays changed. Each step looks up what exists by its natural name (code, slug, SKU,
customer's number); goods are moved at the desk under keys that never expire.
"""

import asyncio
import math
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid5

import msgspec
from msgspec import Struct

from lotse.domains.catalog.commands import put_categories, put_products
from lotse.domains.catalog.contracts import (
    CategoryText,
    PutCategory,
    PutPicture,
    PutProduct,
    PutVariant,
    Text,
)
from lotse.domains.catalog.queries import category_tree, variant_ids_by_sku
from lotse.domains.checkout.commands import put_shipping
from lotse.domains.customers.commands import put_customers
from lotse.domains.customers.contracts import Address, PutCustomer
from lotse.domains.customers.queries import customers_by_number
from lotse.domains.inventory.commands import ensure_stock, move_goods, put_locations, serve_shop
from lotse.domains.inventory.contracts import DocumentKind, MoveRequest, PutLocation, StockChange, StockKey
from lotse.domains.inventory.queries import location_by_code
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.parties.commands import put_legal_entity, put_parties, put_shop
from lotse.domains.parties.contracts import Channel, Kind, PutParty
from lotse.domains.parties.queries import shop_by_code
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.queries import prices_at
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.media.library import Library
from lotse.kernel.settings import Settings
from lotse.plugins.demo_sports import retailer, texts, trade
from lotse.plugins.demo_sports.assortment import SEED, WAREHOUSE, Assortment, Category, Product, assortment
from lotse.plugins.demo_sports.departments import DEPARTMENTS
from lotse.plugins.demo_sports.drawings.scenes import hero, logo
from lotse.plugins.demo_sports.people import PEOPLE
from lotse.plugins.demo_sports.season import DAYS, ORDERS, SALE_DAYS, season
from lotse.plugins.demo_sports.trade import ACTOR

# Ids of parties follow from what they are, so that a second run meets the same ones.
_NAMES = UUID("8f1d3f62-5f0a-5c1e-9d51-0a4c6f2b7e11")

# The house's last months, before the moment of loading. Products come in deliveries, a department's first model in the
# last one, so that what is newest shows the breadth of the house.
_FIRST_DELIVERY = timedelta(days=DAYS + 70)
_LAST_DELIVERY = timedelta(days=DAYS + 12)
_TO_STORES = timedelta(days=DAYS + 4)
_COUNTED = timedelta(days=DAYS + 2)
# More than 30 days after every first price: the prior price that must be shown (PAngV s.11) is the regular one.
_REDUCED = timedelta(days=SALE_DAYS)

# Customers have come in so many waves since then, the last one before the season begins.
_CAME_IN = 24
_FIRST_CUSTOMER, _LAST_CUSTOMER = timedelta(days=900), timedelta(days=DAYS + 5)

# What is written with at night.
_CHALK = "#eef2f0"

Progress = Callable[..., None]


class House(Struct, frozen=True):
    """The house as it stands in this database."""

    shop_id: UUID
    party_id: UUID
    places: dict[str, UUID]


async def load(
    db: Database,
    desk: Desk,
    *,
    seed: int = SEED,
    at: datetime,
    progress: Progress,
    orders: int = ORDERS,
    seconds: float = math.inf,
) -> None:
    """Everything, in the order in which it depends on each other. `seed` counts for what is not there yet.

    `orders` is the size of the season, `seconds` how long the loading of orders may take here: the rest comes when the
    demo is loaded again, or in the background of `lotse up` (see `trade.go_on`).
    """
    progress("house: legal entity, shops, warehouse, thirty stores")
    begun = await trade.begun(db, seed=seed, orders=orders, at=at)
    # From here on as it was when the demo was loaded first: what is there already is met again, whenever that was.
    seed, at = begun.seed, begun.at
    goods = assortment(seed)
    past = season(goods, seed, at, begun.orders)
    library = Library(Settings.load(os.environ))
    house = await _opened(db, at=at)
    await _categories(db, goods.categories, at=at)
    sold = past.sold()
    for number, (delivery, arrived) in enumerate(_deliveries(goods, at), start=1):
        progress(f"products: delivery {number}, {len(delivery)} products with pictures, prices and stock")
        await _products(db, library, house, delivery, arrived=arrived, at=at)
        await _goods(db, desk, house, delivery, sold, number, arrived=arrived, at=at)
    progress(f"customers: {len(retailer.CUSTOMERS) + len(PEOPLE)}")
    await _customers(db, house, at=at)
    hero = await _brand(db, library, at=at)
    await texts.put_pages(db, house.shop_id, hero=hero, at=at)
    variants = sum(len(product.variants) for product in goods.products)
    progress(f"{retailer.NAME}: {len(goods.products)} products, {variants} variants, {len(house.places)} locations")
    await trade.load(db, desk, goods, past, progress=progress, seconds=seconds)


# -- the house


async def _opened(db: Database, *, at: datetime) -> House:
    """The house with its places; founded if it is not there."""
    async with db.transaction() as tx:
        shop = await shop_by_code(tx, code=retailer.CODE)
        if shop is not None:
            found = [(place.code, await location_by_code(tx, code=place.code)) for place in retailer.PLACES]
            places = {code: location.id for code, location in found if location is not None}
            return House(shop.id, shop.owner_party_id, places)
        return await _founded(tx, at=at)


async def _founded(tx: Transaction, *, at: datetime) -> House:
    party_id = _id("house")
    await put_parties(tx, _parties(party_id), by=ACTOR, at=at)
    entity_id = await put_legal_entity(
        tx,
        code=retailer.CODE,
        party_id=party_id,
        name=retailer.LEGAL_NAME,
        country=retailer.COUNTRY,
        currency=retailer.CURRENCY,
        timezone=retailer.TIMEZONE,
        vat_id=retailer.VAT_ID,
        address=retailer.ADDRESS,
        bank_account=retailer.BANK_ACCOUNT,
        by=ACTOR,
        at=at,
    )
    shop_id = await put_shop(
        tx,
        code=retailer.CODE,
        name=retailer.NAME,
        legal_entity_id=entity_id,
        owner_party_id=party_id,
        languages=retailer.LANGUAGES,
        currency=retailer.CURRENCY,
        country=retailer.COUNTRY,
        timezone=retailer.TIMEZONE,
        by=ACTOR,
        at=at,
    )
    others: list[tuple[str, str, Channel]] = [(retailer.MARKETPLACE, retailer.MARKETPLACE_NAME, "marketplace")]
    others.extend(
        (retailer.till_shop(place.code), place.name, "till") for place in retailer.PLACES if place.kind == "store"
    )
    for code, name, channel in others:
        await put_shop(
            tx,
            code=code,
            name=name,
            legal_entity_id=entity_id,
            owner_party_id=party_id,
            languages=retailer.LANGUAGES,
            currency=retailer.CURRENCY,
            country=retailer.COUNTRY,
            timezone=retailer.TIMEZONE,
            channel=channel,
            by=ACTOR,
            at=at,
        )
    places = [
        PutLocation(
            code=place.code,
            kind=place.kind,
            name=place.name,
            address=place.address,
            country=retailer.COUNTRY,
            timezone=retailer.TIMEZONE,
            latitude=place.latitude,
            longitude=place.longitude,
            opening_hours=place.opening_hours,
        )
        for place in retailer.PLACES
    ]
    ids = await put_locations(tx, places, by=ACTOR, at=at)
    # In the order of preference: parcels leave the warehouse, the stores fill in.
    await serve_shop(tx, shop_id=shop_id, location_ids=[ids[place.code] for place in places], by=ACTOR, at=at)
    for country, price_minor, free_from_minor in retailer.SHIPPING:
        await put_shipping(
            tx,
            shop_id=shop_id,
            country=country,
            price_minor=price_minor,
            free_from_minor=free_from_minor,
            valid_from=at - _FIRST_DELIVERY,
            by=ACTOR,
            at=at,
        )
    return House(shop_id, party_id, ids)


def _parties(house: UUID) -> list[PutParty]:
    own = PutParty(
        id=house,
        kind="organisation",
        name=retailer.NAME,
        legal_name=retailer.LEGAL_NAME,
        email=retailer.EMAIL,
        phone=retailer.PHONE,
        roles=("seller",),
    )
    staff = [PutParty(id=_id(f"staff:{one.key}"), name=one.name, roles=("staff",)) for one in retailer.STAFF]
    suppliers = [
        PutParty(
            id=_id(f"supplier:{brand.key}"),
            kind="organisation",
            name=brand.name,
            legal_name=brand.maker,
            email=brand.email,
            roles=("supplier",),
        )
        for brand in retailer.SUPPLIERS
    ]
    return [own, *staff, *suppliers]


# -- the catalogue


async def _categories(db: Database, categories: Sequence[Category], *, at: datetime) -> None:
    async with db.transaction() as tx:
        known = {category.slug for category in await category_tree(tx, language=retailer.LANGUAGES[0])}
        missing = [
            PutCategory(
                slug=category.slug,
                parent=category.parent or None,
                position=category.position,
                texts=tuple(
                    CategoryText(language, category.name.in_(language), category.description.in_(language))
                    for language in retailer.LANGUAGES
                ),
            )
            for category in categories
            if category.slug not in known
        ]
        if missing:
            await put_categories(tx, missing, by=ACTOR, at=at)


def _deliveries(goods: Assortment, at: datetime) -> list[tuple[list[Product], datetime]]:
    """The products in the order in which they came, with the day."""
    rank = {
        (department.slug, model.name, model.kind): position
        for department in DEPARTMENTS
        for position, model in enumerate(department.models)
    }
    by_rank: dict[int, list[Product]] = {}
    for product in goods.products:
        # What is put last counts as newest: the first department's.
        by_rank.setdefault(min(rank[product.model], 6), []).insert(0, product)
    ranks = sorted(by_rank, reverse=True)
    step = (_FIRST_DELIVERY - _LAST_DELIVERY) / max(1, len(ranks) - 1)
    return [(by_rank[place], at - _FIRST_DELIVERY + step * index) for index, place in enumerate(ranks)]


async def _products(
    db: Database, library: Library, house: House, products: Sequence[Product], *, arrived: datetime, at: datetime
) -> None:
    """Products with pictures, offers, first prices and the sale that began last week, in one transaction."""
    skus = [variant.sku for product in products for variant in product.variants]
    async with db.reading() as conn:
        known = await variant_ids_by_sku(conn, skus=skus)
    missing = [product for product in products if any(v.sku not in known for v in product.variants)]
    media = await _drawn(db, library, missing, at=arrived)
    async with db.transaction() as tx:
        if missing:
            await put_products(tx, [_put(product, media) for product in missing], by=ACTOR, at=arrived)
            known = await variant_ids_by_sku(tx, skus=skus)
        ids = list(known.values())
        offered = {
            offer.variant_id
            for offer in await offers_for_variants(tx, shop_id=house.shop_id, variant_ids=ids, active_only=False)
        }
        offers = [
            PutOffer(shop_id=house.shop_id, variant_id=id, seller_party_id=house.party_id)
            for id in ids
            if id not in offered
        ]
        await put_offers(tx, offers, by=ACTOR, at=arrived)
        priced = {price.variant_id for price in await prices_at(tx, shop_id=house.shop_id, variant_ids=ids, at=at)}
        unpriced = [v for product in products for v in product.variants if known[v.sku] not in priced]
        first = [_price(house, known[v.sku], v.regular or v.price, "first price") for v in unpriced]
        await set_prices(tx, first, by=ACTOR, at=arrived)
        sale = [
            _price(house, known[v.sku], v.price, "autumn sale", valid_from=at - _REDUCED)
            for v in unpriced
            if v.regular is not None
        ]
        await set_prices(tx, sale, by=ACTOR, at=arrived)


async def _drawn(db: Database, library: Library, products: Sequence[Product], *, at: datetime) -> dict[str, str]:
    """The products' pictures in the library: their names, by what is drawn."""
    titles = {picture.svg: f"{product.slug}.svg" for product in products for picture in product.pictures}
    words = {picture.svg: picture.alt for product in products for picture in product.pictures}
    alts = [{language: words[svg].in_(language) for language in retailer.LANGUAGES} for svg in titles]
    drawings = [(svg.encode(), title) for svg, title in titles.items()]
    return dict(zip(titles, await library.take_drawings(db, drawings, alts=alts, by=ACTOR, at=at), strict=True))


def _put(product: Product, media: Mapping[str, str]) -> PutProduct:
    return PutProduct(
        slug=product.slug,
        brand=product.brand,
        tax_class=product.tax_class,
        attributes=dict(product.attributes),
        texts=tuple(
            Text(language, product.name.in_(language), product.summary.in_(language), product.description.in_(language))
            for language in retailer.LANGUAGES
        ),
        variants=tuple(
            PutVariant(sku=variant.sku, gtin=variant.gtin, options=variant.options, position=position)
            for position, variant in enumerate(product.variants)
        ),
        categories=product.categories,
        pictures=tuple(
            PutPicture(
                media=media[picture.svg],
                colour=picture.look or None,
                alt={language: picture.alt.in_(language) for language in retailer.LANGUAGES},
            )
            for picture in product.pictures
        ),
    )


def _price(
    house: House, variant_id: UUID, price: Decimal, reason: str, *, valid_from: datetime | None = None
) -> SetPrice:
    return SetPrice(
        shop_id=house.shop_id,
        variant_id=variant_id,
        currency=retailer.CURRENCY,
        unit_price=price,
        valid_from=valid_from,
        reason=reason,
    )


# -- goods


async def _goods(
    db: Database,
    desk: Desk,
    house: House,
    products: Sequence[Product],
    sold: Mapping[tuple[str, str], int],
    delivery: int,
    *,
    arrived: datetime,
    at: datetime,
) -> None:
    """What came to the warehouse, what went on to the stores, what a count found missing: what lies there today, and
    what the season sells.

    Each paper is moved once for ever under its own key, whatever happens in between.
    """
    skus = [variant.sku for product in products for variant in product.variants]
    own = set(skus)
    stock = {key: quantity for key, quantity in sold.items() if key[0] in own}
    for product in products:
        for variant in product.variants:
            for one in variant.stock:
                key = variant.sku, one.location
                stock[key] = stock.get(key, 0) + one.quantity
    stock = dict(sorted(stock.items()))
    # Every variant has a pool in the warehouse, also if nothing is left; in a store only what was sent there.
    wanted = list(dict.fromkeys([*((sku, WAREHOUSE) for sku in skus), *stock]))
    async with db.transaction() as tx:
        ids = await variant_ids_by_sku(tx, skus=skus)
        keys = [StockKey(ids[sku], house.places[place], house.party_id) for sku, place in wanted]
        pools = dict(zip(wanted, await ensure_stock(tx, keys, at=arrived), strict=True))
    # The count missed a piece of every fiftieth variant that lies deep in the warehouse.
    missing = {sku: 1 for sku in skus[::50] if stock.get((sku, WAREHOUSE), 0) > 5}
    totals: dict[str, int] = {}
    for (sku, _), quantity in stock.items():
        totals[sku] = totals.get(sku, 0) + quantity
    received = [(pools[sku, WAREHOUSE], totals.get(sku, 0) + missing.get(sku, 0)) for sku in skus]
    number = f"L{delivery:03d}"
    await _move(desk, "receipt", f"{number}-E", received, at=arrived)
    counted = [(pools[sku, WAREHOUSE], -n) for sku, n in missing.items()]
    # The desk takes them together.
    await asyncio.gather(
        *(
            _move(desk, "transfer", f"{number}-U-{place}", _sent(pools, stock, place), at=at - _TO_STORES)
            for place in house.places
            if place != WAREHOUSE
        ),
        _move(desk, "adjustment", f"{number}-Z", counted, note="counted", at=at - _COUNTED),
    )


def _sent(pools: dict[tuple[str, str], int], stock: dict[tuple[str, str], int], place: str) -> list[tuple[int, int]]:
    """What leaves the warehouse for a store, and what arrives there."""
    sent = [(sku, quantity) for (sku, to), quantity in stock.items() if to == place]
    return [change for sku, n in sent for change in ((pools[sku, WAREHOUSE], -n), (pools[sku, place], n))]


async def _move(
    desk: Desk,
    kind: DocumentKind,
    reference: str,
    changes: Sequence[tuple[int, int]],
    *,
    note: str = "",
    at: datetime,
) -> None:
    moved = tuple(StockChange(pool, delta) for pool, delta in changes if delta)
    if not moved:
        return
    request = MoveRequest(
        document_id=uuid7(), kind=kind, changes=moved, reference=reference, note=note, actor=ACTOR, occurred_at=at
    )
    # The body of the key is the paper's number alone: the same paper is the same, whenever the demo is loaded again.
    await move_goods(desk, request=request, key=key_for(ACTOR, reference, reference, natural=True))


# -- customers and the look


async def _customers(db: Database, house: House, *, at: datetime) -> None:
    buyers: list[tuple[str, str, Kind, str, Address]] = [
        (
            buyer.number,
            buyer.company or buyer.name,
            "organisation" if buyer.company else "person",
            buyer.email,
            buyer.address,
        )
        for buyer in retailer.CUSTOMERS
    ]
    buyers.extend((number, address.name, "person", email, address) for number, email, address in PEOPLE)
    # They came one after the other, as long as there is a shop: whoever the list begins with has been there longest.
    size = -(-len(buyers) // _CAME_IN)
    for place in range(0, len(buyers), size):
        some = buyers[place : place + size]
        async with db.transaction() as tx:
            known = await customers_by_number(tx, numbers=[number for number, *_ in some])
            missing = [
                PutCustomer(
                    number=number,
                    shop_id=house.shop_id,
                    kind=kind,
                    name=name,
                    email=email,
                    addresses=(("billing", address), ("delivery", address)),
                )
                for number, name, kind, email, address in some
                if number not in known
            ]
            came = at - _LAST_CUSTOMER - (_FIRST_CUSTOMER - _LAST_CUSTOMER) * (1 - place / len(buyers))
            await put_customers(tx, missing, by=ACTOR, at=came)


async def _brand(db: Database, library: Library, *, at: datetime) -> str:
    """Logo and hero for the storefront, which reads `brand.json`; a choice that was made already stays. The hero's
    name, empty if that was another choice."""
    path = library.settings.home / "brand.json"
    if path.exists():
        return ""
    drawings = [
        (logo().encode(), "logo.svg"),
        (logo(_CHALK).encode(), "logo-dark.svg"),
        (hero().encode(), "hero.svg"),
    ]
    # Kept, because only a file says that they are used.
    names = await library.take_drawings(db, drawings, kept=True, by=ACTOR, at=at)
    chosen = dict(zip(("logo", "logo_dark", "hero"), names, strict=True))
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(chosen))
    temporary.replace(path)
    return chosen["hero"]


def _id(name: str) -> UUID:
    return uuid5(_NAMES, name)
