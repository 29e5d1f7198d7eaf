"""Locations and stock figures from files. A figure is one of a moment: see `commands.count_goods`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import UNSET, Struct, UnsetType, structs

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.inventory.commands import count_goods, put_locations, put_postcodes, serve_shop
from lotse.domains.inventory.contracts import (
    Count,
    CountOverruled,
    Kind,
    Location,
    Postcode,
    PutLocation,
    StockKey,
    UnknownLocation,
)
from lotse.domains.inventory.queries import location_by_code, locations_of_shop
from lotse.domains.offers.contracts import Condition
from lotse.domains.parties.contracts import PostalAddress, Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code, shops
from lotse.kernel.db import Transaction
from lotse.kernel.imports.contracts import Context, Current, RowRefused
from lotse.kernel.sql import statements

READS = statements("lotse.domains.inventory", "reads")


class LocationRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `locations`. `shops`: codes with `|` between that it serves from now on, after those that do."""

    code: str
    kind: Kind | UnsetType = UNSET
    name: str | UnsetType = UNSET
    street: str | UnsetType = UNSET
    postcode: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    country: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET
    shops: str | UnsetType = UNSET
    changed_at: datetime | UnsetType = UNSET


class StockRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `stock`: so much of an article was at a location at `counted_at` (when the file came, without it).

    The goods are those of the shop's owner.
    """

    sku: str
    location: str
    quantity: int | UnsetType = UNSET
    counted_at: datetime | UnsetType = UNSET
    condition: Condition = "new"
    lot: str = ""
    shop: str | UnsetType = UNSET


class Locations:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "locations"
    row = LocationRow
    fields = ("kind", "name", "street", "postcode", "city", "country", "timezone", "latitude", "longitude", "shops")
    order = 20
    batch = 200

    def key(self, row: LocationRow, context: Context) -> str:
        return row.code

    async def current(self, tx: Transaction, rows: Sequence[LocationRow], context: Context) -> Sequence[Current]:
        found: list[Current] = []
        for row in rows:
            location = await location_by_code(tx, code=row.code)
            found.append(None if location is None else await self._told(tx, location, row))
        return found

    async def _told(self, tx: Transaction, location: Location, row: LocationRow) -> Mapping[str, Any]:
        served = [code for code in _codes(row) if location.id in await _serving(tx, code)]
        return {
            "kind": location.kind,
            "name": location.name,
            "street": location.address.street,
            "postcode": location.address.postcode,
            "city": location.address.city,
            "country": location.country,
            "timezone": location.timezone,
            "latitude": location.latitude,
            "longitude": location.longitude,
            "shops": served,
        }

    def wanted(self, row: LocationRow, found: Current, context: Context) -> Mapping[str, Any]:
        said = {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}
        return {**said, "shops": _codes(row)} if "shops" in said else said

    async def apply(
        self, tx: Transaction, rows: Sequence[LocationRow], found: Sequence[Current], context: Context
    ) -> None:
        puts = [_location(row, current, context) for row, current in zip(rows, found, strict=True)]
        ids = await put_locations(tx, puts, by=context.by, at=context.at, source=None)
        for row in rows:
            for code in _codes(row):
                shop = await _shop(tx, code)
                serving = await _serving(tx, code)
                if ids[row.code] not in serving:
                    await serve_shop(
                        tx,
                        shop_id=shop.id,
                        location_ids=[*serving, ids[row.code]],
                        by=context.by,
                        at=context.at,
                        source=None,
                    )


def _location(row: LocationRow, found: Current, context: Context) -> PutLocation:
    before: Mapping[str, Any] = found or {}

    def said(field: str, otherwise: Any) -> Any:
        value = getattr(row, field)
        return before.get(field, otherwise) if value is UNSET else value

    country = said("country", context.options.get("country"))
    if country is None:
        raise RowRefused(field="country", rule="required for a new location")
    address = PostalAddress(said("street", ""), said("postcode", ""), said("city", ""), "", country)
    return PutLocation(
        code=row.code,
        kind=said("kind", "warehouse"),
        name=said("name", row.code),
        address=address,
        country=country,
        timezone=said("timezone", context.options.get("timezone", "UTC")),
        latitude=said("latitude", None),
        longitude=said("longitude", None),
    )


class Stock:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "stock"
    row = StockRow
    fields = ("quantity",)
    order = 50
    batch = 1_000

    def key(self, row: StockRow, context: Context) -> str:
        if row.quantity is UNSET:
            raise RowRefused(field="quantity", rule="required")
        if not 0 <= row.quantity <= 10**12:
            raise RowRefused(field="quantity", rule="from 0 to a million million")
        if isinstance(row.counted_at, datetime) and row.counted_at.tzinfo is None:
            raise RowRefused(field="counted_at", rule="a moment with its offset, e.g. 2026-03-01T18:00:00+01:00")
        more = [part for part in (row.condition if row.condition != "new" else "", row.lot) if part]
        return " / ".join([f"{row.sku} @ {row.location}", *more])

    async def current(self, tx: Transaction, rows: Sequence[StockRow], context: Context) -> Sequence[Current]:
        """What was there at each row's moment. A row that a later count has overruled is refused."""
        keys = await _keys(tx, rows, context)
        asked = [
            structs.asdict(key) | {"place": place} for place, key in enumerate(keys)
        ]  # in the form that `pools_of_keys` takes
        pools = {one.place: one.pool_id for one in await tx.many(READS.pools_of_keys, _Pool, keys=asked)}
        places = sorted(pools)
        moments = [_moment(rows[place], context) for place in places]
        then = {
            one.pool_id: one
            for one in await tx.many(
                READS.on_hand_at, _Then, pool_ids=[pools[place] for place in places], moments=moments
            )
        }
        found: list[Current] = []
        for place, row in enumerate(rows):
            one = then.get(pools.get(place, -1))
            if one is not None and one.counted_at is not None and one.counted_at > _moment(row, context):
                raise CountOverruled(counted_at=_moment(row, context), latest=one.counted_at)
            # Where nothing was ever counted or moved there is nothing: a pool is opened by what puts goods in.
            found.append({"quantity": one.on_hand if one else 0})
        return found

    def wanted(self, row: StockRow, found: Current, context: Context) -> Mapping[str, Any]:
        return {} if row.quantity is UNSET else {"quantity": row.quantity}

    async def apply(
        self, tx: Transaction, rows: Sequence[StockRow], found: Sequence[Current], context: Context
    ) -> None:
        if context.dry:
            return  # goods move at the desk, which cannot be rolled back
        keys = await _keys(tx, rows, context)
        counts = [
            Count(key, row.quantity, _moment(row, context))
            for key, row in zip(keys, rows, strict=True)
            if row.quantity is not UNSET
        ]
        await count_goods(
            context.database,
            context.desk,
            counts,
            reference=f"import {context.source}",
            by=context.by,
            at=context.at,
            source=None,
        )


