"""Pages of orders: the buyer's own by signed link; in the back office the table, and one order with all that it did."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.behaviour.contracts import Ordered
from lotse.domains.customers.contracts import SESSION_COOKIE
from lotse.domains.customers.queries import customer as read_customer
from lotse.domains.customers.queries import signed_in
from lotse.domains.ledger import queries as ledger
from lotse.domains.ledger.contracts import Entry
from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import (
    ORDER_LINK,
    Above,
    CustomerSums,
    Line,
    Order,
    OrderListing,
    OrderRow,
    OrderUnknown,
)
from lotse.domains.orders.queries import ORDER
from lotse.domains.parties.queries import shops_by_ids
from lotse.domains.payments import queries as payments
from lotse.domains.payments.contracts import ChargeRefund, Happening, Money
from lotse.domains.pools import queries as pools
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import Key, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.deciding import note
from lotse.kernel.pages.finders import Finder, Found
from lotse.kernel.pages.formatting import filters, locale_of
from lotse.kernel.pages.forms import Error, FormIncomplete, checked, posted_key, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

REFUSED = {
    "already-cancelled": N_("This order is cancelled already."),
    "nothing-left": N_("Nothing of this order is left to cancel."),
    # The money of an order is recorded on its page.
    "more-than-refundable": N_("No more than was received and is not owed can be paid back."),
    "reference-reused": N_("This bank reference was booked before, with another amount."),
    "form-incomplete": N_("Please enter an amount like 59.95, whole pieces, and what else is asked for."),
    "more-than-sold": N_("More would come back than was sold: of line %(position)s there are %(left)s left."),
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
    view.put("token", token)  # what upper domains add leads on from this very address
    view.put("reference", found.number)  # what a transfer is known by
    answers = await view.ask(
        {
            "line.picture": [line.variant_id for line in found.lines if line.variant_id],
            "order.payment": [found.payment_id],
            "order.above": [found.id],
            "order.below": [found.id],
        }
    )
    is_new = new and not found.cancelled
    if is_new:
        pieces = sum(line.quantity for line in _goods(found))
        note(Ordered(found.id, pieces, found.gross_minor, found.currency))
    above: list[Any] = [said for _, contents in answers.of("order.above", [found.id]) for said in contents]
    return view.show(
        "orders/order.html",
        order=found,
        goods=_goods(found),
        charges=_charges(found),
        taxes=taxes(found.lines),
        steps=steps(view, found),
        token=token,
        is_new=is_new,
        is_ended=any(said.ends for said in above if isinstance(said, Above)),
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


# -- the back office's table

STATES = {
    "waiting": Option(N_("waits for payment"), "warn"),
    "released": Option(N_("released"), "good"),
    "cancelled": Option(N_("cancelled"), "bad"),
}
PAYMENTS = {
    "settled": Option(N_("settled"), "good"),
    "open": Option(N_("open"), "warn"),
    "refund_due": Option(N_("to pay back"), "bad"),
    "refunded": Option(N_("paid back")),
}
# Whichever of them are not chosen is decided when the statement is planned, so each has the plan of its own.
_IN_STATE = """
    ('waiting' = any (:value::text[]) and t.state = 'waiting'
        and t.id = any (array(select p.purpose_id from payments.in_state('{open}') p)))
    or ('cancelled' = any (:value::text[])
        and t.id = any (array(select a.order_id from orders.amendments a where a.kind = 'cancellation')))
    or ('released' = any (:value::text[]) and t.state = 'released')
"""
_IS_PAID = """
    t.id = any (array(select p.purpose_id from payments.in_state(:value::text[]) p))
    or ('settled' = any (:value::text[])
        and t.id not in (select p.purpose_id from payments.in_state('{open,refund_due}') p))
"""


# Ids carry the time at which an order was placed, but for those that were told long after; so a span of days is a span
# of ids, as wide as the latest of it. An id is never older than its order. `coalesce` keeps the index of days out of
# it: the planner cannot know that days and ids go together, and would read all of the span where a page is wanted.
_PLACED = """
    (:since::timestamptz is null
        or coalesce(t.placed_at) >= :since and t.id >= kernel.uuid7_floor(:since::timestamptz - interval '1 day'))
    and (:until::timestamptz is null
        or coalesce(t.placed_at) < :until and t.id <= greatest(
            kernel.uuid7_floor(:until::timestamptz + interval '24:00:00'),
            (
                select o.id from orders.orders o
                where uuid_extract_timestamp(o.id) - o.placed_at > interval '24:00:00'
                    and o.placed_at < :until and (:since::timestamptz is null or o.placed_at >= :since)
                order by o.id desc
                limit 1
            )
        ))
