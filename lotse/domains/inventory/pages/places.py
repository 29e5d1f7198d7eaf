"""Locations in the back office: where they are, when they are open, which shops they serve."""

import re
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.inventory import commands, queries
from lotse.domains.inventory.contracts import (
    Kind,
    Location,
    LocationListing,
    PutLocation,
    UnknownLocation,
)
from lotse.domains.inventory.pages.stock import KINDS, REFUSED
from lotse.domains.inventory.pages.stores import DAYS
from lotse.domains.inventory.queries import LOCATION
from lotse.domains.parties.contracts import PostalAddress
from lotse.domains.parties.queries import shops_by_ids
from lotse.domains.parties.rules import check_country, check_timezone
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.forms import NOT_ALLOWED, Error, FormIncomplete, refused
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Action, Column, Field, Nothing, Preset, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
NOT_HOURS = N_("Please write hours like 10:00-20:00, two spans with a comma between; empty is closed.")
NOT_A_CODE = N_("Small letters, digits and hyphens, beginning with a letter or digit.")
NOT_A_PLACE = N_("Latitude and longitude as degrees, like 53.5503 and 9.9920; both or neither.")
LOCATIONS = Table(
    name="inventory.locations",
    path="/office/locations",
    title=N_("Locations"),
    icon="place",
    right="inventory.read",
    where="narrowed",
    statement=queries.READS.location_table,
    params=lambda scope: _only(queries.bounds(scope.within(by=("location",), free=("shop", "party")))),
    row=LocationListing,
    key="id",
    label="code",
    row_path="/office/locations/{}",
    order="code",
    columns=(
        Column("name", N_("Name"), link=True, phone="title"),
        Column("code", N_("Code"), kind="code", sort=True, filter="begins"),
        Column("kind", N_("Kind"), kind="choice", filter="choice", options=KINDS),
        Column("street", N_("Street"), shown=False),
        Column("postcode", N_("Postcode"), shown=False),
        Column("city", N_("City")),
        Column("country", N_("Country"), kind="code", shown=False),
        Column("has_hours", N_("Opening hours"), kind="flag"),
        Column("shops", N_("Shops served"), kind="number"),
    ),
    search=Search(
        "(lower(t.name) like '%' || lower(:words) || '%' or t.code like lower(:words) || '%'"
        " or lower(t.city) like lower(:words) || '%')",
        lambda text: {"words": text.replace("%", "").replace("_", "")},
        N_("Name, code or city"),
    ),
    presets=(Preset(N_("Stores"), "kind=store"), Preset(N_("Warehouses"), "kind=warehouse")),
    actions=(Action(N_("New location"), "/office/locations/new", "inventory.write", "plus", everywhere=True),),
    nothing=Nothing(
        N_("No locations yet"),
        N_("A location holds stock: a warehouse, a store, a seller's place."),
        Action(N_("New location"), "/office/locations/new", "inventory.write", "plus", everywhere=True),
    ),
)


def _only(columns: dict[str, Any]) -> dict[str, Any]:
    return {name: columns[name] for name in ("everything", "in_locations")}


