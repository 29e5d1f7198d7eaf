"""Stock on pages: what a shop says of a variant, the stores; in the back office the list and "why is it 47?"."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.queries import variants_by_ids, variants_of_products
from lotse.domains.catalog.rules import search_terms
from lotse.domains.inventory import commands, queries
from lotse.domains.inventory.contracts import (
    Availability,
    DocumentKind,
    Kind,
    Location,
    LocationChanged,
    LocationListing,
    MoveRequest,
    Opening,
    PoolListing,
    PutLocation,
    Region,
    ShopServed,
    Spot,
    StockChange,
    StockKey,
    StockLine,
    StockListing,
    UnknownLocation,
)
from lotse.domains.inventory.queries import LOCATION, POOL
from lotse.domains.inventory.rules import WEEKDAYS, distance_km, is_postcode, opening, state_of, stock_state
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.parties.contracts import PostalAddress, Shop
from lotse.domains.parties.queries import shops_by_ids
from lotse.domains.parties.rules import check_country, check_timezone
from lotse.domains.pools import commands as pools_commands
from lotse.domains.pools import queries as pools
from lotse.domains.pools.contracts import Movement
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Dimension, Principal, Whose
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.forms import NOT_ALLOWED, Error, Form, FormIncomplete, checked, posted_key, refused
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.table import Action, Column, Field, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound
from lotse.kernel.tags import any_of, tagged

_STATES = {
    "in_stock": "https://schema.org/InStock",
    "low": "https://schema.org/LimitedAvailability",
    "out": "https://schema.org/OutOfStock",
}
DAYS = {
    "mon": N_("Mon"),
    "tue": N_("Tue"),
    "wed": N_("Wed"),
    "thu": N_("Thu"),
    "fri": N_("Fri"),
    "sat": N_("Sat"),
    "sun": N_("Sun"),
}
REASONS = {
    "sold": N_("sold"),
    "received": N_("received"),
    "adjusted": N_("adjusted"),
    "transferred": N_("moved to or from another place"),
    "cancelled": N_("order cancelled"),
    "returned": N_("returned"),
    "found": N_("found: more was sold than was on record"),
    "counted": N_("gone already when it was counted"),
}
CONDITIONS = {"new": N_("new"), "used": N_("used"), "refurbished": N_("refurbished")}
REFUSED = {
    "not-enough": N_("There is not as much as would be taken away."),
    "invalid-move": N_("This change cannot be booked. Please check the number."),
    "below-held": N_("%(held)s of %(on_hand)s are held for buyers. Fewer than that may not be left."),
    "unknown-location": N_("There is no such place (any more)."),
}
_MOST = 1_000_000
# A bigint; a larger number in an address is no pool of ours.
PoolId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


_offer_changed = tagged(OfferChanged)
_ANY_LOCATION = any_of(LocationChanged)
_shop_served = tagged(ShopServed)


class Shown(Struct, frozen=True):
    """An availability that also describes itself to machines."""

    stock: Availability

    def offer_properties(self) -> dict[str, Any]:
        return {"availability": _STATES[self.stock.state]}


class VariantStock(Struct, frozen=True):
    """All stock of a variant, for the back office."""

    lines: list[StockLine]


class ProductStock(Struct, frozen=True):
    """How many pieces of a product its shop can sell, over all variants; how many of those variants are out."""

    available: int
    variants: int
    out: int


class OfShop(Struct, frozen=True):
    """The places that serve a shop, the preferred one first."""

    shop_id: UUID
    locations: list[Location]


class Change(Struct, frozen=True):
    """What is typed to change a stock: goods that came in, or the number that was counted."""

    amount: Annotated[int, Meta(ge=0, le=_MOST)]
    note: Annotated[str, Meta(min_length=1, max_length=300)]


class Receipt(Struct, frozen=True):
    """What is typed when goods came in somewhere."""

    place: UUID
    amount: Annotated[int, Meta(ge=1, le=_MOST)]
    note: Annotated[str, Meta(min_length=1, max_length=300)]


class Transfer(Struct, frozen=True):
    """What is typed to send goods to another place."""

    to: UUID
    amount: Annotated[int, Meta(ge=1, le=_MOST)]
    note: Annotated[str, Meta(min_length=1, max_length=300)]


async def _available(connection: Connection, ask: Ask) -> Mapping[UUID, Shown]:
    found = await queries.availability_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return {one.variant_id: Shown(one) for one in found}


async def _on_cards(connection: Connection, ask: Ask) -> Mapping[UUID, Shown]:
    """As `_available`, without where it lies: no card says it."""
    found = await queries.pieces_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return {
        one.variant_id: Shown(Availability(one.variant_id, stock_state(one.available), one.available, []))
        for one in found
    }


def _on_card(shown: Sequence[Shown]) -> str:
    """The best state of a card's variants."""
    states = {one.stock.state for one in shown}
    return next((state for state in ("in_stock", "low") if state in states), "out")