"""


def _within(scope: Scope) -> dict[str, Any]:
    return scope.within().columns()


async def _paid(conn: Connection, scope: Scope, rows: list[OrderListing]) -> list[OrderListing]:
    """Rows with what is paid of them, and the names of their shops."""
    paid = await queries.paid_of(conn, payment_ids=[row.payment_id for row in rows])
    shops = {shop.id: shop.name for shop in await shops_by_ids(conn, shop_ids={row.shop_id for row in rows})}
    return [
        replace(row, payment=one.state, open_minor=one.open_minor, method=one.method, shop=shops.get(row.shop_id, ""))
        if (one := paid.get(row.payment_id))
        else row
        for row in rows
    ]


ORDERS = Table(
    name="orders.orders",
    path="/office/orders",
    title=N_("Orders"),
    icon="orders",
    right="orders.read",
    where="narrowed",
    statement=queries.READS.order_table,
    params=_within,
    row=OrderListing,
    key="id",
    label="number",
    row_path="/office/orders/{}",
    order="-id",
    fill=_paid,
    columns=(
        Column("number", N_("Number"), kind="code", link=True, phone="title"),
        Column("placed_at", N_("Placed"), kind="moment", filter="range", condition=_PLACED),
        Column("name", N_("Customer"), template="orders/cell_customer.html"),
        Column("email", N_("Mail"), shown=False),
        Column(
            "channel",
            N_("Channel"),
            kind="choice",
            filter="choice",
            options={name: Option(label) for name, label in CHANNELS.items()},
        ),
        Column("shop", N_("Shop"), shown=False),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES, condition=_IN_STATE),
        Column(
            "payment",
            N_("Payment"),
            kind="choice",
            filter="choice",
            options=PAYMENTS,
            condition=_IS_PAID,
            template="orders/cell_payment.html",
        ),
        Column("method", N_("Method"), shown=False),
        Column("open_minor", N_("Open"), kind="money", shown=False),
        Column(
            "amended",
            N_("Amended"),
            kind="flag",
            filter="flag",
            shown=False,
            condition="t.id = any (array(select a.order_id from orders.amendments a)) = :value",
        ),
        Column("released_at", N_("Released"), kind="moment", shown=False),
        Column("gross_minor", N_("Total"), kind="money", filter="range"),
    ),
    search=Search(
        "t.id = any (array(select s.order_id from orders.sought(:begins, :surname, :given, :digits, :at_most) s))",
        queries.sought,
        N_("Number, name, mail address, article number or GTIN"),
    ),
    presets=(
        Preset(N_("To be released"), "state=waiting"),
        Preset(N_("Payment open"), "payment=open"),
        Preset(N_("Refund due"), "payment=refund_due"),
        Preset(N_("Cancelled"), "state=cancelled"),
    ),
    nothing=Nothing(
        N_("No orders yet"),
        N_("The first one appears here the moment it is placed: in the web shop, at a till or through the API."),
        Action(N_("Open the shop"), "/", "orders.read"),
    ),
)


async def _find(conn: Connection, scope: Scope, typed: str) -> list[Found]:
    """For the command palette."""
    shops = scope.principal.within("orders.read", by=("shop",)).shops
    said = filters(locale_of(scope.language))
    return [
        Found(
            order.number,
            f"/office/orders/{order.id}",
            " · ".join(
                part
                for part in (
                    order.name,
                    said["day"](order.placed_at, scope.zone),
                    said["money"](order.gross_minor, order.currency),
                )
                if part
            ),
        )
        for order in await queries.found(conn, text=typed, shop_ids=shops, limit=6)
    ]


# -- what a customer's page shows of orders


class OfCustomer(Struct, frozen=True):
    """A customer's orders: what they come to, and the newest."""

    sums: list[CustomerSums]
    rows: list[OrderRow]


