"""Reads of prices, and baskets priced: one round trip, then the pure function."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from lotse.domains.catalog.contracts import Content
from lotse.domains.catalog.rules import content_of
from lotse.domains.parties.contracts import Shop
from lotse.domains.pricing.contracts import Holding, Line, Price, PriceChange, PricedBasket, PriorPrice
from lotse.domains.pricing.rules import PRIOR_PRICE_DAYS, price, prior_price
from lotse.domains.tax.contracts import Document, Rate
from lotse.domains.tax.rules import policy_for
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.pricing", "reads")


async def prices_at(
    conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID], at: datetime, customer_group: str = ""
) -> list[Price]:
    """What holds at a moment, in the order of the variants: everybody's prices and the group's, each by quantity.

    Which of them a buyer pays is decided by `rules.PriceLists`; for a card that says "from 9.99", take the least.
    """
    return await conn.many(
        READS.prices_at, Price, shop_id=shop_id, variant_ids=list(variant_ids), at=at, customer_group=customer_group
    )


async def prices_from(
    conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID], at: datetime, customer_group: str = ""
) -> list[Price]:
    """What holds at a moment and what will: `rules.PriceLists` finds in it what holds at any later one."""
    return await conn.many(
        READS.prices_from, Price, shop_id=shop_id, variant_ids=list(variant_ids), at=at, customer_group=customer_group
    )


async def priced(
    conn: Connection,
    *,
    shop: Shop,
    lines: Sequence[Line],
    at: datetime,
    document: Document = "basket",
    customer_group: str = "",
    country: str | None = None,
) -> PricedBasket:
    """Price lines at a moment, with the prices and the tax rates of that moment.

    `country` is where the tax is owed; the shop's own unless said otherwise. Refusals as `rules.price`: `NoPrice`,
    `NoTaxRate`.
    """
    taxed_in = country or shop.country
    wanted = {line.variant_id for line in lines if line.variant_id is not None and line.unit_price is None}
    found = await conn.one(
        READS.for_basket,
        _ForBasket,
        shop_id=shop.id,
        variant_ids=sorted(wanted),
        at=at,
        customer_group=customer_group,
        country=taxed_in,
    )
    return price(
        lines,
        found.prices,
        found.rates,
        currency=shop.currency,
        country=taxed_in,
        day=at.astimezone(ZoneInfo(shop.timezone)).date(),
        at=at,
        policy=policy_for(taxed_in, document),
        customer_group=customer_group,
    )


async def price_history(
    conn: Connection, *, variant_id: UUID, shop_id: UUID | None = None, limit: int = 100
) -> list[PriceChange]:
    """Every price that a variant had or will have, in one shop or all: the newest first."""
    return await conn.many(READS.price_history, PriceChange, variant_id=variant_id, shop_id=shop_id, limit=limit)


async def lowest_30_days(
    conn: Connection, *, shop: Shop, variant_ids: Sequence[UUID], at: datetime
) -> list[PriorPrice]:
    """For each variant whose price for everybody is a reduction at `at`: the lowest price of the 30 days before it.

    Variants that are not reduced are absent: nothing may be announced for them.
    """
    found = await conn.many(
        READS.reductions, _Reduction, shop_id=shop.id, variant_ids=list(variant_ids), at=at, days=PRIOR_PRICE_DAYS
    )
    zone = ZoneInfo(shop.timezone)
    return [PriorPrice(row.variant_id, row.unit_price, row.reduced_at, prior_price(row.history, zone)) for row in found]


class ToOffer(Struct, frozen=True):
    """All that prices on pages are made of: what one costs whoever asks at a moment (None: it is not to be had), the
    lowest price of the 30 days before if everybody's is a reduction that may be announced, when another price begins,
    and what the catalogue says."""

    variant_id: UUID
    product_id: UUID
    tax_class: str
    unit_price: Decimal | None
    gross: bool
    prior: Decimal | None
    content: Content | None
    next_at: datetime | None


async def to_offer(
    conn: Connection, *, shop: Shop, variant_ids: Sequence[UUID], at: datetime, customer_group: str = ""
) -> list[ToOffer]:
    """Of those of the variants that exist, in one round trip."""
    found = await conn.many(
        READS.to_offer,
        _ToOffer,
        shop_id=shop.id,
        variant_ids=list(variant_ids),
        at=at,
        customer_group=customer_group,
        days=PRIOR_PRICE_DAYS,
    )
    zone = ZoneInfo(shop.timezone)
    return [_offerable(row, zone) for row in found]


def _offerable(row: "_ToOffer", zone: ZoneInfo) -> ToOffer:
    # What the group agreed goes before what everybody pays, as in `rules.PriceLists`.
    unit_price, gross = (row.unit_price, row.gross) if row.group_price is None else (row.group_price, row.group_gross)
    lowest = prior_price(row.history, zone) if row.history else None
    # A price that is no lower than the lowest of the month before is no reduction that may be announced.
    is_lower = lowest is not None and row.unit_price is not None and lowest > row.unit_price
    amount = content_of(row.content.attributes, row.content.options) if row.content else None
    return ToOffer(
        row.variant_id,
        row.product_id,
        row.tax_class,
        unit_price,
        bool(gross),
        lowest if is_lower else None,
        Content(row.variant_id, *amount) if amount else None,
        row.next_at,
    )


async def holding_at(
    conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID], at: datetime
) -> dict[UUID, Holding]:
    """What everybody pays for one of each variant at a moment; who has no price then is absent."""
    found = await conn.many(READS.holding_at, Holding, shop_id=shop_id, variant_ids=list(variant_ids), at=at)
    return {row.variant_id: row for row in found}


class _ForBasket(Struct, frozen=True):
    prices: list[Price]
    rates: list[Rate]


class _Reduction(Struct, frozen=True):
    variant_id: UUID
    unit_price: Decimal
    reduced_at: datetime
    history: list[tuple[datetime, Decimal | None]]


class _Said(Struct, frozen=True):
    attributes: dict[str, Any]
    options: dict[str, str]


class _ToOffer(Struct, frozen=True):
    variant_id: UUID
    product_id: UUID
    tax_class: str
    content: _Said | None
    unit_price: Decimal | None
    gross: bool | None
    group_price: Decimal | None
    group_gross: bool | None
    history: list[tuple[datetime, Decimal | None]] | None
    next_at: datetime | None