class EditLocation(Struct, frozen=True, kw_only=True):
    """What is typed to change a place. Hours are one text per day."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    kind: Kind
    street: Annotated[str, Meta(max_length=200)] = ""
    postcode: Annotated[str, Meta(max_length=20)] = ""
    city: Annotated[str, Meta(max_length=100)] = ""
    country: Annotated[str, Meta(min_length=2, max_length=2)]
    timezone: Annotated[str, Meta(min_length=1, max_length=64)]
    latitude: Annotated[str, Meta(max_length=20)] = ""
    longitude: Annotated[str, Meta(max_length=20)] = ""
    mon: Annotated[str, Meta(max_length=60)] = ""
    tue: Annotated[str, Meta(max_length=60)] = ""
    wed: Annotated[str, Meta(max_length=60)] = ""
    thu: Annotated[str, Meta(max_length=60)] = ""
    fri: Annotated[str, Meta(max_length=60)] = ""
    sat: Annotated[str, Meta(max_length=60)] = ""
    sun: Annotated[str, Meta(max_length=60)] = ""


class NewLocation(EditLocation, frozen=True, kw_only=True):
    """What is typed to make a place."""

    code: Annotated[str, Meta(min_length=1, max_length=63)]


def hours_of(text: str) -> list[list[str]] | None:
    """`10:00-13:00, 14:00-18:00` as spans; None if it is none."""
    spans: list[list[str]] = []
    for part in text.replace("\u2013", "-").split(","):
        if not part.strip():
            continue
        begin, dash, end = (piece.strip() for piece in part.partition("-"))
        if not dash or not _TIME.fullmatch(begin) or not _TIME.fullmatch(end) or begin >= end:
            return None
        spans.append([begin, end])
    return spans


_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def degrees_of(text: str, most: float) -> float | None:
    """An angle as people type it; None if it is none."""
    try:
        found = float(text.replace(",", "."))
    except ValueError:
        return None
    return found if -most <= found <= most else None


def _check_place(typed: EditLocation) -> dict[str, str]:
    wrong = {day: NOT_HOURS for day in EVERY_DAY if hours_of(getattr(typed, day)) is None}
    if bool(typed.latitude) != bool(typed.longitude):
        wrong["latitude" if not typed.latitude else "longitude"] = NOT_A_PLACE
    elif typed.latitude and degrees_of(typed.latitude, 90) is None:
        wrong["latitude"] = NOT_A_PLACE
    elif typed.longitude and degrees_of(typed.longitude, 180) is None:
        wrong["longitude"] = NOT_A_PLACE
    for name, check in (("country", check_country), ("timezone", check_timezone)):
        try:
            check(getattr(typed, name), name)
        except Invalid:
            wrong[name] = NOT_ALLOWED
    if isinstance(typed, NewLocation) and not _CODE.fullmatch(typed.code):
        wrong["code"] = NOT_A_CODE
    return wrong


_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_FIELDS = (
    Field("name", N_("Name")),
    Field("kind", N_("Kind"), kind="choice", options={name: one.label for name, one in KINDS.items()}, value="store"),
    Field("street", N_("Street"), required=False),
    Field("postcode", N_("Postcode"), required=False),
    Field("city", N_("City"), required=False),
    Field("country", N_("Country"), value="DE", hint=N_("Two letters, like DE.")),
    Field("timezone", N_("Time zone"), value="Europe/Berlin"),
    Field("latitude", N_("Latitude"), required=False),
    Field("longitude", N_("Longitude"), required=False, hint=N_("For maps and for the way to the nearest store.")),
    *(
        Field(day, label, required=False, hint=NOT_HOURS if day == "mon" else "")
        for day, label in zip(EVERY_DAY, DAYS.values(), strict=True)
    ),
)
PLACE_EDITOR = Editor(EditLocation, _FIELDS, check=_check_place)
NEW_PLACE = Editor(NewLocation, (Field("code", N_("Code"), hint=NOT_A_CODE), *_FIELDS), check=_check_place)
PLACE_LABELS = {field.name: field.label for field in _FIELDS} | {
    "address": N_("Address"),
    "opening_hours": N_("Opening hours"),
}


def _typed_of(location: Location) -> EditLocation:
    """A place as its form holds it."""
    hours = {day: ", ".join("-".join(span) for span in location.opening_hours.get(day, [])) for day in EVERY_DAY}
    return EditLocation(
        name=location.name,
        kind=location.kind,
        street=location.address.street,
        postcode=location.address.postcode,
        city=location.address.city,
        country=location.country,
        timezone=location.timezone,
        latitude="" if location.latitude is None else str(location.latitude),
        longitude="" if location.longitude is None else str(location.longitude),
        **hours,
    )


def _put_of(code: str, typed: EditLocation, region: str = "") -> PutLocation:
    return PutLocation(
        code=code,
        kind=typed.kind,
        name=typed.name,
        address=PostalAddress(typed.street, typed.postcode, typed.city, region, typed.country),
        country=typed.country,
        timezone=typed.timezone,
        latitude=degrees_of(typed.latitude, 90) if typed.latitude else None,
        longitude=degrees_of(typed.longitude, 180) if typed.longitude else None,
        opening_hours={day: spans for day in EVERY_DAY if (spans := hours_of(getattr(typed, day)))},
    )


@get("/office/locations/new", guards=[needs("inventory.write")])
async def new_location(view: View, draft: Draft | None) -> Response[str]:
    """The form of a new place."""
    return view.show("inventory/office_new_location.html", editing=shown(NEW_PLACE, view, draft))


@post("/office/locations/new", guards=[needs("inventory.write")], opt={"form": "/office/locations/new"})
async def make_location(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Redirect:
    """Make a place. Refusals: `FormIncomplete`, then those of `put_locations`. A code that exists is a mistake here."""
    typed = typed_in(NEW_PLACE, await request.form())
    async with database.transaction() as tx:
        if await queries.location_by_code(tx, code=typed.code):
            raise FormIncomplete(errors={"code": Error(CODE_TAKEN)})
        found = await commands.put_locations(tx, [_put_of(typed.code, typed)], by=str(principal), at=at)
    return Redirect(f"/office/locations/{found[typed.code]}?done=saved", status_code=303)


CODE_TAKEN = N_("There is a place of this code.")


@get("/office/locations/{location_id:uuid}", guards=[needs("inventory.read", LOCATION)])
async def office_location(
    view: View, database: Database, principal: Principal, draft: Draft | None, location_id: UUID
) -> Response[str]:
    """One place: where it is, when it is open, which shops it serves; who changed what."""
    async with database.reading() as conn:
        found = await queries.locations_by_ids(conn, location_ids=[location_id])
        if not found:
            raise NotFound(what="location", id=str(location_id))
        location = found[0]
        served = await queries.shops_of_location(conn, location_id=location_id)
        shops = {shop.id: shop for shop in await shops_by_ids(conn, shop_ids=[one.shop_id for one in served])}
        changes = await history_of(conn, f"inventory.location:{location.code}")
        whose = await queries.whose_location(conn, location_id)
    return view.show(
        "inventory/office_location_page.html",
        location=location,
        kinds=KINDS,
        days=DAYS,
        served=[(shops[one.shop_id], one.priority) for one in served if one.shop_id in shops],
        changes=changes,
        labels=PLACE_LABELS,
        editing=shown(PLACE_EDITOR, view, draft, now=_typed_of(location)),
        may_write=whose is not None and principal.covers("inventory.write", whose.freed(LOCATION.free)),
    )


@post(
    "/office/locations/{location_id:uuid}",
    guards=[needs("inventory.write", LOCATION)],
    opt={"form": "/office/locations/{location_id}"},
)
async def edit_location(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, location_id: UUID
) -> Redirect:
    """Change a place. Refusals: `FormIncomplete`, `NotFound`, `ChangedMeanwhile`, then those of `put_locations`."""
    form = await request.form()
    typed = typed_in(PLACE_EDITOR, form)
    async with database.transaction() as tx:
        found = await queries.lock_location(tx, location_id=location_id)
        if found is None:
            raise NotFound(what="location", id=str(location_id))
        same_version(PLACE_EDITOR, form, now=_typed_of(found))
        put = _put_of(found.code, typed, found.address.region)
        await commands.put_locations(tx, [put], by=str(principal), at=at)
    return Redirect(f"/office/locations/{location_id}?done=saved", status_code=303)


NOT_A_RANK = N_("A whole number from 1 on, or nothing.")


@get("/office/shops/{shop_id:uuid}/locations", guards=[needs("inventory.write", "everywhere")])
async def serving(view: View, database: Database, draft: Draft | None, shop_id: UUID) -> Response[str]:
    """The form that says which places serve a shop, and in which order they are asked."""
    async with database.reading() as conn:
        found = await shops_by_ids(conn, shop_ids=[shop_id])
        if not found:
            raise NotFound(what="shop", id=str(shop_id))
        ranks = {one.id: rank for rank, one in enumerate(await queries.locations_of_shop(conn, shop_id=shop_id), 1)}
        places = await queries.places(conn)
    places.sort(key=lambda place: ranks.get(place.id, len(ranks) + 1))
    return view.show(
        "inventory/office_serving.html",
        one=found[0],
        places=places,
        ranks=ranks,
        kinds=KINDS,
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED, fields=False),
    )


@post(
    "/office/shops/{shop_id:uuid}/locations",
    guards=[needs("inventory.write", "everywhere")],
    opt={"form": "/office/shops/{shop_id}/locations"},
)
async def serve(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, shop_id: UUID
) -> Redirect:
    """Say which places serve a shop: those with a number, the smallest first. Refusals: `FormIncomplete`, then those of
    `serve_shop`."""
    form = await request.form()
    ranks: dict[UUID, int] = {}
    for name, value in form.multi_items():
        text = str(value).strip()
        if not name.startswith("rank.") or not text:
            continue
        if not (text.isascii() and text.isdecimal() and int(text[:6]) > 0 and len(text) < 6):
            raise FormIncomplete(errors={name[:60]: Error(NOT_A_RANK)})
        try:
            ranks[UUID(name.removeprefix("rank."))] = int(text)
        except ValueError:
            raise UnknownLocation(location=name.removeprefix("rank.")[:63]) from None
    async with database.transaction() as tx:
        order = [place.id for place in await queries.places(tx)]
        known = {id: place for place, id in enumerate(order)}
        for id in ranks:
            if id not in known:
                raise UnknownLocation(location=str(id))
        ids = sorted(ranks, key=lambda id: (ranks[id], known[id]))
        await commands.serve_shop(tx, shop_id=shop_id, location_ids=ids, by=str(principal), at=at)
    return Redirect(f"/office/shops/{shop_id}?done=saved", status_code=303)
