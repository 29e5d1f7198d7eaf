"""Reads of offers."""

from collections.abc import Sequence
from uuid import UUID

from lotse.domains.offers.contracts import Offer
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.domains.offers", "reads")

# More offers of one page's variants over all shops than anybody reads.
_MAX_EVERYWHERE = 1_000


async def offers_for_variants(
    conn: Connection, *, shop_id: UUID, variant_ids: Sequence[UUID], active_only: bool = True
) -> list[Offer]:
    """The offers of variants in a shop: in the order of the variants asked, the oldest offer of each first."""
    return await conn.many(
        READS.offers_for_variants, Offer, shop_id=shop_id, variant_ids=list(variant_ids), active_only=active_only
    )


async def offers_everywhere(conn: Connection, *, variant_ids: Sequence[UUID]) -> list[Offer]:
    """The offers of variants in all shops, whatever their state; the first thousand."""
    return await conn.many(READS.offers_everywhere, Offer, variant_ids=list(variant_ids), limit=_MAX_EVERYWHERE)


async def offer(conn: Connection, *, offer_id: UUID) -> Offer | None:
    """An offer, or None."""
    return await conn.maybe(READS.offers, Offer, ids=[offer_id])


async def offers(conn: Connection, *, offer_ids: Sequence[UUID]) -> list[Offer]:
    """Those of the offers that exist, in the order asked."""
    return await conn.many(READS.offers, Offer, ids=list(offer_ids))
