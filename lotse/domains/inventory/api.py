"""Stock for programs: what a shop can sell of variants, and goods that come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.catalog.queries import variant_ids_by_sku
from lotse.domains.inventory import commands, queries
from lotse.domains.inventory.contracts import (
    Availability,
    InvalidMove,
    Moved,
    MoveRequest,
    StockChange,
    StockKey,
    UnknownLocation,
)
from lotse.domains.offers.contracts import Condition
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.principal import Whose
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.http import Happened, Principal, happened, needs, public
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7

# As many as a page shows or a basket holds.
MAX_VARIANTS = 200
# No delivery has more pieces of one article; a typing error has.
MAX_PIECES = 10_000_000


class ReceivedLine(Struct, frozen=True):
    """Pieces of an article that came in, in its smallest unit."""

    sku: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Annotated[int, Meta(ge=1, le=MAX_PIECES)]


class Receipt(Struct, frozen=True, kw_only=True):
    """A delivery that arrived at a location; the goods belong to the shop's owner."""

    location: Annotated[str, Meta(min_length=1, max_length=63)]
    lines: Annotated[list[ReceivedLine], Meta(min_length=1, max_length=1_000)]
    reference: Annotated[str, Meta(max_length=200)] = ""
    condition: Condition = "new"
    occurred_at: Happened | None = None


@get("/availability", guards=[public], tags=["stock"])
async def availability(
    database: Database,
    shop: Shop,
    variant: Annotated[
        list[UUID], Parameter(min_items=1, max_items=MAX_VARIANTS, description="Ids of variants; repeat the parameter.")
    ],
) -> list[Availability]:
    """What the shop can sell of variants at this moment, and where it lies. Unknown variants are out."""
    async with database.reading() as conn:
        return await queries.availability(conn, shop_id=shop.id, variant_ids=variant)


@post(
    "/stock/receipts",
    guards=[needs("inventory.write", "narrowed")],
    refusals=(UnknownLocation, UnknownVariant, InvalidMove),
    tags=["stock"],
)
async def receive_stock(
    database: Database,
    desk: Desk,
    principal: Principal,
    shop: Shop,
    data: Receipt,
    idempotency_key: str,
    at: datetime,
) -> Moved:
    """Goods came in: all lines or none. `on_hand` answers line by line."""
    occurred_at = happened(data.occurred_at, at)
    location_id, variants = await _known(database, data.location, [line.sku for line in data.lines])
    here = Whose(shop.id, frozenset((location_id,)), frozenset((shop.owner_party_id,)))
    principal.require("inventory.write", here, unknown=lambda: UnknownLocation(location=data.location))
    keys = [StockKey(variants[line.sku], location_id, shop.owner_party_id, data.condition) for line in data.lines]
    async with database.transaction() as tx:
        pools = await commands.ensure_stock(tx, keys, at=at)
    request = MoveRequest(
        document_id=uuid7(),
        kind="receipt",
        changes=tuple(StockChange(pool, line.quantity) for pool, line in zip(pools, data.lines, strict=True)),
        reference=data.reference,
        actor=str(principal),
        occurred_at=occurred_at,
    )
    key = key_for(str(principal), idempotency_key, ("receive stock", data))
    return await commands.move_goods(desk, request=request, key=key)


async def _known(database: Database, location: str, skus: Sequence[str]) -> tuple[UUID, dict[str, UUID]]:
    async with database.reading() as conn:
        found = await queries.location_by_code(conn, code=location)
        if found is None:
            raise UnknownLocation(location=location)
        variants = await variant_ids_by_sku(conn, skus=skus)
    for sku in skus:
        if sku not in variants:
            raise UnknownVariant(variant=sku)
    return found.id, variants


routes = (availability, receive_stock)
