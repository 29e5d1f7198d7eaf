"""The stores: where they are, when they are open, which are near."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.domains.inventory import queries
from lotse.domains.inventory.contracts import Location, Opening, Region
from lotse.domains.inventory.rules import WEEKDAYS, distance_km, holiday, is_postcode, opening, state_of
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

_NAMES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
# Whoever reads this comes back before these days are over.
_DAYS_AHEAD = 60
# In a sentence that is to be read at a glance.
_MOST_CITIES = 5


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
        "inventory/stores.html",
        near=near,
        days=DAYS,
        weekday=WEEKDAYS,
        typed=typed,
        place=place,
        said=said,
        cities=list(dict.fromkeys(one.store.address.city for one in near if one.store.address.city))[:_MOST_CITIES],
        described=_described(view, shop, [one.store for one in near]),
    )


def _described(view: View, shop: Shop, found: Sequence[Location]) -> dict[str, Any]:
    """The stores for search engines (schema.org), from the same Structs that the page shows; empty without any."""
    if not found:
        return {}
    seller = shop.described(view.base, view.address("/"))
    return {"@context": "https://schema.org", "@graph": [_store(view, seller, store) for store in found]}


def _store(view: View, seller: dict[str, Any], store: Location) -> dict[str, Any]:
    address = {
        "streetAddress": store.address.street,
        "postalCode": store.address.postcode,
        "addressLocality": store.address.city,
        "addressRegion": store.address.region,
        "addressCountry": store.country,
    }
    said: dict[str, Any] = {
        "@type": "Store",
        "@id": f"{view.base}/#store-{store.code}",
        "name": store.name,
        "url": view.address("/stores"),
        "parentOrganization": seller,
        "address": {"@type": "PostalAddress", **{name: value for name, value in address.items() if value}},
        "openingHoursSpecification": [*_weekly(store), *_special(store, view.question.at)],
    }
    if store.latitude is not None and store.longitude is not None:
        said["geo"] = {"@type": "GeoCoordinates", "latitude": store.latitude, "longitude": store.longitude}
    return said


def _weekly(store: Location) -> list[dict[str, Any]]:
    """Days with the same hours together."""
    days: dict[tuple[str, str], list[str]] = {}
    for day in WEEKDAYS:
        for begins, ends in store.opening_hours.get(day, ()):
            days.setdefault((begins, ends), []).append(f"https://schema.org/{_NAMES[day]}")
    return [_hours(begins, ends, dayOfWeek=names) for (begins, ends), names in days.items()]


def _special(store: Location, at: datetime) -> list[dict[str, Any]]:
    """The public holidays of the weeks to come: closed, unless the hours name them (as `rules.opening`)."""
    state = state_of(store.country, store.address.postcode, store.address.region)
    today = at.astimezone(ZoneInfo(store.timezone)).date()
    days = (today + timedelta(days=ahead) for ahead in range(_DAYS_AHEAD))
    # From midnight to midnight of the same day is how machines are told of a day that is closed.
    hours = store.opening_hours.get("holiday") or [["00:00", "00:00"]]
    return [
        _hours(begins, ends, validFrom=day.isoformat(), validThrough=day.isoformat())
        for day in days
        if holiday(store.country, state, day)
        for begins, ends in hours
    ]


def _hours(begins: str, ends: str, **when: Any) -> dict[str, Any]:
    return {"@type": "OpeningHoursSpecification", "opens": begins, "closes": ends, **when}


def _opening(store: Location, at: datetime) -> Opening:
    state = state_of(store.country, store.address.postcode, store.address.region)
    return opening(store.opening_hours, zone=store.timezone, country=store.country, state=state, at=at)


def _distance(store: Location, place: Region | None) -> float | None:
    if place is None or store.latitude is None or store.longitude is None:
        return None
    return distance_km(place.latitude, place.longitude, store.latitude, store.longitude)
