"""Offers for programs: who sells a variant in the shop. A basket's line names the offer, not the variant."""

from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.params import Parameter

from lotse.domains.offers import queries
from lotse.domains.offers.contracts import Offer
from lotse.domains.parties.contracts import Shop
from lotse.kernel.db import Database
from lotse.kernel.http import public

# As many as a page shows or a basket holds.
MAX_VARIANTS = 200


@get("/offers", guards=[public], tags=["offers"])
async def list_offers(
    database: Database,
    shop: Shop,
    variant: Annotated[
        list[UUID], Parameter(min_items=1, max_items=MAX_VARIANTS, description="Ids of variants; repeat the parameter.")
    ],
) -> list[Offer]:
    """The active offers of variants in this shop: in the order asked, the oldest of each first.

    A basket takes offers. A variant that nobody sells here has none.
    """
    async with database.reading() as conn:
        return await queries.offers_for_variants(conn, shop_id=shop.id, variant_ids=variant)


routes = (list_offers,)
