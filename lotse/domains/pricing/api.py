"""Prices for programs: what holds, and setting new ones."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.parties.contracts import Shop
from lotse.domains.pricing import commands, queries
from lotse.domains.pricing.contracts import (
    CurrencyNotOfShop,
    InvalidPrice,
    Price,
    PriceAlreadySet,
    PriceInThePast,
    PriorPrice,
    SetPrice,
)
from lotse.kernel.db import Database, Transaction
from lotse.kernel.http import Principal, needs, public
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.money import UnknownCurrency

# As many as a page shows or a basket holds.
MAX_VARIANTS = 200
# A price list of this size is set in a second; longer ones come in parts.
MAX_PRICES = 1_000
Variants = Annotated[
    list[UUID], Parameter(min_items=1, max_items=MAX_VARIANTS, description="Ids of variants; repeat the parameter.")
]


class NewPrice(Struct, frozen=True, kw_only=True):
    """What one smallest unit of an article costs from a moment on. `unit_price` null ends the price."""

    sku: Annotated[str, Meta(min_length=1, max_length=200)]
    unit_price: Annotated[
        Decimal | None, Meta(description="Major units with at most six places, as text: `19.99`, `0.012990`.")
    ]
    customer_group: Annotated[str, Meta(max_length=32)] = ""
    min_quantity: Annotated[int, Meta(ge=1, le=1_000_000_000)] = 1
    gross: Annotated[bool | None, Meta(description="Tax included; as the shop's prices are without it.")] = None
    valid_from: Annotated[datetime, Meta(tz=True, description="Not in the past; at once without it.")] | None = None


class PriceList(Struct, frozen=True, kw_only=True):
    """Prices to set, all or none. `reason` stands in the history."""

    currency: Annotated[str, Meta(min_length=3, max_length=3)]
    prices: Annotated[list[NewPrice], Meta(min_length=1, max_length=MAX_PRICES)]
    reason: Annotated[str, Meta(max_length=500)] = ""


class PricesSet(Struct, frozen=True):
    """The ids of the prices that hold then, in the order of the list."""

    ids: list[UUID]


@get("/prices", guards=[public], tags=["prices"])
async def list_prices(database: Database, shop: Shop, variant: Variants, at: datetime) -> list[Price]:
    """What everybody pays for variants in this shop now, by quantity."""
    async with database.reading() as conn:
        return await queries.prices_at(conn, shop_id=shop.id, variant_ids=variant, at=at)


@get("/prices/reductions", guards=[public], tags=["prices"])
async def list_reductions(database: Database, shop: Shop, variant: Variants, at: datetime) -> list[PriorPrice]:
    """Of these variants those that are reduced now, with the lowest price of the thirty days before."""
    async with database.reading() as conn:
        return await queries.lowest_30_days(conn, shop=shop, variant_ids=variant, at=at)


@post(
    "/prices",
    guards=[needs("pricing.write", "shop")],
    refusals=(
        UnknownVariant,
        InvalidPrice,
        UnknownCurrency,
        PriceInThePast,
        CurrencyNotOfShop,
        PriceAlreadySet,
    ),
    tags=["prices"],
)
async def change_prices(
    database: Database, principal: Principal, shop: Shop, data: PriceList, idempotency_key: str, at: datetime
) -> PricesSet:
    """Set prices of this shop. A price that says what holds already is not written again."""

    async def run(tx: Transaction) -> PricesSet:
        variants = await variant_ids_by_sku(tx, skus=[new.sku for new in data.prices])
        for new in data.prices:
            if new.sku not in variants:
                raise UnknownVariant(variant=new.sku)
        wanted = [
            SetPrice(
                shop_id=shop.id,
                variant_id=variants[new.sku],
                currency=data.currency,
                unit_price=new.unit_price,
                customer_group=new.customer_group,
                min_quantity=new.min_quantity,
                gross=new.gross,
                valid_from=new.valid_from,
                reason=data.reason,
            )
            for new in data.prices
        ]
        return PricesSet(await commands.set_prices(tx, wanted, by=str(principal), at=at))

    key = key_for(str(principal), idempotency_key, ("change prices", shop.id, data))
    return await once(database, key, PricesSet, run, at=at)


routes = (list_prices, list_reductions, change_prices)
