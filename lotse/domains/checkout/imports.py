"""What delivery costs, from files: a shop without a row for a country delivers nothing there."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from lotse.domains.checkout.commands import put_shipping
from lotse.domains.checkout.queries import shipping_rates
from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code, shops
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused
from lotse.kernel.money import minor_digits, to_minor


class ShippingRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `shipping`: what delivery to a country costs, tax included; free from that value of goods on."""

    country: str
    price: Decimal | UnsetType = UNSET
    free_from: Decimal | UnsetType = UNSET
    shop: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class Shipping:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "shipping"
    row = ShippingRow
    fields = ("price", "free_from")
    # After the shops.
    order = 15
    batch = 200

    def key(self, row: ShippingRow, context: Context) -> str:
        for name, amount in (("price", row.price), ("free_from", row.free_from)):
            if isinstance(amount, Decimal) and not amount.is_finite():
                raise RowRefused(field=name, rule="an amount like 4.95")
        return f"{_code(row, context)} / {row.country}"

    async def current(self, tx: Transaction, rows: Sequence[ShippingRow], context: Context) -> Sequence[Current]:
        found: list[Current] = []
        for row in rows:
            shop = await _shop(tx, _code(row, context))
            rates = await shipping_rates(tx, shop_id=shop.id, at=context.at)
            rate = next((one for one in rates if one.country == row.country), None)
            found.append(
                None
                if rate is None
                else {
                    "price": _told(rate.price_minor, shop),
                    "free_from": None if rate.free_from_minor is None else _told(rate.free_from_minor, shop),
                }
            )
        return found

    def wanted(self, row: ShippingRow, found: Current, context: Context) -> Mapping[str, Any]:
        said = {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}
        return {name: format(value.normalize(), "f") for name, value in said.items()}

    async def apply(
        self, tx: Transaction, rows: Sequence[ShippingRow], found: Sequence[Current], context: Context
    ) -> None:
        for row, before in zip(rows, found, strict=True):
            shop = await _shop(tx, _code(row, context))
            kept: Mapping[str, Any] = before or {}
            price = row.price if row.price is not UNSET else kept.get("price")
            free_from = row.free_from if row.free_from is not UNSET else kept.get("free_from")
            if price is None:
                raise RowRefused(field="price", rule="required for a new country")
            await put_shipping(
                tx,
                shop_id=shop.id,
                country=row.country,
                price_minor=_minor("price", Decimal(price), shop),
                free_from_minor=None if free_from is None else _minor("free_from", Decimal(free_from), shop),
                valid_from=context.at,
                by=context.by,
                at=context.at,
            )


def _code(row: ShippingRow, context: Context) -> str:
    return row.shop if isinstance(row.shop, str) else context.options.get("shop", "")


async def _shop(tx: Transaction, code: str) -> Shop:
    """A shop by its code; the only one there is if none is named. Refusals: `UnknownShop`, `RowRefused`."""
    if code:
        shop = await shop_by_code(tx, code=code)
        if shop is None:
            raise UnknownShop(shop=code)
        return shop
    known = (await shops(tx, limit=2)).items
    if len(known) != 1:
        raise RowRefused(field="shop", rule="required where there is not exactly one shop")
    return known[0]


def _minor(field: str, amount: Decimal, shop: Shop) -> int:
    minor = to_minor(amount, shop.currency)
    if amount != Decimal(minor).scaleb(-minor_digits(shop.currency)):
        raise RowRefused(field=field, rule=f"an amount in whole cents of {shop.currency}")
    return minor


def _told(minor: int, shop: Shop) -> str:
    """As `wanted` writes it, so that equal amounts read the same."""
    return format(Decimal(minor).scaleb(-minor_digits(shop.currency)).normalize(), "f")


imports = (Shipping(),)
