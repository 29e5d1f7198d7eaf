"""By when something is there: what lies where, how that place sends, and the rule."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.inventory.contracts import Availability, Location, LocationChanged, ShopServed
from lotse.domains.inventory.queries import availability, availability_once, locations_of_shop
from lotse.domains.inventory.rules import region_of, state_of
from lotse.domains.parties.contracts import Shop
from lotse.domains.promise.contracts import PromiseTermsChanged, Route, Sender, Wanted, Window
from lotse.domains.promise.rules import ROUTES, SENDERS, window
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements
from lotse.kernel.tags import any_of, kept, tagged

READS = statements("lotse.domains.promise", "reads")
_shop_served = tagged(ShopServed)
_TERMS = (any_of(LocationChanged), any_of(PromiseTermsChanged))


class OwnSender(Struct, frozen=True):
    """What a location has said of itself."""

    location_id: UUID
    cut_offs: dict[str, str]
    handling_days: int


async def own_sender(conn: Connection, *, location_id: UUID) -> OwnSender | None:
    """How a location sends, if it has said so."""
    found = await conn.many(READS.senders, OwnSender, location_ids=[location_id])
    return found[0] if found else None


async def own_routes(conn: Connection) -> list[Route]:
    """The routes that the retailer has said something about."""
    return await conn.many(READS.routes, Route)


async def senders(conn: Connection, *, shop_id: UUID) -> dict[UUID, Sender]:
    """How the locations of a shop send; those that do not are absent."""
    places = await locations_of_shop(conn, shop_id=shop_id)
    own = await conn.many(READS.senders, OwnSender, location_ids=[place.id for place in places])
    said = {one.location_id: one for one in own}
    return {place.id: sender for place in places if (sender := _sender(place, said.get(place.id)))}


async def windows_once(
    conn: Connection, *, shop: Shop, variant_ids: Sequence[UUID], at: datetime, country: str = ""
) -> dict[UUID, Window]:
    """`windows` of one piece of each, for who answers slots: terms from copies, stock read once for the whole page."""

    async def terms() -> tuple[dict[UUID, Sender], list[Route]]:
        return await senders(conn, shop_id=shop.id), await own_routes(conn)

    # Also a location that does not send yet may begin to: any of them counts.
    of_shop, own = await kept(conn, "promise.terms", shop.id, terms, lambda _: (_shop_served(shop.id), *_TERMS))
    stock = await availability_once(conn, shop_id=shop.id, variant_ids=variant_ids)
    return windows_from(
        stock, of_shop, own, wanted=[Wanted(id) for id in variant_ids], at=at, country=country or shop.country
    )


async def windows(
    conn: Connection,
    *,
    shop: Shop,
    wanted: Sequence[Wanted],
    at: datetime,
    country: str = "",
    postcode: str = "",
) -> dict[UUID, Window]:
    """By when variants arrive, each from the location that an order of it would be served from: the preferred one that
    has all pieces. What is not there, or goes where no carrier is known, is absent.

    `country` is the shop's own if it is empty. A postcode makes the window narrower where it tells the state.
    """
    stock = await availability(conn, shop_id=shop.id, variant_ids=[one.variant_id for one in wanted])
    return windows_from(
        stock,
        await senders(conn, shop_id=shop.id),
        await own_routes(conn),
        wanted=wanted,
        at=at,
        country=country or shop.country,
        postcode=postcode,
    )


def windows_from(
    stock: Sequence[Availability],
    senders: dict[UUID, Sender],
    own: Sequence[Route],
    *,
    wanted: Sequence[Wanted],
    at: datetime,
    country: str,
    postcode: str = "",
) -> dict[UUID, Window]:
    """As `windows`, from what was read. Pure."""
    routes = {(route.from_country, route.to_country): route for route in (*ROUTES, *own)}
    region = region_of(country, postcode)
    states = region.states if region else ()
    places = {one.variant_id: one.by_location for one in stock}
    known: dict[UUID, Window | None] = {}
    found: dict[UUID, Window] = {}
    for one in wanted:
        enough = [place for place in places.get(one.variant_id, ()) if place.available >= one.quantity]
        for place in enough:
            if place.location_id not in known:
                sender = senders.get(place.location_id)
                route = routes.get((sender.country, country)) if sender else None
                known[place.location_id] = window(sender, route, at=at, states=states) if sender and route else None
            if (answer := known[place.location_id]) is not None:
                found[one.variant_id] = answer
            break
    return found


def _sender(place: Location, own: OwnSender | None) -> Sender | None:
    usual = SENDERS.get(place.kind)
    if own is None and usual is None:
        return None
    cut_offs, handling_days = (own.cut_offs, own.handling_days) if own else usual or ({}, 0)
    state = state_of(place.country, place.address.postcode, place.address.region)
    return Sender(place.id, place.country, state, place.timezone, cut_offs, handling_days)