async def _of_customers(conn: Connection, ask: Ask) -> dict[UUID, OfCustomer]:
    """One customer is shown at a time."""
    return {
        id: OfCustomer(
            await queries.sums_of_customer(conn, customer_id=id),
            await queries.orders(conn, customer_id=id, limit=_OF_A_CUSTOMER),
        )
        for id in ask.ids
    }


_OF_A_CUSTOMER = 20


async def _sums(conn: Connection, ask: Ask) -> dict[UUID, list[CustomerSums]]:
    """For the table of customers; three of its columns show parts of the one answer."""
    return await queries.sums_of_customers(conn, customer_ids=ask.ids)


@get("/account/orders/{order_id:uuid}", guards=[public])
async def own_order(
    request: Request[Any, Any, Any], database: Database, links: Links, at: datetime, order_id: UUID
) -> Redirect:
    """From the account to an order's page. Refusal: `OrderUnknown`, also for somebody else's."""
    async with database.reading() as conn:
        customer_id = await signed_in(conn, token=request.cookies.get(SESSION_COOKIE), at=at)
        found = await queries.order(conn, order_id=order_id)
    if found is None or customer_id is None or found.customer_id != customer_id:
        raise OrderUnknown(order=str(order_id))
    return Redirect(f"/order/{links.sign(ORDER_LINK, order_id)}", status_code=303)


async def _own_orders(conn: Connection, ask: Ask) -> dict[UUID, list[OrderRow]]:
    """The newest orders of customers; one customer's are shown at a time."""
    found = {id: await queries.orders(conn, customer_id=id, limit=_OF_A_CUSTOMER) for id in ask.ids}
    return {id: rows for id, rows in found.items() if rows}


async def _numbers(conn: Connection, ask: Ask) -> dict[UUID, str]:
    """What payments are for."""
    return await queries.numbers_of_payments(conn, payment_ids=ask.ids)


# -- one order


class Happened(Struct, frozen=True):
    """Something that happened to an order: `tone` colours its mark; `who` is an actor, `why` what was said or typed."""

    at: datetime
    title: str
    tone: str = ""
    amount_minor: int | None = None
    who: str = ""
    why: str = ""
    href: str = ""


class Booked(Struct, frozen=True):
    """The postings of one fact, together."""

    kind: str
    at: datetime
    entries: list[Entry]


class TakenBack(Struct, frozen=True):
    """What is typed to take parts of an order back; the pieces of each line come beside it, as `take.<position>`."""

    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    restock: str = ""


CHARGED = {
    "begun": N_("Payment begun"),
    "authorise": N_("Provider asked for the money"),
    "status": N_("Looked up at the provider"),
    "webhook": N_("The provider told us"),
    "order": N_("Order placed for it"),
    "capture": N_("Money taken"),
    "void": N_("Reservation given back"),
    "refund": N_("Paid back"),
    "give_up": N_("Given up"),
}
BOOKED = {
    "sale": N_("Sale"),
    "receipt": N_("Receipt of money"),
    "refund": N_("Refund"),
    "cancellation": N_("Cancellation"),
    "return": N_("Return"),
    "credit": N_("Credit"),
    "unplaced": N_("Money without an order"),
}
NO_PIECES = N_("Say for at least one line how many pieces come back.")
NOT_PIECES = N_("Please enter a whole number between 0 and what is left.")


