"""By when it is there, on pages of others."""

from collections.abc import Mapping
from uuid import UUID

from lotse.domains.inventory.contracts import LocationChanged
from lotse.domains.inventory.queries import signs, signs_once
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.parties.queries import kept_shop
from lotse.domains.promise import queries
from lotse.domains.promise.contracts import PromiseTermsChanged, Window
from lotse.kernel.db import Connection
from lotse.kernel.pages.deciding import point
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.tags import any_of, tagged

# How a day of delivery is said, in templates/window.html.
WORDING = point(
    "promise.wording",
    N_("How the day of delivery is said"),
    {"span": N_("Delivery Tuesday to Thursday"), "latest": N_("With you by Thursday")},
    pages=["/p/{slug}", "/basket", "/checkout", "/checkout/sum"],
)
_offer_changed = tagged(OfferChanged)
_TYPES = (any_of(LocationChanged), any_of(PromiseTermsChanged))


async def _windows(connection: Connection, ask: Ask) -> Mapping[UUID, Window]:
    shop = await kept_shop(connection, shop_id=ask.shop)
    if shop is None:
        return {}
    return await queries.windows_once(connection, shop=shop, variant_ids=ask.ids, at=ask.at)


async def _standing(connection: Connection, ask: Ask) -> Standing:
    """Until stock, terms, or what a cut-off decides changes: pages are kept for a minute at most, so a cut-off that
    passes in between is a minute late at most."""
    return Standing(
        tags=tuple(_offer_changed(id) for id in ask.ids),
        types=_TYPES,
        signs=await signs_once(connection, shop_id=ask.shop, variant_ids=ask.ids),
    )


slots = (Answerer("product.promise", "promise", "promise/product_promise.html", 800, _windows, _standing, signs),)
