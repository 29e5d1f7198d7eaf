"""Prices from files. An article with a price in a shop is for sale there: the shop's owner offers it, unless it is
offered already (also if somebody paused that offer)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.offers.commands import put_offers
from lotse.domains.offers.contracts import PutOffer
from lotse.domains.offers.queries import offers_for_variants
from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code, shops
from lotse.domains.pricing.commands import set_prices
from lotse.domains.pricing.contracts import SetPrice
from lotse.domains.pricing.queries import prices_at
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused


class PriceRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `prices`: what one smallest unit costs from `valid_from` on (at once if that has passed)."""

    sku: str
    price: Decimal | UnsetType = UNSET
    shop: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    customer_group: str = ""
    min_quantity: int = 1
    gross: bool | UnsetType = UNSET
    valid_from: datetime | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class Prices:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "prices"
    row = PriceRow
    fields = ("price",)
    order = 40
    batch = 1_000

    def key(self, row: PriceRow, context: Context) -> str:
        for name, moment in (("valid_from", row.valid_from), ("changed_at", row.changed_at)):
            if isinstance(moment, datetime) and moment.tzinfo is None:
                raise RowRefused(field=name, rule="a moment with its offset, e.g. 2026-03-01T00:00:00+01:00")
        if row.price is UNSET:
            raise RowRefused(field="price", rule="required")
        parts = [row.sku, _shop_code(row, context)]
        parts += [row.customer_group] if row.customer_group else []
        parts += [f"from {row.min_quantity}"] if row.min_quantity != 1 else []
        return " / ".join(part for part in parts if part)

    async def current(self, tx: Transaction, rows: Sequence[PriceRow], context: Context) -> Sequence[Current]:
        variants = await _variants(tx, rows)
        found: dict[int, Current] = {}
        for shop, group, begin, places in await _asked(tx, rows, context):
            ids = [variants[rows[place].sku] for place in places]
            holding = {
                (price.variant_id, price.customer_group, price.min_quantity): price
                for price in await prices_at(tx, shop_id=shop.id, variant_ids=ids, at=begin, customer_group=group)
            }
            for place in places:
                row = rows[place]
                price = holding.get((variants[row.sku], group, row.min_quantity))
                unset = price is None or price.unit_price is None
                found[place] = None if unset or price is None else {"price": _told(price.unit_price)}
        return [found[place] for place in range(len(rows))]

    def wanted(self, row: PriceRow, found: Current, context: Context) -> Mapping[str, Any]:
        return {} if row.price is UNSET else {"price": _told(row.price)}

    async def apply(
        self, tx: Transaction, rows: Sequence[PriceRow], found: Sequence[Current], context: Context
    ) -> None:
        variants = await _variants(tx, rows)
        wanted: list[SetPrice] = []
        for shop, group, begin, places in await _asked(tx, rows, context):
            ids = [variants[rows[place].sku] for place in places]
            offered = {
                offer.variant_id
                for offer in await offers_for_variants(tx, shop_id=shop.id, variant_ids=ids, active_only=False)
            }
            new = [
                PutOffer(shop_id=shop.id, variant_id=id, seller_party_id=shop.owner_party_id)
                for id in dict.fromkeys(ids)
                if id not in offered
            ]
            await put_offers(tx, new, by=context.by, at=context.at)
            for place in places:
                row = rows[place]
                if row.price is UNSET:
                    raise RowRefused(field="price", rule="required")
                wanted.append(
                    SetPrice(
                        shop_id=shop.id,
                        variant_id=variants[row.sku],
                        currency=shop.currency if row.currency is UNSET else row.currency,
                        unit_price=row.price,
                        customer_group=group,
                        min_quantity=row.min_quantity,
                        gross=None if row.gross is UNSET else row.gross,
                        valid_from=begin if begin > context.at else None,
                        reason="" if row.reason is UNSET else row.reason,
                    )
                )
        await set_prices(tx, wanted, by=context.by, at=context.at, source=None)


async def _asked(
    tx: Transaction, rows: Sequence[PriceRow], context: Context
) -> list[tuple[Shop, str, datetime, list[int]]]:
    """The places of the rows by shop, group and moment: a file mostly has one of each."""
    codes = {_shop_code(row, context) for row in rows}
    known = {code: await _shop(tx, code) for code in codes}
    grouped: dict[tuple[UUID, str, datetime], list[int]] = {}
    by_id = {shop.id: shop for shop in known.values()}
    for place, row in enumerate(rows):
        begin = row.valid_from if isinstance(row.valid_from, datetime) and row.valid_from > context.at else context.at
        shop = known[_shop_code(row, context)]
        grouped.setdefault((shop.id, row.customer_group, begin), []).append(place)
    return [(by_id[id], group, begin, places) for (id, group, begin), places in grouped.items()]


async def _shop(tx: Transaction, code: str) -> Shop:
    """A shop by its code; the only one there is if none is named. Refusals: `UnknownShop`, `RowRefused`."""
    if code:
        shop = await shop_by_code(tx, code=code)
        if shop is None:
            raise UnknownShop(shop=code)
        return shop
    all_shops = (await shops(tx, limit=2)).items
    if len(all_shops) != 1:
        raise RowRefused(field="shop", rule="the code of a shop, in the row or for the whole file")
    return all_shops[0]


async def _variants(tx: Transaction, rows: Sequence[PriceRow]) -> dict[str, UUID]:
    variants = await variant_ids_by_sku(tx, skus=[row.sku for row in rows])
    for row in rows:
        if row.sku not in variants:
            raise UnknownVariant(variant=row.sku)
    return variants


def _shop_code(row: PriceRow, context: Context) -> str:
    return context.options.get("shop", "") if row.shop is UNSET else row.shop


def _told(price: Decimal | None) -> str | None:
    """As text, so that 19.9 and 19.90 are one price."""
    if price is None or not price.is_finite():
        return None if price is None else str(price)
    text = format(price, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


imports = (Prices(),)