@get("/office/orders/{order_id:uuid}", guards=[needs("orders.read", ORDER)])
async def office_order(
    view: View, database: Database, links: Links, principal: Principal, draft: Draft | None, order_id: UUID
) -> Response[str]:
    """One order: lines, money, what it moved and booked, everything that happened, what can be done now."""
    async with database.snapshot() as conn:
        found = await queries.order(conn, order_id=order_id)
        if found is None:
            raise NotFound(what="order", id=str(order_id))
        payment = await payments.payment(conn, payment_id=found.payment_id)
        if payment is None:
            raise LookupError(f"order {found.number} has no payment")
        money = await payments.money_of(conn, payment_id=found.payment_id)
        charges = await payments.charges_of(conn, payment_ids=[found.payment_id])
        trail = await payments.trail(conn, charge_id=charges[0].id) if charges else []
        refunds = await payments.refunds_of(conn, charge_id=charges[0].id) if charges else []
        moved = await _moved(conn, found)
        sets = [found.id, *(one.id for one in found.amendments), *(one.id for one in money)]
        entries = await ledger.entries_of(conn, set_ids=sets)
        accounts = {account.code: account for account in await ledger.accounts(conn)} if entries else {}
        customer = await read_customer(conn, customer_id=found.customer_id) if found.customer_id else None
        shops = await shops_by_ids(conn, shop_ids={found.shop_id})
        whose = await queries.whose(conn, order_id)
        happened = history(view, found, money, trail, refunds)
        names = await names_of(
            conn, {found.actor, *(one.who for one in happened if one.who), *(m.actor for m in moved)}
        )
    # Of slots: their buttons are for whoever may press them.
    view.put("may_pay", whose is not None and principal.covers("payments.write", whose))
    view.put("may_refund", whose is not None and principal.covers("orders.refund", whose))
    await view.ask(
        {
            "line.picture": [line.variant_id for line in found.lines if line.variant_id],
            "office.order.payment": [found.payment_id],
            "office.order": [found.id],
            "office.location": [line.location_id for line in found.lines if line.location_id],
        }
    )
    return view.show(
        "orders/office_order.html",
        order=found,
        shop_name=shops[0].name if shops else "",
        payment=payment,
        taxes=taxes(found.lines),
        moved=moved,
        line_of={line.pool_id: line for line in found.lines},
        booked=_booked(entries),
        accounts=accounts,
        kinds=BOOKED,
        customer=customer,
        happened=happened,
        names=names,
        returnable=[line for line in found.lines if line.taken_back < line.quantity],
        may_write=principal.covers("orders.write", whose) if whose else False,
        link=links.sign(ORDER_LINK, found.id),
        key=str(uuid7()),
        typed=draft.typed if draft else {},
        refused=refused(view, draft, REFUSED, fields=False),
        channels=CHANNELS,
    )


@get("/office/orders/amendments/{amendment_id:uuid}", guards=[needs("orders.read", "common")])
async def office_amendment(view: View, database: Database, amendment_id: UUID) -> Response[str]:
    """To the order that an amendment belongs to: movements and postings know the amendment only."""
    async with database.reading() as conn:
        order_id = await queries.order_of_amendment(conn, amendment_id=amendment_id)
    if order_id is None:
        raise NotFound(what="order", id=str(amendment_id))
    return view.go(f"/office/orders/{order_id}")


async def _moved(conn: Connection, order: Order) -> "list[pools.Movement]":
    """What the order and what was taken back of it moved, in order of time."""
    sold = [line.pool_id for line in order.lines if line.pool_id is not None]
    found = await pools.movements_of(conn, pool_ids=sold, ref_kind="order", ref_id=order.id)
    for amendment in order.amendments:
        back = [line.pool_id for line in amendment.lines if line.pool_id is not None]
        if back:
            found += await pools.movements_of(conn, pool_ids=back, ref_kind="amendment", ref_id=amendment.id)
    return found


def history(
    view: View, order: Order, money: Sequence[Money], trail: Sequence[Happening], refunds: Sequence[ChargeRefund]
) -> list[Happened]:
    """Everything that happened to an order, the newest first."""
    found = [Happened(order.placed_at, view.text("Ordered"), "good", order.gross_minor, order.actor)]
    if order.released_at is not None:
        found.append(Happened(order.released_at, view.text("Released: the goods may leave"), "good"))
    found += [
        Happened(
            one.occurred_at,
            view.text(AMENDED[one.kind]),
            "bad",
            -one.gross_minor,
            one.actor,
            one.reason,
        )
        for one in order.amendments
    ]
    found += [
        Happened(
            one.occurred_at,
            view.text("Received") if one.kind == "receipt" else view.text("Paid back"),
            "good" if one.kind == "receipt" else "bad",
            one.amount_minor if one.kind == "receipt" else -one.amount_minor,
            one.actor,
            one.reference,
        )
        for one in money
    ]
    found += [
        Happened(
            one.at,
            view.text(CHARGED.get(one.what, one.what)),
            "bad" if one.outcome in ("declined", "unknown") or one.what == "give_up" else "",
            None,
            one.actor,
            one.reason,
        )
        for one in trail
    ]
    found += [
        Happened(
            one.changed_at,
            view.text("To be paid back") if one.state == "asked" else view.text("The provider refuses to pay back"),
            "warn" if one.state == "asked" else "bad",
            one.amount_minor,
            one.actor,
            one.reason,
        )
        for one in refunds
        if one.state != "done"
    ]
    return sorted(found, key=lambda one: one.at, reverse=True)


