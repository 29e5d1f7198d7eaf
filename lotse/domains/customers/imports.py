"""Customers from files, by their number."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from lotse.domains.customers.commands import put_customers
from lotse.domains.customers.contracts import Address, PutCustomer
from lotse.domains.customers.queries import addresses, customers, customers_by_number
from lotse.domains.parties.contracts import Kind, Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code, shops
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused

_ADDRESS = ("company", "street", "street2", "postcode", "city", "region", "country")


class CustomerRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `customers`. The address is the one that bills go to; its name is the customer's."""

    number: str
    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    phone: str | UnsetType = UNSET
    kind: Kind | UnsetType = UNSET
    customer_group: str | UnsetType = UNSET
    company: str | UnsetType = UNSET
    street: str | UnsetType = UNSET
    street2: str | UnsetType = UNSET
    postcode: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    region: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    shop: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class Customers:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "customers"
    row = CustomerRow
    fields = ("name", "email", "phone", "customer_group", *_ADDRESS)
    order = 60
    batch = 500

    def key(self, row: CustomerRow, context: Context) -> str:
        return row.number

    async def current(self, tx: Transaction, rows: Sequence[CustomerRow], context: Context) -> Sequence[Current]:
        stored = await customers_by_number(tx, numbers=[row.number for row in rows])
        known = {one.number: one for one in await customers(tx, customer_ids=[one.id for one in stored.values()])}
        found: list[Current] = []
        for row in rows:
            customer = known.get(row.number)
            if customer is None:
                found.append(None)
                continue
            told: dict[str, Any] = {
                "name": customer.name,
                "email": customer.email,
                "phone": customer.phone,
                "customer_group": customer.customer_group,
            }
            if any(getattr(row, name) is not UNSET for name in _ADDRESS):
                in_use = await addresses(tx, customer_id=customer.id)
                billing = next((one for one in in_use if one.kind == "billing"), None)
                told |= {name: getattr(billing, name) if billing else "" for name in _ADDRESS}
            found.append(told)
        return found

    def wanted(self, row: CustomerRow, found: Current, context: Context) -> Mapping[str, Any]:
        return {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}

    async def apply(
        self, tx: Transaction, rows: Sequence[CustomerRow], found: Sequence[Current], context: Context
    ) -> None:
        puts = [await _put(tx, row, current, context) for row, current in zip(rows, found, strict=True)]
        await put_customers(tx, puts, by=context.by, at=context.at, source=None)


async def _put(tx: Transaction, row: CustomerRow, found: Current, context: Context) -> PutCustomer:
    before: Mapping[str, Any] = found or {}

    def said(field: str, otherwise: str = "") -> str:
        value = getattr(row, field)
        return before.get(field, otherwise) if value is UNSET else value

    shop = await _shop(tx, context.options.get("shop", "") if row.shop is UNSET else row.shop)
    name = said("name")
    if not name:
        raise RowRefused(field="name", rule="required for a new customer")
    billing: tuple[Any, ...] = ()
    if any(getattr(row, part) is not UNSET for part in _ADDRESS):
        parts = {part: said(part) for part in _ADDRESS if part != "country"}
        billing = (("billing", Address(name=name, country=said("country") or shop.country, **parts)),)
    return PutCustomer(
        number=row.number,
        shop_id=shop.id,
        kind="person" if row.kind is UNSET else row.kind,
        name=name,
        email=said("email"),
        phone=said("phone"),
        customer_group=said("customer_group"),
        addresses=billing,
    )


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


imports = (Customers(),)
