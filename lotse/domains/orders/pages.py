"""Pages of orders: the buyer's own by signed link; in the back office the list and one order."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Struct

from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import ORDER_LINK, Line, Order
from lotse.domains.pools import queries as pools
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.forms import posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

_IN_A_LIST = 50

REFUSED = {
    "already-cancelled": N_("This order is cancelled already."),
    "nothing-left": N_("Nothing of this order is left to cancel."),
    # The money of an order is recorded on its page.
    "more-than-refundable": N_("No more than was received and is not owed can be paid back."),
    "reference-reused": N_("This bank reference was booked before, with another amount."),
    "form-incomplete": N_("Please enter an amount like 59.95 and the bank's reference."),
    "key-reused": N_("This form was sent before. Please look at the order again."),
}
# Reasons that nobody typed; what staff types is shown as it is.
BY_BUYER = N_("cancelled by the buyer")
BY_STAFF = N_("cancelled by staff")
UNPAID = N_("not paid in time")  # written by the job
AMENDED = {"cancellation": N_("Cancelled"), "return": N_("Returned"), "credit": N_("Credited")}
CHANNELS = {
    "web": N_("web shop"),
    "till": N_("till"),
    "marketplace": N_("marketplace"),
    "agent": N_("agent"),
    "desk": N_("customer service"),
    "api": N_("API"),
}


class Step(Struct, frozen=True):
    """A moment in the life of an order; `kind` is done, now, bad or empty for what is still to come."""

    kind: str
    title: str
    at: datetime | None = None
    hint: str = ""


class Tax(Struct, frozen=True):
    """What an order owes per rate."""

    tax_rate: Any
    net_minor: int
    tax_minor: int


@get("/order/{token:str}", guards=[public], opt={"waits": False})
async def order_page(
    view: View, database: Database, links: Links, draft: Draft | None, token: str, new: bool = False
) -> Response[str]:
    """An order for whoever holds its link."""
    found = await _existing(database, links.read(ORDER_LINK, token))
    await view.ask(
        {
            "line.picture": [line.variant_id for line in found.lines if line.variant_id],
            "order.payment": [found.payment_id],
        }
    )
    return view.show(
        "orders/order.html",
        order=found,
        goods=_goods(found),
        charges=_charges(found),
        taxes=taxes(found.lines),
        steps=steps(view, found),
        token=token,
        is_new=new and not found.cancelled,
        key=str(uuid7()),
        refused=refused(view, draft, REFUSED),
        headers={"Cache-Control": "private, no-store"},
    )


@post("/order/{token:str}/cancel", guards=[public], opt={"form": "/order/{token}", "waits": False})
async def cancel_by_link(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    links: Links,
    principal: Principal,
    at: datetime,
    token: str,
) -> Redirect:
    """The buyer changes their mind. Refusals: `LinkInvalid`, `OrderUnknown`, `AlreadyCancelled`, `NothingLeft`."""
    order_id = links.read(ORDER_LINK, token)
    async with database.reading() as connection:
        await commands.cancel(
            desk,
            connection,
            order_id=order_id,
            reason=BY_BUYER,
            actor=str(principal),
            key=await _key(request, principal, order_id),
            at=at,
        )
    return Redirect(f"/order/{token}", status_code=303)


@get("/office/orders", guards=[needs("orders.read")])
async def office_orders(
    view: View,
    database: Database,
    words: Annotated[str, Parameter(query="q", max_length=50)] = "",
    before: UUID | None = None,
) -> Response[str]:
    """The orders, the newest first; `q` is the beginning of a number."""
    words = words.strip()
    async with database.reading() as connection:
        rows = await queries.orders(
            connection, before=before or queries.LATEST, number_prefix=words or None, limit=_IN_A_LIST + 1
        )
    return view.show(
        "orders/office_orders.html",
        rows=rows[:_IN_A_LIST],
        next=rows[_IN_A_LIST - 1].id if len(rows) > _IN_A_LIST else None,
        words=words,
        is_later=before is not None,
        channels=CHANNELS,
    )


@get("/office/orders/{order_id:uuid}", guards=[needs("orders.read")])
async def office_order(
    view: View, database: Database, links: Links, draft: Draft | None, order_id: UUID
) -> Response[str]:
    """One order: lines, money, what it moved, what happened."""
    found = await _existing(database, order_id)
    async with database.reading() as connection:
        moved = await pools.movements_of(
            connection,
            pool_ids=[line.pool_id for line in found.lines if line.pool_id is not None],
            ref_kind="order",
            ref_id=found.id,
        )
        names = await names_of(connection, [found.actor, *(amendment.actor for amendment in found.amendments)])
    await view.ask(
        {
            "line.picture": [line.variant_id for line in found.lines if line.variant_id],
            "office.order.payment": [found.payment_id],
            "office.location": [line.location_id for line in found.lines if line.location_id],
        }
    )
    return view.show(
        "orders/office_order.html",
        order=found,
        taxes=taxes(found.lines),
        moved=moved,
        line_of={line.pool_id: line for line in found.lines},
        link=links.sign(ORDER_LINK, found.id),
        key=str(uuid7()),
        refused=refused(view, draft, REFUSED, fields=False),
        channels=CHANNELS,
        amended=AMENDED,
        names=names,
    )


@post(
    "/office/orders/{order_id:uuid}/cancel", guards=[needs("orders.write")], opt={"form": "/office/orders/{order_id}"}
)
async def office_cancel(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    principal: Principal,
    at: datetime,
    order_id: UUID,
) -> Redirect:
    """Take everything back that is left. Refusals: `OrderUnknown`, `AlreadyCancelled`, `NothingLeft`."""
    form = await request.form()
    async with database.reading() as connection:
        await commands.cancel(
            desk,
            connection,
            order_id=order_id,
            reason=str(form.get("reason", "")).strip()[:500] or BY_STAFF,
            actor=str(principal),
            key=await _key(request, principal, order_id),
            at=at,
        )
    return Redirect(f"/office/orders/{order_id}?done=cancelled", status_code=303)


async def _existing(database: Database, order_id: UUID) -> Order:
    async with database.reading() as connection:
        found = await queries.order(connection, order_id=order_id)
    if found is None:
        raise NotFound(what="order", id=str(order_id))
    return found


async def _key(request: Request[Any, Any, Any], principal: Principal, order_id: UUID) -> Key:
    # The body is what is asked for and not the request to the desk, which draws new ids each time.
    return key_for(str(principal), await posted_key(request), b"cancel:" + order_id.bytes)


def _goods(order: Order) -> list[Line]:
    return [line for line in order.lines if line.kind == "goods"]


def _charges(order: Order) -> list[Line]:
    return [line for line in order.lines if line.kind != "goods"]


def taxes(lines: list[Line]) -> list[Tax]:
    """The tax of lines by rate, the highest first."""
    rates = sorted({line.tax_rate for line in lines}, reverse=True)
    return [
        Tax(
            rate,
            sum(line.net_minor for line in lines if line.tax_rate == rate),
            sum(line.tax_minor for line in lines if line.tax_rate == rate),
        )
        for rate in rates
    ]


def steps(view: View, order: Order) -> list[Step]:
    """Where an order stands, in the buyer's words."""
    done = [Step("done", view.text("Ordered"), order.placed_at)]
    if order.cancelled:
        at = next(amendment.occurred_at for amendment in order.amendments if amendment.kind == "cancellation")
        return [*done, Step("bad", view.text("Cancelled"), at)]
    if order.released_at is None:
        waiting = Step(
            "now", view.text("Waiting for your payment"), hint=view.text("We pack as soon as it has arrived.")
        )
        return [*done, waiting, Step("", view.text("Packed")), Step("", view.text("On its way"))]
    packing = Step("now", view.text("Being packed"), hint=view.text("Your goods are set aside for you."))
    return [*done, packing, Step("", view.text("On its way"))]


routes = (order_page, cancel_by_link, office_orders, office_order, office_cancel)
