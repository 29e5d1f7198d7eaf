"""Stock in the back office: by article, by pool, and "why is it 47?"."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.catalog.rules import full_name, search_terms
from lotse.domains.inventory import commands, queries
from lotse.domains.inventory.contracts import (
    DocumentKind,
    MoveRequest,
    PoolListing,
    Spot,
    StockChange,
    StockKey,
    StockListing,
)
from lotse.domains.inventory.queries import POOL
from lotse.domains.parties.contracts import Shop
from lotse.domains.pools import commands as pools_commands
from lotse.domains.pools import queries as pools
from lotse.domains.pools.contracts import Movement
from lotse.kernel import words
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Dimension, Principal, Whose
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.forms import Form, checked, posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

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


# Stock knows its place and whose it is.
_BY: tuple[Dimension, ...] = ("location", "party")


def _within(scope: Scope) -> dict[str, Any]:
    return queries.bounds(scope.within(by=_BY))


async def _spread(conn: Connection, scope: Scope, rows: list[StockListing]) -> list[StockListing]:
    """Rows with what they are called, and how much each place has."""
    await words.read(scope.language)
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
            name=full_name(card.name, card.options, scope.language) if card else str(row.variant_id),
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
    await words.read(scope.language)
    ids = list({row.variant_id for row in rows})
    cards = {card.id: card for card in await variants_by_ids(conn, variant_ids=ids, language=scope.language)}
    return [
        replace(row, sku=card.sku, name=full_name(card.name, card.options, scope.language))
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
