"""Reads of locations and stock. Balances are read where they are kept, so no number here can disagree with its pool."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.domains.inventory.contracts import (
    AtLocation,
    AtPlace,
    Availability,
    Document,
    Location,
    OfferPool,
    Place,
    PoolChoice,
    Region,
    ServedShop,
    StockLine,
)
from lotse.domains.inventory.rules import MOST_SHOWN, region_of, stock_state
from lotse.kernel.auth.principal import Whose, Within
from lotse.kernel.auth.things import Thing
from lotse.kernel.db import Connection
from lotse.kernel.pages.slots import together
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

READS = statements("lotse.domains.inventory", "reads")

# A choice of more is no choice; who has more places types a code.
_MOST_PLACES = 1_000


class _Shown(Struct, frozen=True):
    variant_id: UUID
    signs: list[int]
    available: int
    by_location: list[AtLocation]


class PiecesShown(Struct, frozen=True):
    """How many pieces a shop can sell of a variant, and what differs when a page that says it would (`signs`)."""

    variant_id: UUID
    signs: list[int]
    available: int


async def locations(conn: Connection, *, cursor: str | None = None, limit: int = PAGE_SIZE) -> Page[Location]:
    """A page of locations, by code. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[str])
    found = await conn.many(READS.locations, Location, after=begin[0] if begin else None, limit=limit + 1)
    return paged(found, limit, ["code"])


async def location_by_code(conn: Connection, *, code: str) -> Location | None:
    """A location, or None."""
    return await conn.maybe(READS.location_by_code, Location, code=code.replace("\0", "\ufffd"))


async def locations_by_ids(conn: Connection, *, location_ids: Sequence[UUID]) -> list[Location]:
    """Those of the locations that exist, in the order asked."""
    return await conn.many(READS.locations_by_ids, Location, ids=list(location_ids))


async def locations_of_shop(conn: Connection, *, shop_id: UUID) -> list[Location]:
    """The locations that serve a shop, the preferred one first."""
    return await conn.many(READS.locations_of_shop, Location, shop_id=shop_id)


async def place_of(conn: Connection, *, country: str, postcode: str) -> Region | None:
    """Where a postcode is: exactly if it was imported, else about, else None."""
    found = await conn.maybe(READS.postcode, _Postcode, country=country, postcode=postcode.replace("\0", "")[:16])
    if found is None:
        return region_of(country, postcode)
    states = (found.state,) if found.state else ()
    return Region(found.city, found.latitude, found.longitude, states, is_exact=True)


class _Postcode(Struct, frozen=True):
    city: str
    state: str
    latitude: float
    longitude: float


