"""The stores: where they are, when they are open, which are near."""

from datetime import datetime
from typing import Annotated

from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.inventory import queries
from lotse.domains.inventory.contracts import Location, Opening, Region
from lotse.domains.inventory.rules import WEEKDAYS, distance_km, is_postcode, opening, state_of
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View

DAYS = {
    "mon": N_("Mon"),
    "tue": N_("Tue"),
    "wed": N_("Wed"),
    "thu": N_("Thu"),
    "fri": N_("Fri"),
    "sat": N_("Sat"),
    "sun": N_("Sun"),
}


class Near(Struct, frozen=True):
    """A store as a visitor finds it: how far away, and whether it is open now."""

    store: Location
    opening: Opening
    distance_km: float | None = None


# Nobody drives past ten stores to the eleventh; who wants all leaves the field empty.
_MOST_NEAR = 10
NOT_A_POSTCODE = N_("Five digits, please: for example 20457.")
UNKNOWN_POSTCODE = N_("We do not know this postcode. Here are all our stores.")


@get("/stores", guards=[public])
async def stores(
    view: View, database: Database, shop: Shop, postcode: Annotated[str, Parameter(max_length=40)] = ""
) -> Response[str]:
    """Where the stores are, when they are open, and which are near a postcode."""
    typed = postcode.strip()
    async with database.reading() as connection:
        found = await queries.locations_of_shop(connection, shop_id=view.question.shop)
        place = await queries.place_of(connection, country=shop.country, postcode=typed) if typed else None
    at = view.question.at
    near = [Near(store, _opening(store, at), _distance(store, place)) for store in found if store.kind == "store"]
    said = ""
    if place is not None:
        near.sort(key=lambda one: (one.distance_km is None, one.distance_km or 0.0, one.store.name))
        near = near[:_MOST_NEAR]
    elif typed:
        said = view.text(UNKNOWN_POSTCODE if is_postcode(shop.country, typed) else NOT_A_POSTCODE)
    return view.show(
        "inventory/stores.html", near=near, days=DAYS, weekday=WEEKDAYS, typed=typed, place=place, said=said
    )


def _opening(store: Location, at: datetime) -> Opening:
    state = state_of(store.country, store.address.postcode, store.address.region)
    return opening(store.opening_hours, zone=store.timezone, country=store.country, state=state, at=at)


def _distance(store: Location, place: Region | None) -> float | None:
    if place is None or store.latitude is None or store.longitude is None:
        return None
    return distance_km(place.latitude, place.longitude, store.latitude, store.longitude)