async def _keys(tx: Transaction, rows: Sequence[StockRow], context: Context) -> list[StockKey]:
    variants = await variant_ids_by_sku(tx, skus=[row.sku for row in rows])
    locations = {code: await location_by_code(tx, code=code) for code in {row.location for row in rows}}
    owners = {code: (await _shop(tx, code)).owner_party_id for code in {_shop_code(row, context) for row in rows}}
    keys: list[StockKey] = []
    for row in rows:
        location = locations[row.location]
        if location is None:
            raise UnknownLocation(location=row.location)
        if row.sku not in variants:
            raise UnknownVariant(variant=row.sku)
        owner = owners[_shop_code(row, context)]
        keys.append(StockKey(variants[row.sku], location.id, owner, row.condition, row.lot))
    return keys


def _moment(row: StockRow, context: Context) -> datetime:
    return row.counted_at if isinstance(row.counted_at, datetime) else context.received_at


def _shop_code(row: StockRow, context: Context) -> str:
    return context.options.get("shop", "") if row.shop is UNSET else row.shop


def _codes(row: LocationRow) -> list[str]:
    return [] if row.shops is UNSET else [code.strip() for code in row.shops.split("|") if code.strip()]


async def _serving(tx: Transaction, code: str) -> list[Any]:
    shop = await _shop(tx, code)
    return [location.id for location in await locations_of_shop(tx, shop_id=shop.id)]


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


class PostcodeRow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of kind `postcodes`: where it is (WGS 84, degrees), and the state whose holidays count there."""

    postcode: str
    country: str = "DE"
    city: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    latitude: float | UnsetType = UNSET
    longitude: float | UnsetType = UNSET


class Postcodes:
    """See `lotse.kernel.imports.contracts.Importer`."""

    kind = "postcodes"
    row = PostcodeRow
    fields = ("city", "state", "latitude", "longitude")
    # Nothing depends on them.
    order = 90
    batch = 1_000

    def key(self, row: PostcodeRow, context: Context) -> str:
        return f"{row.country} {row.postcode}"

    async def current(self, tx: Transaction, rows: Sequence[PostcodeRow], context: Context) -> Sequence[Current]:
        found = await tx.many(
            READS.postcodes,
            Postcode,
            countries=[row.country for row in rows],
            postcodes=[row.postcode for row in rows],
        )
        known = {(one.country, one.postcode): one for one in found}
        return [
            {name: getattr(one, name) for name in self.fields}
            if (one := known.get((row.country, row.postcode)))
            else None
            for row in rows
        ]

    def wanted(self, row: PostcodeRow, found: Current, context: Context) -> Mapping[str, Any]:
        return {name: value for name in self.fields if (value := getattr(row, name)) is not UNSET}

    async def apply(
        self, tx: Transaction, rows: Sequence[PostcodeRow], found: Sequence[Current], context: Context
    ) -> None:
        puts: list[Postcode] = []
        for row, current in zip(rows, found, strict=True):
            said: dict[str, Any] = {"city": "", "state": "", **(current or {}), **self.wanted(row, current, context)}
            for field in ("latitude", "longitude"):
                if field not in said:
                    raise RowRefused(field=field, rule="required for a new postcode")
            puts.append(Postcode(country=row.country, postcode=row.postcode, **said))
        await put_postcodes(tx, puts)


class _Pool(Struct, frozen=True):
    place: int
    pool_id: int


class _Then(Struct, frozen=True):
    pool_id: int
    on_hand: int
    counted_at: datetime | None


imports = (Locations(), Stock(), Postcodes())
