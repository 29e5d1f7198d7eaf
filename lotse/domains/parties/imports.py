"""Shops from files, each with the legal entity of the same code: how an empty installation begins."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.parties.contracts import Channel, LegalEntity, PostalAddress, Shop
from lotse.domains.parties.queries import legal_entity, legal_entity_by_code, shop_by_code
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused


class ShopRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `shops`. `legal_entity` is the code of the one that owes the tax, made if it is not there: with the
    shop's code, name, country and address unless the row says others. `languages` with `|` between."""

    code: str
    name: str | UnsetType = UNSET
    channel: Channel | UnsetType = UNSET
    languages: str | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    gross: bool | UnsetType = UNSET
    legal_entity: str | UnsetType = UNSET
    legal_name: str | UnsetType = UNSET
    vat_id: str | UnsetType = UNSET
    street: str | UnsetType = UNSET
    postcode: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class Shops:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "shops"
    row = ShopRow
    fields = (
        "name", "channel", "languages", "currency", "country", "timezone", "gross", "legal_name", "vat_id",
        "street", "postcode", "city",
    )  # fmt: skip
    order = 10
    batch = 50

    def key(self, row: ShopRow, context: Context) -> str:
        return row.code

    async def current(self, tx: Transaction, rows: Sequence[ShopRow], context: Context) -> Sequence[Current]:
        return [await _told(tx, row) for row in rows]

    def wanted(self, row: ShopRow, found: Current, context: Context) -> Mapping[str, Any]:
        said = {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}
        return {**said, "languages": _languages(row)} if "languages" in said else said

    async def apply(self, tx: Transaction, rows: Sequence[ShopRow], found: Sequence[Current], context: Context) -> None:
        for row in rows:
            await _put(tx, row, context)


async def _told(tx: Transaction, row: ShopRow) -> Current:
    shop = await shop_by_code(tx, code=row.code)
    if shop is None:
        return None
    entity = await legal_entity(tx, legal_entity_id=shop.legal_entity_id)
    if entity is None:
        raise LookupError(f"shop {row.code} has no legal entity")
    return {
        "name": shop.name,
        "channel": shop.channel,
        "languages": shop.languages,
        "currency": shop.currency,
        "country": shop.country,
        "timezone": shop.timezone,
        "gross": shop.gross,
        "legal_name": entity.name,
        "vat_id": entity.vat_id,
        "street": entity.address.street,
        "postcode": entity.address.postcode,
        "city": entity.address.city,
    }


async def _put(tx: Transaction, row: ShopRow, context: Context) -> None:
    shop = await shop_by_code(tx, code=row.code)
    name, country = _said(row.name, shop and shop.name), _said(row.country, shop and shop.country)
    currency, timezone = _said(row.currency, shop and shop.currency), _said(row.timezone, shop and shop.timezone)
    for field, value in (("name", name), ("country", country), ("currency", currency), ("timezone", timezone)):
        if not value:
            raise RowRefused(field=field, rule="required for a new shop")
    entity = await _entity(tx, row, shop, str(name), str(country), str(currency), str(timezone), context)
    await put_shop(
        tx,
        code=row.code,
        name=str(name),
        legal_entity_id=entity.id,
        owner_party_id=shop.owner_party_id if shop else entity.party_id,
        languages=_languages(row) or (shop.languages if shop else ["en"]),
        currency=str(currency),
        country=str(country),
        timezone=str(timezone),
        channel=_said(row.channel, shop and shop.channel) or "web",
        gross=row.gross if row.gross is not UNSET else (shop.gross if shop else True),
        by=context.by,
        at=context.at,
        source=None,
    )


async def _entity(
    tx: Transaction,
    row: ShopRow,
    shop: Shop | None,
    name: str,
    country: str,
    currency: str,
    timezone: str,
    context: Context,
) -> LegalEntity:
    """The legal entity of the shop, made or changed by what the row says of it."""
    code = row.legal_entity if row.legal_entity is not UNSET else row.code
    found = await (
        legal_entity(tx, legal_entity_id=shop.legal_entity_id) if shop else legal_entity_by_code(tx, code=code)
    )
    parts = (row.legal_name, row.vat_id, row.street, row.postcode, row.city)
    if found is not None and all(part is UNSET for part in parts):
        return found
    legal_name = _said(row.legal_name, found and found.name) or name
    party_id = (
        found.party_id
        if found
        else await put_party(
            tx,
            kind="organisation",
            name=name,
            legal_name=legal_name,
            roles=("seller",),
            by=context.by,
            at=context.at,
        )
    )
    before = found.address if found else PostalAddress()
    await put_legal_entity(
        tx,
        code=found.code if found else code,
        party_id=party_id,
        name=legal_name,
        country=found.country if found else country,
        currency=found.currency if found else currency,
        timezone=found.timezone if found else timezone,
        vat_id=_said(row.vat_id, found and found.vat_id) or "",
        address=PostalAddress(
            _said(row.street, before.street) or "",
            _said(row.postcode, before.postcode) or "",
            _said(row.city, before.city) or "",
            before.region,
            before.country or country,
        ),
        bank_account=found.bank_account if found else None,
        by=context.by,
        at=context.at,
        source=None,
    )
    stored = await legal_entity_by_code(tx, code=found.code if found else code)
    if stored is None:
        raise LookupError(f"legal entity {code} was not stored")
    return stored


def _said(value: Any, otherwise: Any) -> Any:
    return otherwise if value is UNSET else value


def _languages(row: ShopRow) -> list[str]:
    return [] if row.languages is UNSET else [part.strip() for part in row.languages.split("|") if part.strip()]


imports = (Shops(),)