async def _standing(connection: Connection, ask: Ask) -> Standing:
    return _until_it_changes(ask, await queries.signs_once(connection, shop_id=ask.shop, variant_ids=ask.ids))


async def _card_standing(connection: Connection, ask: Ask) -> Standing:
    found = await queries.pieces_once(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return _until_it_changes(ask, {one.variant_id: one.signs for one in found})


def _until_it_changes(ask: Ask, signs: Mapping[UUID, list[int]]) -> Standing:
    """Until an offer, a place, or a number that is shown changes."""
    return Standing(
        tags=(_shop_served(ask.shop), *(_offer_changed(id) for id in ask.ids)), types=(_ANY_LOCATION,), signs=signs
    )


async def _stores_standing(_: Connection, ask: Ask) -> Standing:
    return Standing(tags=(_shop_served(ask.shop),), types=(_ANY_LOCATION,))


async def _stores(connection: Connection, ask: Ask) -> Mapping[UUID, list[Location]]:
    found = await queries.locations_of_shop(connection, shop_id=ask.shop)
    stores = [location for location in found if location.kind == "store"]
    return {ask.shop: stores} if stores else {}


async def _stock(connection: Connection, ask: Ask) -> Mapping[UUID, VariantStock]:
    lines: dict[UUID, list[StockLine]] = {}
    for line in await queries.stock_of_variants(connection, variant_ids=ask.ids):
        lines.setdefault(line.variant_id, []).append(line)
    return {id: VariantStock(found) for id, found in lines.items()}


async def _of_products(connection: Connection, ask: Ask) -> Mapping[UUID, ProductStock]:
    """What the shop says of products: the same numbers that it sells by, whoever looks."""
    variants = await variants_of_products(connection, product_ids=ask.ids)
    ids = [id for some in variants.values() for id in some]
    pieces = await queries.available_of(connection, shop_id=ask.shop, variant_ids=ids)
    return {
        product_id: ProductStock(
            sum(pieces.get(id, 0) for id in some), len(some), sum(not pieces.get(id, 0) for id in some)
        )
        for product_id, some in variants.items()
    }


async def _locations(connection: Connection, ask: Ask) -> Mapping[UUID, Location]:
    return {found.id: found for found in await queries.locations_by_ids(connection, location_ids=ask.ids)}


async def _of_shops(connection: Connection, ask: Ask) -> Mapping[UUID, "OfShop"]:
    """The places that a shop sells from; one shop is shown at a time."""
    return {id: OfShop(id, await queries.locations_of_shop(connection, shop_id=id)) for id in ask.ids}


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


# -- the back office: stock by article, and by place


# Stock knows its place and whose it is.
_BY: tuple[Dimension, ...] = ("location", "party")


def _within(scope: Scope) -> dict[str, Any]:
    return queries.bounds(scope.within(by=_BY))


async def _spread(conn: Connection, scope: Scope, rows: list[StockListing]) -> list[StockListing]:
    """Rows with what they are called, and how much each place has."""
    ids = [row.variant_id for row in rows]
    cards = {card.id: card for card in await variants_by_ids(conn, variant_ids=ids, language=scope.language)}
    places = await queries.places(conn)
    have: dict[UUID, dict[UUID, int]] = {}
    for one in await queries.spread(conn, variant_ids=ids, within=scope.within(by=_BY)):
        have.setdefault(one.variant_id, {})[one.location_id] = one.available
    return [
        replace(
            row,
            sku=card.sku if card else "",
            name=", ".join((card.name, *card.options.values())) if card else str(row.variant_id),
            media=card.media if card else None,
            spots=[
                Spot(place.name, have[row.variant_id][place.id])
                for place in places
                if place.id in have.get(row.variant_id, {})
            ],
        )
        for row in rows
        for card in (cards.get(row.variant_id),)
    ]


async def _named(conn: Connection, scope: Scope, rows: list[PoolListing]) -> list[PoolListing]:
    """Rows with article numbers and names."""
    ids = list({row.variant_id for row in rows})
    cards = {card.id: card for card in await variants_by_ids(conn, variant_ids=ids, language=scope.language)}
    return [
        replace(row, sku=card.sku, name=", ".join((card.name, *card.options.values())))
        if (card := cards.get(row.variant_id))
        else row
        for row in rows
    ]


_FINDS = "t.variant_id in (select f.variant_id from catalog.find(:words, :begins, :digits, :at_most) f)"
_SEARCH = Search(_FINDS, search_terms, N_("Name, article number or GTIN"))
KINDS = {
    "warehouse": Option(N_("warehouse")),
    "store": Option(N_("store")),
    "dark_store": Option(N_("dark store")),
    "seller": Option(N_("seller's place")),
    "in_transit": Option(N_("in transit")),
}
STOCK = Table(
    name="inventory.stock",
    path="/office/stock",
    title=N_("Stock"),
    icon="stock",
    right="inventory.read",
    where="narrowed",
    statement=queries.READS.stock_table,
    params=_within,
    row=StockListing,
    key="variant_id",
    label="sku",
    row_path="/office/stock/articles/{}",
    # As the index has it: `distinct` reads it in this direction only, and stops after a page.
    order="variant_id",
    fill=_spread,
    columns=(
        Column("name", N_("Article"), link=True, template="inventory/cell_article.html", phone="title"),
        Column("sku", N_("Article number"), kind="code", shown=False),
        Column("spots", N_("By place"), template="inventory/cell_spots.html", exported=False),
        Column("stocked", N_("Places that have it"), kind="number", filter="range"),
        Column("places", N_("Places that know it"), kind="number", shown=False),
        Column("on_hand", N_("On hand"), kind="number", filter="range"),
        Column("held", N_("Held"), kind="number", filter="range"),
        Column("available", N_("Available"), kind="number", filter="range", template="inventory/cell_available.html"),
    ),
    search=_SEARCH,
    presets=(
        Preset(N_("Low"), "available.from=1&available.to=20"),
        Preset(N_("Nothing left"), "available.to=0"),
        Preset(N_("Held for buyers"), "held.from=1"),
    ),
    actions=(Action(N_("By place"), "/office/stock/pools", "inventory.read", "place"),),
    nothing=Nothing(
        N_("No stock yet"),
        N_("Goods appear here with their first receipt: through the API, an import, or on the page of an article."),
    ),
)
POOLS = Table(
    name="inventory.pools",
    path="/office/stock/pools",
    title=N_("Stock by place"),
    icon="place",
    right="inventory.read",
    where="narrowed",
    statement=queries.READS.pool_table,
    params=_within,
    row=PoolListing,
    key="pool_id",
    label="sku",
    row_path="/office/stock/pools/{}",
    order="pool_id",
    fill=_named,
    columns=(
        Column("name", N_("Article"), link=True, template="inventory/cell_article.html", phone="title"),
        Column("sku", N_("Article number"), kind="code", shown=False),
        Column("location_name", N_("Place")),
        Column(
            "location_code",
            N_("Code of the place"),
            kind="code",
            filter="equals",
            shown=False,
            condition="t.location_id = (select l.id from inventory.locations l where l.code = lower(:value))",
        ),
        Column("location_kind", N_("Kind"), kind="choice", filter="choice", options=KINDS, shown=False),
        Column("condition", N_("Condition"), kind="choice", options={k: Option(v) for k, v in CONDITIONS.items()}),
        Column("lot", N_("Lot"), shown=False),
        Column("on_hand", N_("On hand"), kind="number", filter="range"),
        Column("held", N_("Held"), kind="number", filter="range"),
        Column("available", N_("Available"), kind="number", filter="range", template="inventory/cell_available.html"),
    ),
    search=_SEARCH,
    presets=(
        Preset(N_("Low"), "available.from=1&available.to=3"),
        Preset(N_("Nothing left"), "available.to=0"),
        Preset(N_("Held for buyers"), "held.from=1"),
        Preset(N_("In stores"), "location_kind=store"),
    ),
    nothing=Nothing(N_("No stock yet"), N_("Goods appear here with their first receipt at a place.")),
)


# -- one article's stock, one pool


class Moves(Struct, frozen=True):
    """A movement with where it leads, for pages."""

    movement: Movement
    href: str
    paper: str


@get("/office/stock/articles/{variant_id:uuid}", guards=[needs("inventory.read", "narrowed")])
async def office_article(
    view: View, database: Database, principal: Principal, draft: Draft | None, variant_id: UUID
) -> Response[str]:
    """All places of one article, what is held of it, what moved last; goods come in, move, are counted."""
    within = principal.within("inventory.read", by=_BY)
    async with database.snapshot() as conn:
        cards = await variants_by_ids(conn, variant_ids=[variant_id], language=view.language)
        if not cards:
            raise NotFound(what="variant", id=str(variant_id))
        mine = {one.location_id for one in await queries.spread(conn, variant_ids=[variant_id], within=within)}
        found = await queries.stock_of_variants(conn, variant_ids=[variant_id])
        lines = [line for line in found if line.location_id in mine]
        places = await queries.places(conn)
        held = await pools.live_lines(conn, pool_ids=[line.pool_id for line in lines])
        moved = await pools.latest(conn, pool_ids=[line.pool_id for line in lines], limit=_IN_A_HISTORY)
        moves = await _moves(conn, moved)
        names = await names_of(conn, (movement.actor for movement in moved))
    at_place = {place.id: place for place in places}
    order = {place.id: number for number, place in enumerate(places)}
    return view.show(
        "inventory/office_article.html",
        card=cards[0],
        variant_id=variant_id,
        lines=sorted(lines, key=lambda line: (order.get(line.location_id, 0), line.condition, line.lot)),
        most=max((line.on_hand for line in lines), default=0),
        places=at_place,
        choices=[place for place in places if within.locations is None or place.id in within.locations],
        place_of={line.pool_id: at_place.get(line.location_id) for line in lines},
        held=held,
        moves=moves,
        reasons=REASONS,
        names=names,
        may_write=principal.may("inventory.write"),
        form=Form.drafted(draft, Receipt),
        refused=refused(view, draft, REFUSED),
        key=str(uuid7()),
    )


@get("/office/stock/pools/{pool_id:int}", guards=[needs("inventory.read", POOL)])
async def office_pool(
    view: View,
    database: Database,
    principal: Principal,
    draft: Draft | None,
    pool_id: PoolId,
    before: UUID | None = None,
) -> Response[str]:
    """Why a stock is what it is: the last count and what moved since, each movement with the balance that it left."""
    async with database.snapshot() as conn:
        found = await queries.stock_of_pools(conn, pool_ids=[pool_id])
        if not found:
            raise NotFound(what="stock", id=str(pool_id))
        line = found[0]
        cards = await variants_by_ids(conn, variant_ids=[line.variant_id], language=view.language)
        places = await queries.places(conn)
        movements = await pools.history(conn, pool_id=pool_id, before=before or pools.LATEST, limit=_IN_A_HISTORY + 1)
        since = await pools.since_count(conn, pool_id=pool_id, counted="adjusted")
        held = await pools.live_lines(conn, pool_ids=[pool_id])
        shown = movements[:_IN_A_HISTORY]
        moves = await _moves(conn, shown)
        counted = next((one for one in since if one.counted_at is not None), None)
        names = await names_of(
            conn, {*(m.actor for m in shown), *([counted.counted_by] if counted and counted.counted_by else [])}
        )
        whose = await queries.whose_pool(conn, pool_id)
    changed = sum(one.delta or 0 for one in since)
    return view.show(
        "inventory/office_pool.html",
        line=line,
        card=cards[0] if cards else None,
        place=next((place for place in places if place.id == line.location_id), None),
        others=[place for place in places if place.id != line.location_id],
        movements=shown,
        moves={one.movement.id: one for one in moves},
        since=[one for one in since if one.reason is not None],
        counted=counted,
        counted_number=line.on_hand - changed,
        held=held,
        next=shown[-1].id if len(movements) > _IN_A_HISTORY else None,
        is_later=before is not None,
        reasons=REASONS,
        names=names,
        may_write=whose is not None and principal.covers("inventory.write", whose.freed(POOL.free)),
        form=Form.drafted(draft, Change),
        refused=refused(view, draft, REFUSED),
        key=str(uuid7()),
    )


async def _moves(conn: Connection, movements: Sequence[Movement]) -> list[Moves]:
    """Movements with the order or the paper behind each."""
    papers = await queries.documents(conn, ids=list({movement.ref_id for movement in movements}))
    found: list[Moves] = []
    for movement in movements:
        paper = papers.get(movement.ref_id)
        said = (paper.reference if paper and paper.reference != movement.note else "") or ""
        href = _CAUSES.get(movement.ref_kind, "").format(movement.ref_id)
        found.append(Moves(movement, href, said))
    return found


# What upper domains show of what moved goods. A cause that has no page leads nowhere.
_CAUSES = {"order": "/office/orders/{}", "amendment": "/office/orders/amendments/{}"}


@post(
    "/office/stock/pools/{pool_id:int}/receive",
    guards=[needs("inventory.write", POOL)],
    opt={"form": "/office/stock/pools/{pool_id}"},
)
async def receive(
    request: Request[Any, Any, Any], desk: Desk, principal: Principal, at: datetime, pool_id: PoolId
) -> Redirect:
    """Goods came in. Refusals: `FormIncomplete`, `InvalidMove`, `PoolUnknown`."""
    change = checked(await request.form(), Change)
    await _move(request, desk, principal, at, "receipt", (StockChange(pool_id, change.amount),), change.note)
    return Redirect(f"/office/stock/pools/{pool_id}?done=receipt", status_code=303)


@post(
    "/office/stock/pools/{pool_id:int}/count",
    guards=[needs("inventory.write", POOL)],
    opt={"form": "/office/stock/pools/{pool_id}"},
)
async def count(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    principal: Principal,
    at: datetime,
    pool_id: PoolId,
) -> Redirect:
    """Somebody counted: the difference to what the page showed is adjusted, so that a sale in between is kept. A till's
    sale of before that is told later was counted with it.

    Refusals: `FormIncomplete`, `InvalidMove`, `PoolUnknown`, `NotEnough`.
    """
    form = await request.form()
    change = checked(form, Change)
    shown = checked({"shown": form.get("shown", "")}, _Seen).shown
    if change.amount != shown:
        delta = change.amount - shown
        await _move(request, desk, principal, at, "adjustment", (StockChange(pool_id, delta),), change.note)
    async with database.transaction() as tx:
        await pools_commands.mark_counted(tx, pool_ids=[pool_id], moments=[at])
    return Redirect(f"/office/stock/pools/{pool_id}?done=adjusted", status_code=303)


@post(
    "/office/stock/pools/{pool_id:int}/transfer",
    guards=[needs("inventory.write", POOL)],
    opt={"form": "/office/stock/pools/{pool_id}"},
)
async def transfer(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    principal: Principal,
    at: datetime,
    pool_id: PoolId,
) -> Redirect:
    """Goods go to another place. Refusals: `FormIncomplete`, `NotFound`, `InvalidMove`, `NotEnough`, `BelowHeld`."""
    typed = checked(await request.form(), Transfer)
    async with database.transaction() as tx:
        found = await queries.stock_of_pools(tx, pool_ids=[pool_id])
        if not found:
            raise NotFound(what="stock", id=str(pool_id))
        line = found[0]
        key = StockKey(line.variant_id, typed.to, line.owner_party_id, line.condition, line.lot)
        [target] = await commands.ensure_stock(tx, [key], at=at)
    changes = (StockChange(pool_id, -typed.amount), StockChange(target, typed.amount))
    await _move(request, desk, principal, at, "transfer", changes, typed.note)
    return Redirect(f"/office/stock/pools/{pool_id}?done=adjusted", status_code=303)


@post(
    "/office/stock/articles/{variant_id:uuid}/receive",
    guards=[needs("inventory.write", "narrowed")],
    opt={"form": "/office/stock/articles/{variant_id}"},
)
async def receive_article(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    principal: Principal,
    shop: Shop,
    at: datetime,
    variant_id: UUID,
) -> Redirect:
    """Goods of the house came in at a place, also one that had none before.

    Refusals: `FormIncomplete`, `UnknownVariant`, `UnknownLocation`, `InvalidMove`.
    """
    typed = checked(await request.form(), Receipt)
    place = Whose(shop.id, frozenset({typed.place}), frozenset({shop.owner_party_id}))
    principal.require("inventory.write", place, reads="inventory.read")
    async with database.transaction() as tx:
        key = StockKey(variant_id, typed.place, shop.owner_party_id)
        [pool_id] = await commands.ensure_stock(tx, [key], at=at)
    await _move(request, desk, principal, at, "receipt", (StockChange(pool_id, typed.amount),), typed.note)
    return Redirect(f"/office/stock/articles/{variant_id}?done=receipt", status_code=303)


class _Seen(Struct, frozen=True):
    # Deliveries may have made it more than one form takes; a bigint it still is.
    shown: Annotated[int, Meta(ge=0, le=_MOST * _MOST)]


_IN_A_HISTORY = 50


async def _move(
    request: Request[Any, Any, Any],
    desk: Desk,
    principal: Principal,
    at: datetime,
    kind: DocumentKind,
    changes: tuple[StockChange, ...],
    note: str,
) -> None:
    body = (kind, changes, note)
    await commands.move_goods(
        desk,
        request=MoveRequest(
            document_id=uuid7(),
            kind=kind,
            changes=changes,
            note=note,
            actor=str(principal),
            occurred_at=at,
        ),
        key=key_for(str(principal), await posted_key(request), body),
    )


# -- places

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


# -- which places serve a shop

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


routes = (
    stores,
    *table_routes(STOCK),
    *table_routes(POOLS),
    office_article,
    office_pool,
    receive,
    count,
    transfer,
    receive_article,
    *table_routes(LOCATIONS),
    new_location,
    make_location,
    office_location,
    edit_location,
    serving,
    serve,
)
tables = (STOCK, POOLS, LOCATIONS)
places = (
    Place("/office/stock", N_("Stock"), "stock", "s", "inventory.read", "goods", 30),
    Place("/office/locations", N_("Locations"), "place", "l", "inventory.read", "goods", 40),
)
# A page without its prices or its stock is of little use, so these may take long when the machine is busy.
slots = (
    Answerer(
        "card.stock", "inventory", "inventory/card_stock.html", 800, _on_cards, _card_standing, queries.signs, _on_card
    ),
    Answerer("product.stock", "inventory", "inventory/product_stock.html", 800, _available, _standing, queries.signs),
    Answerer("product.places", "inventory", "inventory/product_places.html", 800, _available, _standing, queries.signs),
    Answerer("home.below", "inventory", "inventory/home_stores.html", 150, _stores, _stores_standing),
    Answerer("office.variant.stock", "inventory", "inventory/office_variant_stock.html", 300, _stock),
    Answerer("office.product.stock", "inventory", "inventory/office_product_stock.html", 500, _of_products),
    Answerer("office.shop", "inventory", "inventory/of_shop.html", 300, _of_shops),
    Answerer("office.location", "inventory", "inventory/office_location.html", 150, _locations),
)
