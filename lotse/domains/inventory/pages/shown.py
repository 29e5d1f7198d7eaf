"""What the pages of other domains show of stock: answers of slots."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.queries import variants_of_products
from lotse.domains.inventory import queries
from lotse.domains.inventory.contracts import (
    Availability,
    Location,
    LocationChanged,
    ShopServed,
    StockLine,
)
from lotse.domains.inventory.rules import stock_state
from lotse.domains.offers.contracts import OfferChanged
from lotse.kernel.db import Connection
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.tags import any_of, tagged

_STATES = {
    "in_stock": "https://schema.org/InStock",
    "low": "https://schema.org/LimitedAvailability",
    "out": "https://schema.org/OutOfStock",
}
_offer_changed = tagged(OfferChanged)
_ANY_LOCATION = any_of(LocationChanged)
_shop_served = tagged(ShopServed)


class Shown(Struct, frozen=True):
    """An availability that also describes itself to machines."""

    stock: Availability

    def offer_properties(self) -> dict[str, Any]:
        return {"availability": _STATES[self.stock.state]}


class VariantStock(Struct, frozen=True):
    """All stock of a variant, for the back office."""

    lines: list[StockLine]


class ProductStock(Struct, frozen=True):
    """How many pieces of a product its shop can sell, over all variants; how many of those variants are out."""

    available: int
    variants: int
    out: int


class OfShop(Struct, frozen=True):
    """The places that serve a shop, the preferred one first."""

    shop_id: UUID
    locations: list[Location]


async def _available(connection: Connection, ask: Ask) -> Mapping[UUID, Shown]:
    found = await queries.availability_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return {one.variant_id: Shown(one) for one in found}


async def _on_cards(connection: Connection, ask: Ask) -> Mapping[UUID, Shown]:
    """As `_available`, without where it lies: no card says it."""
    found = await queries.pieces_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return {
        one.variant_id: Shown(Availability(one.variant_id, stock_state(one.available), one.available, []))
        for one in found
    }


def _on_card(shown: Sequence[Shown]) -> str:
    """The best state of a card's variants."""
    states = {one.stock.state for one in shown}
    return next((state for state in ("in_stock", "low") if state in states), "out")


async def _standing(connection: Connection, ask: Ask) -> Standing:
    return _until_it_changes(ask, await queries.signs_once(connection, shop_id=ask.shop, variant_ids=ask.ids))


async def _card_standing(connection: Connection, ask: Ask) -> Standing:
    found = await queries.pieces_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return _until_it_changes(ask, {one.variant_id: one.signs for one in found})


def _until_it_changes(ask: Ask, signs: Mapping[UUID, list[int]]) -> Standing:
    """Until an offer, a place, or a number that is shown changes."""
    return Standing(
        tags=(_shop_served(ask.shop), *(_offer_changed(id) for id in ask.ids)), types=(_ANY_LOCATION,), signs=signs
    )


async def _stores_standing(_: Connection, ask: Ask) -> Standing:
    return Standing(tags=(_shop_served(ask.shop),), types=(_ANY_LOCATION,))


async def _stores(connection: Connection, ask: Ask) -> Mapping[UUID, list[Location]]:
    found = await queries.locations_of_shop(connection, shop_id=ask.shop)
    stores = [location for location in found if location.kind == "store"]
    return {ask.shop: stores} if stores else {}


async def _stock(connection: Connection, ask: Ask) -> Mapping[UUID, VariantStock]:
    lines: dict[UUID, list[StockLine]] = {}
    for line in await queries.stock_of_variants(connection, variant_ids=ask.ids):
        lines.setdefault(line.variant_id, []).append(line)
    return {id: VariantStock(found) for id, found in lines.items()}


async def _of_products(connection: Connection, ask: Ask) -> Mapping[UUID, ProductStock]:
    """What the shop says of products: the same numbers that it sells by, whoever looks."""
    variants = await variants_of_products(connection, product_ids=ask.ids)
    ids = [id for some in variants.values() for id in some]
    pieces = await queries.available_of(connection, shop_id=ask.shop, variant_ids=ids)
    return {
        product_id: ProductStock(
            sum(pieces.get(id, 0) for id in some), len(some), sum(not pieces.get(id, 0) for id in some)
        )
        for product_id, some in variants.items()
    }


async def _locations(connection: Connection, ask: Ask) -> Mapping[UUID, Location]:
    return {found.id: found for found in await queries.locations_by_ids(connection, location_ids=ask.ids)}


async def _of_shops(connection: Connection, ask: Ask) -> Mapping[UUID, "OfShop"]:
    """The places that a shop sells from; one shop is shown at a time."""
    return {id: OfShop(id, await queries.locations_of_shop(connection, shop_id=id)) for id in ask.ids}


# A page without its prices or its stock is of little use, so these may take long when the machine is busy.
slots = (
    Answerer(
        "card.stock", "inventory", "inventory/card_stock.html", 800, _on_cards, _card_standing, queries.signs, _on_card
    ),
    Answerer("product.stock", "inventory", "inventory/product_stock.html", 800, _available, _standing, queries.signs),
    Answerer("product.places", "inventory", "inventory/product_places.html", 800, _available, _standing, queries.signs),
    Answerer("home.below", "inventory", "inventory/home_stores.html", 150, _stores, _stores_standing),
    Answerer("office.variant.stock", "inventory", "inventory/office_variant_stock.html", 300, _stock),
    Answerer("office.product.stock", "inventory", "inventory/office_product_stock.html", 500, _of_products),
    Answerer("office.shop", "inventory", "inventory/of_shop.html", 300, _of_shops),
    Answerer("office.location", "inventory", "inventory/office_location.html", 150, _locations),
)