async def availability(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> list[Availability]:
    """What a shop can sell of variants now, in the order asked: stock at its locations, of the sellers of its active
    offers, in the offered condition. A variant that nobody offers there is out."""
    found = await conn.many(READS.availability, _Available, shop_id=shop_id, variant_ids=list(variant_ids))
    return [Availability(row.variant_id, stock_state(row.available), row.available, row.by_location) for row in found]


async def availability_once(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> list[Availability]:
    """`availability`, for who answers slots: read once for all who ask on the same page, `signs_once` included."""
    found = await _stock_shown(conn, shop_id, variant_ids)
    return [Availability(row.variant_id, stock_state(row.available), row.available, row.by_location) for row in found]


async def signs_once(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """`signs` of the moment of `availability_once`."""
    return {row.variant_id: row.signs for row in await _stock_shown(conn, shop_id, variant_ids)}


async def _stock_shown(conn: Connection, shop_id: UUID, variant_ids: Sequence[UUID]) -> list[_Shown]:
    async def read() -> list[_Shown]:
        ids = list(variant_ids)
        return await conn.many(READS.stock_shown, _Shown, shop_id=shop_id, variant_ids=ids, most=MOST_SHOWN + 1)

    return await together(("inventory.stock_shown", shop_id, tuple(variant_ids)), read)


async def pieces_once(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> list[PiecesShown]:
    """How many pieces a shop can sell of each variant, with its `signs`: read once for all who ask on the same page."""

    async def read() -> list[PiecesShown]:
        ids = list(variant_ids)
        return await conn.many(READS.pieces_shown, PiecesShown, shop_id=shop_id, variant_ids=ids, most=MOST_SHOWN + 1)

    return await together(("inventory.pieces_shown", shop_id, tuple(variant_ids)), read)


async def available_of(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many pieces a shop can sell of variants now, as `availability`, by id; what is nowhere is absent."""
    found = await conn.many(READS.available_of, _Pieces, shop_id=shop_id, variant_ids=list(variant_ids))
    return {row.variant_id: row.available for row in found}


async def signs(conn: Connection, variant_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """What differs as soon as a page that shows the variants' stock would: a sale from plenty changes nothing."""
    found = await conn.many(READS.signs, _Signs, variant_ids=list(variant_ids), most=MOST_SHOWN + 1)
    return {row.variant_id: row.signs for row in found}


async def stock_of_variants(conn: Connection, *, variant_ids: Sequence[UUID]) -> list[StockLine]:
    """Every pool that counts one of the variants, in their order, then by location."""
    return await conn.many(READS.stock_of_variants, StockLine, variant_ids=list(variant_ids))


async def stock_of_pools(conn: Connection, *, pool_ids: Sequence[int]) -> list[StockLine]:
    """What pools count, in the order asked; a pool that counts no goods is absent."""
    return await conn.many(READS.stock_of_pools, StockLine, pool_ids=list(pool_ids))


async def spread(conn: Connection, *, variant_ids: Sequence[UUID], within: Within) -> list[AtPlace]:
    """How much of variants is at each place that somebody may see."""
    return await conn.many(READS.spread, AtPlace, variant_ids=list(variant_ids), **bounds(within))


def bounds(within: Within) -> dict[str, Any]:
    """What somebody sees, as parameters of statements over stock: it knows places and owners, no shops."""
    columns = within.columns()
    return {name: columns[name] for name in ("everything", "in_locations", "in_parties")}


async def whose_pool(conn: Connection, pool_id: int) -> Whose | None:
    """Where a pool belongs; None if it counts no goods."""
    return await conn.maybe(READS.whose_pool, Whose, pool_id=pool_id)


# A shop is no matter here: goods lie at a place and belong to a party, whichever shops sell them.
POOL = Thing("stock", "pool_id", whose_pool, read="inventory.read", free=("shop",))


async def whose_location(conn: Connection, location_id: UUID) -> Whose | None:
    """A location belongs to itself; None if there is none."""
    found = await locations_by_ids(conn, location_ids=[location_id])
    return Whose(locations=frozenset({location_id})) if found else None


LOCATION = Thing("location", "location_id", whose_location, read="inventory.read", free=("shop", "party"))


async def places(conn: Connection) -> list[Place]:
    """All locations, the warehouses first, for choices; bounded."""
    return await conn.many(READS.places, Place, limit=_MOST_PLACES)


async def documents(conn: Connection, *, ids: Sequence[UUID]) -> dict[UUID, Document]:
    """The papers behind movements, by id; causes of other kinds are absent."""
    return {row.id: row for row in await conn.many(READS.documents, Document, ids=list(ids))}


async def lock_location(conn: Connection, *, location_id: UUID) -> Location | None:
    """A location as it is, until the transaction ends: two people at one place wait for each other."""
    return await conn.maybe(READS.lock_location, Location, location_id=location_id)


async def shops_of_location(conn: Connection, *, location_id: UUID) -> list[ServedShop]:
    """The shops that a location serves."""
    return await conn.many(READS.shops_of_location, ServedShop, location_id=location_id)


async def pools_for(conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID]) -> list[PoolChoice]:
    """The pools that can serve a shop's sale, whoever owns them: in the order of the variants, the preferred first."""
    return await conn.many(READS.pools_for, PoolChoice, shop_id=shop_id, variant_ids=list(variant_ids))


async def pools_for_offers(conn: Connection, *, offer_ids: Sequence[UUID]) -> list[OfferPool]:
    """The pools that can serve offers (their seller's goods in their condition): in the order of the offers, the
    preferred first."""
    return await conn.many(READS.pools_for_offers, OfferPool, offer_ids=list(offer_ids))


class _Signs(Struct, frozen=True):
    variant_id: UUID
    signs: list[int]


class _Pieces(Struct, frozen=True):
    variant_id: UUID
    available: int


class _Available(Struct, frozen=True):
    variant_id: UUID
    available: int
    by_location: list[AtLocation]