def _booked(entries: Sequence[Entry]) -> list[Booked]:
    sets: dict[UUID, list[Entry]] = {}
    for entry in entries:
        sets.setdefault(entry.set_id, []).append(entry)
    found = [Booked(one[0].kind, one[0].occurred_at, one) for one in sets.values()]
    return sorted(found, key=lambda one: one.at)


@post(
    "/office/orders/{order_id:uuid}/cancel",
    guards=[needs("orders.write", ORDER)],
    opt={"form": "/office/orders/{order_id}"},
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


@post(
    "/office/orders/{order_id:uuid}/return",
    guards=[needs("orders.write", ORDER)],
    opt={"form": "/office/orders/{order_id}"},
)
async def office_return(
    request: Request[Any, Any, Any],
    database: Database,
    desk: Desk,
    principal: Principal,
    at: datetime,
    order_id: UUID,
) -> Redirect:
    """Take pieces of lines back; what was paid for them is owed back then.

    Refusals: `FormIncomplete`, `OrderUnknown`, then those of `amend`.
    """
    form = await request.form()
    typed = checked(form, TakenBack)
    pieces = {name.removeprefix("take."): str(value) for name, value in form.multi_items() if name.startswith("take.")}
    body = ("return", order_id, sorted(pieces.items()), typed)
    async with database.reading() as connection:
        await commands.take_back(
            desk,
            connection,
            order_id=order_id,
            lines=_taken(pieces),
            restock=bool(typed.restock),
            reason=typed.reason,
            actor=str(principal),
            key=key_for(str(principal), await posted_key(request), body),
            at=at,
        )
    return Redirect(f"/office/orders/{order_id}?done=returned", status_code=303)


def _taken(pieces: dict[str, str]) -> dict[int, int]:
    """Positions and how many pieces of each come back. Refusal: `FormIncomplete`."""
    found: dict[int, int] = {}
    for position, text in pieces.items():
        number = text.strip() or "0"
        if not (position.isdecimal() and number.isdecimal() and len(position) < 6 and len(number) < 9):
            raise FormIncomplete(errors={f"take.{position[:5]}": Error(NOT_PIECES)})
        if int(number):
            found[int(position)] = int(number)
    if not found:
        raise FormIncomplete(errors={"take": Error(NO_PIECES)})
    return found


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
    """Where an order stands, in the buyer's words. Nothing tells that goods have left: there is no step for it."""
    done = [Step("done", view.text("Ordered"), order.placed_at)]
    if order.cancelled:
        at = next(amendment.occurred_at for amendment in order.amendments if amendment.kind == "cancellation")
        return [*done, Step("bad", view.text("Cancelled"), at)]
    if order.released_at is None:
        waiting = Step(
            "now", view.text("Waiting for your payment"), hint=view.text("We pack as soon as it has arrived.")
        )
        return [*done, waiting, Step("", view.text("Being packed"))]
    return [*done, Step("now", view.text("Being packed"), hint=view.text("Your goods are set aside for you."))]


routes = (
    order_page,
    cancel_by_link,
    own_order,
    *table_routes(ORDERS),
    office_order,
    office_cancel,
    office_return,
    office_amendment,
)
tables = (ORDERS,)
places = (Place("/office/orders", N_("Orders"), "orders", "o", "orders.read", "sales", 10),)
# Four indexes are asked for every word; somebody who waits for an order waits that long.
finders = (Finder("orders", N_("Orders"), "orders", "orders.read", _find, budget_ms=600),)
slots = (
    Answerer("account.orders", "orders", "orders/of_account.html", 500, _own_orders),
    Answerer("office.customer", "orders", "orders/of_customer.html", 500, _of_customers),
    Answerer("office.customer.orders", "orders", "orders/customer_orders.html", 400, _sums),
    Answerer("office.customer.bought", "orders", "orders/customer_bought.html", 400, _sums),
    Answerer("office.customer.last", "orders", "orders/customer_last.html", 400, _sums),
    Answerer("office.payment.purpose", "orders", "orders/number.html", 300, _numbers),
)
