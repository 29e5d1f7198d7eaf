"""Stock on pages: what a shop says of a variant, the stores; in the back office the list and "why is it 47?"."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.inventory import commands, queries
from lotse.domains.inventory.contracts import (
    Availability,
    DocumentKind,
    Location,
    LocationChanged,
    MoveRequest,
    StockChange,
    StockLine,
)
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.pools import queries as pools
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.forms import Form, checked, posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask, Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
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
}
CONDITIONS = {"new": N_("new"), "used": N_("used"), "refurbished": N_("refurbished")}
REFUSED = {
    "not-enough": N_("There is not as much as would be taken away."),
    "invalid-move": N_("This change cannot be booked. Please check the number."),
}
_MOST = 1_000_000
# A bigint; a larger number in an address is no pool of ours.
PoolId = Annotated[int, Parameter(ge=1, le=2**63 - 1)]


_offer_changed = tagged(OfferChanged)
_ANY_LOCATION = any_of(LocationChanged)


class Shown(Struct, frozen=True):
    """An availability that also describes itself to machines."""

    stock: Availability

    def offer_properties(self) -> dict[str, Any]:
        return {"availability": _STATES[self.stock.state]}


class VariantStock(Struct, frozen=True):
    """All stock of a variant, for the back office."""

    lines: list[StockLine]


class Change(Struct, frozen=True):
    """What is typed to change a stock: goods that came in, or the number that was counted."""

    amount: Annotated[int, Meta(ge=0, le=_MOST)]
    note: Annotated[str, Meta(min_length=1, max_length=300)]


async def _available(connection: Connection, ask: Ask) -> Mapping[UUID, Shown]:
    found = await queries.availability(connection, shop_id=ask.shop, variant_ids=ask.ids)
    return {one.variant_id: Shown(one) for one in found}


async def _standing(connection: Connection, ask: Ask) -> Standing:
    """Until an offer, a place, or a number that is shown changes."""
    return Standing(
        tags=tuple(_offer_changed(id) for id in ask.ids),
        types=(_ANY_LOCATION,),
        signs=await queries.signs(connection, ask.ids),
    )


async def _stores_standing(_: Connection, __: Ask) -> Standing:
    return Standing(types=(_ANY_LOCATION,))


async def _stores(connection: Connection, ask: Ask) -> Mapping[UUID, list[Location]]:
    found = await queries.locations_of_shop(connection, shop_id=ask.shop)
    stores = [location for location in found if location.kind == "store"]
    return {ask.shop: stores} if stores else {}


async def _stock(connection: Connection, ask: Ask) -> Mapping[UUID, VariantStock]:
    lines: dict[UUID, list[StockLine]] = {}
    for line in await queries.stock_of_variants(connection, variant_ids=ask.ids):
        lines.setdefault(line.variant_id, []).append(line)
    return {id: VariantStock(found) for id, found in lines.items()}


async def _locations(connection: Connection, ask: Ask) -> Mapping[UUID, Location]:
    return {found.id: found for found in await queries.locations_by_ids(connection, location_ids=ask.ids)}


@get("/stores", guards=[public])
async def stores(view: View, database: Database) -> Response[str]:
    """Where the stores are and when they are open."""
    async with database.reading() as connection:
        found = await queries.locations_of_shop(connection, shop_id=view.question.shop)
    return view.show(
        "inventory/stores.html", stores=[location for location in found if location.kind == "store"], days=DAYS
    )


# -- back office


@get("/office/stock", guards=[needs("inventory.read")])
async def office_stock(
    view: View,
    database: Database,
    words: Annotated[str, Parameter(query="q", max_length=200)] = "",
    place: Annotated[str, Parameter(query="place", max_length=64)] = "",
    cursor: Annotated[str | None, Parameter(query="after", max_length=1_000)] = None,
) -> Response[str]:
    """All goods by place."""
    async with database.reading() as connection:
        places = (await queries.locations(connection)).items
        chosen = next((location for location in places if location.code == place), None)
        page = await queries.stock_lines(
            connection, location_id=chosen.id if chosen else None, text=words, cursor=cursor or None
        )
    await view.ask({"office.variant": [line.variant_id for line in page.items]})
    return view.show(
        "inventory/office_stock.html",
        page=page,
        places=places,
        place=chosen,
        words=words.strip(),
        is_later=cursor is not None,
    )


@get("/office/stock/{pool_id:int}", guards=[needs("inventory.read")])
async def office_pool(
    view: View, database: Database, draft: Draft | None, pool_id: PoolId, before: UUID | None = None
) -> Response[str]:
    """Why a stock is what it is: its movements with the balance that each left."""
    async with database.snapshot() as connection:
        found = await queries.stock_of_pools(connection, pool_ids=[pool_id])
        if not found:
            raise NotFound(what="stock", id=str(pool_id))
        line = found[0]
        movements = await pools.history(
            connection, pool_id=pool_id, before=before or pools.LATEST, limit=_IN_A_HISTORY + 1
        )
        names = await names_of(connection, (movement.actor for movement in movements))
    await view.ask({"office.variant": [line.variant_id], "office.location": [line.location_id]})
    return view.show(
        "inventory/office_pool.html",
        line=line,
        movements=movements[:_IN_A_HISTORY],
        next=movements[_IN_A_HISTORY - 1].id if len(movements) > _IN_A_HISTORY else None,
        is_later=before is not None,
        reasons=REASONS,
        names=names,
        form=Form.drafted(draft, Change),
        refused=refused(view, draft, REFUSED),
        key=str(uuid7()),
    )


@post("/office/stock/{pool_id:int}/receive", guards=[needs("inventory.write")], opt={"form": "/office/stock/{pool_id}"})
async def receive(
    request: Request[Any, Any, Any], desk: Desk, principal: Principal, at: datetime, pool_id: PoolId
) -> Redirect:
    """Goods came in. Refusals: `FormIncomplete`, `InvalidMove`, `PoolUnknown`."""
    change = checked(await request.form(), Change)
    await _move(request, desk, principal, at, pool_id, "receipt", change.amount, change.note)
    return Redirect(f"/office/stock/{pool_id}?done=receipt", status_code=303)


@post("/office/stock/{pool_id:int}/count", guards=[needs("inventory.write")], opt={"form": "/office/stock/{pool_id}"})
async def count(
    request: Request[Any, Any, Any], desk: Desk, principal: Principal, at: datetime, pool_id: PoolId
) -> Redirect:
    """Somebody counted: the difference to what the page showed is adjusted, so that a sale in between is kept.

    Refusals: `FormIncomplete`, `InvalidMove`, `PoolUnknown`, `NotEnough`.
    """
    form = await request.form()
    change = checked(form, Change)
    shown = checked({"shown": form.get("shown", "")}, _Seen).shown
    if change.amount != shown:
        await _move(request, desk, principal, at, pool_id, "adjustment", change.amount - shown, change.note)
    return Redirect(f"/office/stock/{pool_id}?done=adjusted", status_code=303)


class _Seen(Struct, frozen=True):
    # Deliveries may have made it more than one form takes; a bigint it still is.
    shown: Annotated[int, Meta(ge=0, le=_MOST * _MOST)]


_IN_A_HISTORY = 50


async def _move(
    request: Request[Any, Any, Any],
    desk: Desk,
    principal: Principal,
    at: datetime,
    pool_id: int,
    kind: DocumentKind,
    delta: int,
    note: str,
) -> None:
    body = f"{kind} {pool_id} {delta} {note}".encode()
    await commands.move_goods(
        desk,
        request=MoveRequest(
            document_id=uuid7(),
            kind=kind,
            changes=(StockChange(pool_id, delta),),
            note=note,
            actor=str(principal),
            occurred_at=at,
        ),
        key=key_for(str(principal), await posted_key(request), body),
    )


routes = (stores, office_stock, office_pool, receive, count)
# A page without its prices or its stock is of little use, so these may take long when the machine is busy.
slots = (
    Answerer("card.stock", "inventory", "inventory/card_stock.html", 800, _available, _standing, queries.signs),
    Answerer("product.stock", "inventory", "inventory/product_stock.html", 800, _available, _standing, queries.signs),
    Answerer("product.places", "inventory", "inventory/product_places.html", 800, _available, _standing, queries.signs),
    Answerer("home.below", "inventory", "inventory/home_stores.html", 150, _stores, _stores_standing),
    Answerer("office.variant.stock", "inventory", "inventory/office_variant_stock.html", 300, _stock),
    Answerer("office.location", "inventory", "inventory/office_location.html", 150, _locations),
)
