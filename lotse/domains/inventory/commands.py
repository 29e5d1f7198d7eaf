"""Make locations, say which serve a shop, and open pools for goods. Quantities move at the desk, not here."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.inventory.contracts import (
    Count,
    Counted,
    CountOverruled,
    DocumentKind,
    InvalidCount,
    Location,
    LocationChanged,
    Moved,
    MoveRequest,
    Postcode,
    PutLocation,
    ShopServed,
    StockChange,
    StockKey,
    StockOpened,
    UnknownLocation,
)
from lotse.domains.inventory.rules import difference
from lotse.domains.parties.contracts import UnknownParty, UnknownShop
from lotse.domains.parties.rules import check_country, check_name, check_timezone
from lotse.domains.pools.commands import mark_counted, open_pools, take_mark_back
from lotse.kernel import audit
from lotse.kernel.db import Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.masters import EVERYTHING, LOTSE, masters_of, refuse_foreign
from lotse.kernel.outbox import emit
from lotse.kernel.refusals import Invalid, refusing
from lotse.kernel.sql import statements

READS = statements("lotse.domains.inventory", "reads")
WRITES = statements("lotse.domains.inventory", "writes")

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


async def put_locations(
    tx: Transaction, locations: Sequence[PutLocation], *, by: str, at: datetime, source: str | None = LOTSE
) -> dict[str, UUID]:
    """Make or overwrite locations by code; code to id. `source` is the system that says so; None: whether it has the
    say was asked before. Refusals in this order: `Invalid` (by `locations[i].field`), `NotTheMaster`."""
    if len({location.code for location in locations}) != len(locations):
        raise Invalid(field="locations", rule="each code once")
    for i, location in enumerate(locations):
        _check(location, f"locations[{i}]")
    if source is not None:
        await _refuse_foreign(tx, locations, source)
    rows = [
        Location(
            uuid7(),
            location.code,
            location.kind,
            location.name,
            location.address,
            location.country,
            location.timezone,
            location.latitude,
            location.longitude,
            location.opening_hours,
        )
        for location in locations
    ]
    with refusing({"locations_code_form": lambda: Invalid(field="locations.code", rule=_CODE_RULE)}):
        stored = await tx.many(WRITES.put_locations, _Stored, locations=rows)
    given = {location.code: location for location in locations}
    changed = [row for row in stored if row.changed]
    changes = [(f"inventory.location:{row.code}", row.old, given[row.code]) for row in changed]
    await audit.record_all(tx, actor=by, changes=changes, at=at)
    await emit(tx, *(LocationChanged(row.id) for row in changed), at=at)
    return {row.code: row.id for row in stored}


async def _refuse_foreign(tx: Transaction, locations: Sequence[PutLocation], source: str) -> None:
    """Compare with what is there, but only where somebody else has a say at all. Refusal: `NotTheMaster`."""
    masters = await masters_of(tx, "locations")
    if masters.are_all(source):
        return
    codes = [location.code for location in locations]
    there = {one.code: one for one in await tx.many(READS.locations_by_codes, Location, codes=codes)}
    for location in locations:
        before = there.get(location.code)
        if before is None:
            masters.refuse((EVERYTHING,), source=source)
            continue
        own = ("kind", "name", "country", "timezone", "latitude", "longitude")
        masters.refuse((name for name in own if getattr(location, name) != getattr(before, name)), source=source)
        parts = ("street", "postcode", "city")
        differing = (part for part in parts if getattr(location.address, part) != getattr(before.address, part))
        masters.refuse(differing, source=source)


async def serve_shop(
    tx: Transaction,
    *,
    shop_id: UUID,
    location_ids: Sequence[UUID],
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> None:
    """Let these locations serve a shop, the preferred one first; others do no more. `source` as in `put_locations`.

    Refusals in this order: `Invalid` (a location stands twice), `NotTheMaster`, `UnknownShop`, `UnknownLocation`.
    """
    if len(set(location_ids)) != len(location_ids):
        raise Invalid(field="location_ids", rule="each location once")
    if source is not None:
        await refuse_foreign(tx, "locations", ("shops",), source=source)
    dropped = await tx.values(WRITES.drop_shop_locations, shop_id=shop_id, location_ids=list(location_ids))
    first = str(location_ids[0]) if location_ids else ""
    with refusing(
        {
            "shop_locations_shop": lambda: UnknownShop(shop=str(shop_id)),
            "shop_locations_location": lambda: UnknownLocation(location=first),
        }
    ):
        put = await tx.values(WRITES.put_shop_locations, shop_id=shop_id, location_ids=list(location_ids))
    if dropped or put:
        subject = f"inventory.shop_locations:{shop_id}"
        await audit.record(tx, actor=by, subject=subject, old=None, new=list(location_ids), at=at)
        await emit(tx, ShopServed(shop_id), at=at)


async def put_postcodes(tx: Transaction, postcodes: Sequence[Postcode]) -> None:
    """Where postcodes are, known ones overwritten. Refusal: `Invalid`, in the order of the fields below."""
    for one in postcodes:
        check_country(one.country, "country")
        if not 0 < len(one.postcode) <= 16:
            raise Invalid(field="postcode", rule="1 to 16 characters")
        if not re.fullmatch("([A-Z0-9]{1,3})?", one.state):
            raise Invalid(field="state", rule="a state like NW (ISO 3166-2 without the country)")
        if not -90 <= one.latitude <= 90:
            raise Invalid(field="latitude", rule="-90 to 90")
        if not -180 <= one.longitude <= 180:
            raise Invalid(field="longitude", rule="-180 to 180")
    await tx.execute(
        WRITES.put_postcodes,
        countries=[one.country for one in postcodes],
        postcodes=[one.postcode for one in postcodes],
        cities=[one.city[:200] for one in postcodes],
        states=[one.state for one in postcodes],
        latitudes=[one.latitude for one in postcodes],
        longitudes=[one.longitude for one in postcodes],
    )


async def ensure_stock(tx: Transaction, keys: Sequence[StockKey], *, at: datetime) -> list[int]:
    """The pools that count these, opened where there were none; in the order given.

    Set-based; asking for what is there takes one statement and no lock. What is opened is told (`StockOpened`): whoever
    keeps a copy of where an article lies must learn of one place more. Refusals: `UnknownVariant`, `UnknownLocation`,
    `UnknownParty` (each names the first key's).
    """
    wanted = [
        _Key(place, k.variant_id, k.location_id, k.owner_party_id, k.condition, k.lot) for place, k in enumerate(keys)
    ]
    pools = await _pools(tx, wanted)
    if len(pools) < len(wanted):
        await tx.execute(WRITES.lock_openings)
        pools = await _pools(tx, wanted)  # somebody may have made some while we waited
        pools |= await _open(tx, [key for key in wanted if key.place not in pools], at=at)
    return [pools[place] for place in range(len(wanted))]


async def _open(tx: Transaction, keys: "list[_Key]", *, at: datetime) -> dict[int, int]:
    """New pools for keys that have none; a key that stands twice gets one."""
    places: dict[tuple[Any, ...], list[int]] = {}
    first: dict[tuple[Any, ...], _Key] = {}
    for key in keys:
        name = (key.variant_id, key.location_id, key.owner_party_id, key.condition, key.lot)
        places.setdefault(name, []).append(key.place)
        first.setdefault(name, key)
    if not first:
        return {}
    opened = await open_pools(tx, count=len(first))
    rows = [
        _StockRow(pool_id, key.variant_id, key.location_id, key.owner_party_id, key.condition, key.lot)
        for pool_id, key in zip(opened, first.values(), strict=True)
    ]
    with refusing(
        {
            "stock_variant": lambda: UnknownVariant(variant=str(rows[0].variant_id)),
            "stock_location": lambda: UnknownLocation(location=str(rows[0].location_id)),
            "stock_owner": lambda: UnknownParty(party_id=rows[0].owner_party_id),
            "stock_lot_length": lambda: Invalid(field="lot", rule="at most 64 characters"),
        }
    ):
        await tx.execute(WRITES.put_stock, stock=rows)
    by_variant: dict[UUID, list[int]] = {}
    for row in rows:
        by_variant.setdefault(row.variant_id, []).append(row.pool_id)
    await emit(tx, *(StockOpened(id, tuple(some)) for id, some in sorted(by_variant.items())), at=at)
    return {place: pool_id for pool_id, name in zip(opened, first, strict=True) for place in places[name]}


async def _pools(tx: Transaction, keys: "list[_Key]") -> dict[int, int]:
    return {row.place: row.pool_id for row in await tx.many(READS.pools_of_keys, _Pool, keys=keys)}


async def move_goods(desk: Desk, *, request: MoveRequest, key: Key) -> Moved:
    """Receive, adjust or transfer goods, all positions or none.

    An adjustment below what is held breaks holds; a transfer that would is refused.
    Refusals, in this order: `KeyReused`, `InvalidMove`, `PoolUnknown`, `NotEnough`, `BelowHeld`.
    """
    told = replace(request, origin=audit.origin.get())
    return await desk.submit(_DESK_KINDS[request.kind], told, Moved, key=key, at=request.occurred_at)


async def count_goods(
    database: Database,
    desk: Desk,
    counts: Sequence[Count],
    *,
    reference: str = "",
    by: str,
    at: datetime,
    source: str | None = LOTSE,
) -> list[Counted]:
    """Book what was counted, or said to be there, at moments; in the order given, all or none.

    The difference is taken against the books *at that moment*, from movements, and booked as of then: what was sold
    since stays sold, and the same figure again finds no difference. A till's sale of before that is told later was
    counted with it (`pools.mark_counted`). Not one transaction with the caller's: goods move
    at the desk. `source` as in `put_locations`. Refusals in this order: `InvalidCount`, `NotTheMaster`,
    `UnknownVariant`, `UnknownLocation`, `UnknownParty`, `CountOverruled`, then those of `move_goods` (`NotEnough`: more
    was sold since than was there).
    """
    for count in counts:
        if count.quantity < 0:
            raise InvalidCount(field="quantity", rule="0 or more")
        if count.counted_at > at:
            raise InvalidCount(field="counted_at", rule="a moment that has passed")
    if len({count.key for count in counts}) != len(counts):
        raise InvalidCount(field="counts", rule="each thing once")
    moments = [count.counted_at for count in counts]
    async with database.transaction() as tx:
        if source is not None:
            await refuse_foreign(tx, "stock", ("quantity",), source=source)
        pools = await ensure_stock(tx, [count.key for count in counts], at=at)
        marked = await mark_counted(tx, pool_ids=pools, moments=moments)
    try:
        async with database.transaction() as tx:
            return await _count(tx, desk, counts, pools, reference=reference, by=by, at=at)
    except BaseException:
        async with database.transaction() as tx:
            await take_mark_back(tx, marked, moments=moments)
        raise


async def _count(
    tx: Transaction, desk: Desk, counts: Sequence[Count], pools: Sequence[int], *, reference: str, by: str, at: datetime
) -> list[Counted]:
    """Book the differences of pools that are marked as counted."""
    await tx.execute(WRITES.lock_counts)
    found = await _expected(tx, pools, counts)
    # By moment: a document has one. A file mostly has one moment for all.
    moments: dict[datetime, list[StockChange]] = {}
    for count, one in zip(counts, found, strict=True):
        if one.delta:
            moments.setdefault(count.counted_at, []).append(StockChange(one.pool_id, one.delta))
    for moment, moved in moments.items():
        request = MoveRequest(
            document_id=uuid7(),
            kind="adjustment",
            changes=tuple(moved),
            reference=reference,
            note="counted",
            actor=by,
            occurred_at=moment,
        )
        # A key of its own: what makes it happen once is the difference, which is nought afterwards.
        await move_goods(desk, request=request, key=key_for(by, f"count:{request.document_id}", request))
    await tx.execute(
        WRITES.note_counts,
        pool_ids=list(pools),
        moments=[count.counted_at for count in counts],
        quantities=[count.quantity for count in counts],
        at=at,
        by=by,
    )
    return found


async def _expected(tx: Transaction, pools: Sequence[int], counts: Sequence[Count]) -> list[Counted]:
    moments = [count.counted_at for count in counts]
    rows = {row.pool_id: row for row in await tx.many(READS.on_hand_at, _Then, pool_ids=list(pools), moments=moments)}
    for pool_id, count in zip(pools, counts, strict=True):
        latest = rows[pool_id].counted_at
        if latest is not None and latest > count.counted_at:
            raise CountOverruled(counted_at=count.counted_at, latest=latest)
    return [
        Counted(pool_id, rows[pool_id].on_hand, difference(count.quantity, rows[pool_id].on_hand))
        for pool_id, count in zip(pools, counts, strict=True)
    ]


class _Then(Struct, frozen=True):
    pool_id: int
    on_hand: int
    counted_at: datetime | None


_DESK_KINDS: dict[DocumentKind, str] = {"receipt": "receive", "adjustment": "adjust", "transfer": "transfer"}

_CODE_RULE = "1 to 63 small letters, digits and hyphens, beginning with a letter or digit"


def _check(location: PutLocation, where: str) -> None:
    check_name(location.name, f"{where}.name")
    check_country(location.country, f"{where}.country")
    check_timezone(location.timezone, f"{where}.timezone")
    if (location.latitude is None) != (location.longitude is None):
        raise Invalid(field=f"{where}.latitude", rule="both latitude and longitude, or neither")
    if location.latitude is not None and not -90 <= location.latitude <= 90:
        raise Invalid(field=f"{where}.latitude", rule="-90 to 90 degrees")
    if location.longitude is not None and not -180 <= location.longitude <= 180:
        raise Invalid(field=f"{where}.longitude", rule="-180 to 180 degrees")
    for day, spans in location.opening_hours.items():
        if day not in _DAYS or any(len(span) != 2 or not _opens_before_it_closes(span) for span in spans):
            raise Invalid(
                field=f"{where}.opening_hours", rule='days mon to sun, each with spans like ["10:00", "20:00"]'
            )


def _opens_before_it_closes(span: list[str]) -> bool:
    try:
        opens, closes = (datetime.strptime(time, "%H:%M") for time in span)  # noqa: DTZ007 - a time of day has no zone
    except ValueError:
        return False
    return opens < closes


class _Stored(Struct, frozen=True):
    id: UUID
    code: str
    old: dict[str, Any] | None
    changed: bool


class _Key(Struct, frozen=True):
    place: int
    variant_id: UUID
    location_id: UUID
    owner_party_id: UUID
    condition: str
    lot: str


class _StockRow(Struct, frozen=True):
    pool_id: int
    variant_id: UUID
    location_id: UUID
    owner_party_id: UUID
    condition: str
    lot: str


class _Pool(Struct, frozen=True):
    place: int
    pool_id: int
