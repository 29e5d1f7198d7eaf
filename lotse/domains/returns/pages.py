"""The withdrawal function: from any page without an account, from an order's own page; what staff sees of it.

Two steps, as s. 356a BGB has it: what is called "Withdraw from contract" on every page leads to a form, and the one
button of the form says "Confirm withdrawal". The answer is the acknowledgement: what was declared, on which day and at
what time, to be kept.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.orders.contracts import ORDER_LINK, Above, Order, OrderUnknown
from lotse.domains.orders.queries import order as read_order
from lotse.domains.parties.contracts import Shop
from lotse.domains.parties.queries import legal_entity
from lotse.domains.returns import commands, queries
from lotse.domains.returns.contracts import (
    WITHDRAWAL_LINK,
    Declare,
    NotOfThisOrder,
    Withdrawal,
    WithdrawalListing,
    WithdrawalUnknown,
)
from lotse.domains.returns.queries import WITHDRAWAL
from lotse.domains.returns.rules import ends, is_unsent, parts_of
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs, public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import Column, Nothing, Option, Preset, Scope, Table
from lotse.kernel.pages.view import View

REFUSED = {
    "invalid": N_("Please check what you entered."),
    "nothing-named": N_("Please say for at least one article how many pieces you withdraw from."),
    "not-of-this-order": N_("The order has fewer pieces left than that. Please check the numbers."),
    "too-many-declarations": N_(
        "Very many declarations came from this mail address today. All of them count; for more, please write to us."
    ),
    "already-settled": N_("Somebody has settled it already."),
}
WRONG_EMAIL = N_("Please enter an e-mail address like anna@example.org.")
WAYS = {"form": Option(N_("form")), "order": Option(N_("order page"))}
STATES = {"open": Option(N_("open"), "warn"), "settled": Option(N_("settled"), "good")}
_NO_STORE = {"Cache-Control": "private, no-store"}
_EMAIL = r"^\s*[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+\s*$"


class Typed(Struct, frozen=True):
    """The public form."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    order_number: Annotated[str, Meta(min_length=1, max_length=80)]
    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]
    what: Annotated[str, Meta(max_length=2000)] = ""


class TypedOfOrder(Struct, frozen=True):
    """The form of an order's own page; the pieces of each line come beside it, as `take.<position>`."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    email: Annotated[str, Meta(min_length=3, max_length=254, pattern=_EMAIL)]


class Note(Struct, frozen=True):
    """What staff says about how it was settled."""

    note: Annotated[str, Meta(max_length=2000)] = ""


@get("/withdraw", guards=[public], opt={"waits": False})
async def withdraw(
    view: View, draft: Draft | None, number: Annotated[str, Parameter(query="order", max_length=80)] = ""
) -> Response[str]:
    """The form for everybody: who, which contract, where the acknowledgement goes."""
    form: Form[Typed] = Form.drafted(draft, Typed)
    return view.show(
        "returns/withdraw.html",
        form=form,
        number=number,
        refused=None if form.errors else refused(view, draft, REFUSED),
        headers=_NO_STORE,
    )


@post("/withdraw", guards=[public], opt={"waits": False})
async def confirm(
    request: Request[Any, Any, Any], database: Database, shop: Shop, links: Links, at: datetime
) -> Redirect:
    """Declare. Refusals: `FormIncomplete`, `Invalid`, `TooManyDeclarations`."""
    form = await request.form()
    typed = checked(form, Typed, messages={"email": WRONG_EMAIL})
    declare = Declare(name=typed.name, order_number=typed.order_number, email=typed.email, what=typed.what)
    async with database.transaction() as tx:
        declared = await commands.declare(
            tx, shop=shop, declare=declare, way="form", language=_language(form, shop), at=at
        )
    return Redirect(f"/withdrawn/{links.sign(WITHDRAWAL_LINK, declared.id)}", status_code=303)


@get("/order/{token:str}/withdraw", guards=[public], opt={"waits": False})
async def withdraw_order(
    view: View, database: Database, links: Links, draft: Draft | None, token: str
) -> Response[str]:
    """The form of one order: which of its lines, all of them to begin with."""
    order_id = links.read(ORDER_LINK, token)
    async with database.reading() as conn:
        order = await _existing(conn, order_id)
        before = await queries.withdrawals_of(conn, order_ids=[order_id])
    goods = [line for line in order.lines if line.kind == "goods" and line.taken_back < line.quantity]
    await view.ask({"line.picture": [line.variant_id for line in goods if line.variant_id]})
    form: Form[TypedOfOrder] = Form.drafted(draft, TypedOfOrder)
    return view.show(
        "returns/withdraw_order.html",
        order=order,
        goods=goods,
        before=before.get(order_id, []),
        form=form,
        typed=draft.typed if draft else {},
        token=token,
        refused=None if form.errors else refused(view, draft, REFUSED),
        headers=_NO_STORE,
    )


@post("/order/{token:str}/withdraw", guards=[public], opt={"waits": False})
async def confirm_order(
    request: Request[Any, Any, Any], database: Database, shop: Shop, links: Links, at: datetime, token: str
) -> Redirect:
    """Declare for lines of an order. Refusals: `LinkInvalid`, `OrderUnknown`, `FormIncomplete`, `NotOfThisOrder`,
    `NothingNamed`, `TooManyDeclarations`."""
    order_id = links.read(ORDER_LINK, token)
    form = await request.form()
    typed = checked(form, TypedOfOrder, messages={"email": WRONG_EMAIL})
    async with database.transaction() as tx:
        order = await _existing(tx, order_id)
        declare = Declare(
            name=typed.name, order_number=order.number, email=typed.email, parts=parts_of(order, _pieces(form))
        )
        declared = await commands.declare(
            tx, shop=shop, declare=declare, way="order", language=_language(form, shop), at=at, order_id=order_id
        )
    return Redirect(f"/withdrawn/{links.sign(WITHDRAWAL_LINK, declared.id)}", status_code=303)


@get("/withdrawn/{token:str}", guards=[public], opt={"waits": False})
async def withdrawn(view: View, database: Database, shop: Shop, links: Links, token: str) -> Response[str]:
    """The acknowledgement, at an address of its own."""
    async with database.reading() as conn:
        found = await _declared(conn, links.read(WITHDRAWAL_LINK, token))
        order = await read_order(conn, order_id=found.order_id) if found.order_id else None
        entity = await legal_entity(conn, legal_entity_id=order.legal_entity_id if order else shop.legal_entity_id)
    return view.show(
        "returns/withdrawn.html",
        withdrawal=found,
        is_unsent=order is not None and is_unsent(order),
        is_ended=order is not None and ends(order, [found]),
        entity=entity,
        token=token,
        headers=_NO_STORE,
    )


@get("/withdrawn/{token:str}/receipt.txt", guards=[public], opt={"waits": False})
async def receipt(view: View, database: Database, links: Links, token: str) -> Response[str]:
    """The acknowledgement as a file to keep."""
    async with database.reading() as conn:
        found = await _declared(conn, links.read(WITHDRAWAL_LINK, token))
    text = re.sub(r"\n{3,}", "\n\n", view.render("returns/receipt.html", withdrawal=found))
    headers = {**_NO_STORE, "Content-Disposition": f'attachment; filename="{found.number}.txt"'}
    return Response(text.strip() + "\n", media_type="text/plain", headers=headers)


class Declared(Struct, frozen=True):
    """What was declared of an order, and whether its goods are still here."""

    withdrawals: list[Withdrawal]
    is_unsent: bool


async def _above(connection: Connection, ask: Ask) -> Mapping[UUID, Above]:
    """What was declared of orders. One order is shown at a time."""
    above: dict[UUID, Above] = {}
    for id, withdrawals in (await queries.withdrawals_of(connection, order_ids=ask.ids)).items():
        order = await _existing(connection, id)
        above[id] = Above(Declared(withdrawals, is_unsent(order)), ends(order, withdrawals))
    return above


async def _way_to_the_form(connection: Connection, ask: Ask) -> Mapping[UUID, bool]:
    """Every order has one."""
    return dict.fromkeys(ask.ids, True)


async def _declared_of(connection: Connection, ask: Ask) -> Mapping[UUID, list[Withdrawal]]:
    return await queries.withdrawals_of(connection, order_ids=ask.ids)


# -- the back office


def _within(scope: Scope) -> dict[str, Any]:
    columns = scope.within(by=("shop",)).columns()
    return {name: columns[name] for name in ("everything", "in_shops")}


WITHDRAWALS = Table(
    name="returns.withdrawals",
    path="/office/withdrawals",
    title=N_("Withdrawals"),
    icon="return",
    right="orders.read",
    where="narrowed",
    statement=queries.READS.withdrawal_table,
    params=_within,
    row=WithdrawalListing,
    key="id",
    label="number",
    row_path="/office/withdrawals/{}",
    order="-id",
    columns=(
        Column("number", N_("Number"), kind="code", link=True, phone="title"),
        Column("declared_at", N_("Declared"), kind="moment", filter="range"),
        Column("order_number", N_("Order")),
        Column("matched", N_("Order found"), kind="flag", filter="flag"),
        Column("name", N_("Customer"), empty=N_("erased or unknown")),
        Column("email", N_("Mail"), shown=False),
        Column("way", N_("Way"), kind="choice", filter="choice", options=WAYS),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES),
    ),
    presets=(Preset(N_("To be settled"), "state=open"),),
    nothing=Nothing(
        N_("No withdrawals"),
        N_("Whoever withdraws from a contract on the web appears here at once, with day and time."),
    ),
)


@get("/office/withdrawals/{withdrawal_id:uuid}", guards=[needs("orders.read", WITHDRAWAL)])
async def office_withdrawal(
    view: View, database: Database, principal: Principal, draft: Draft | None, withdrawal_id: UUID
) -> Response[str]:
    """One declaration: what it says, which order it names, what staff did."""
    async with database.reading() as conn:
        found = await _declared(conn, withdrawal_id)
        names = await names_of(conn, {found.settled_by} if found.settled_by else set())
        whose = await queries.whose(conn, withdrawal_id)
    return view.show(
        "returns/office_withdrawal.html",
        withdrawal=found,
        names=names,
        ways=WAYS,
        may_write=whose is not None and principal.covers("orders.write", whose.freed(WITHDRAWAL.free)),
        refused=refused(view, draft, REFUSED, fields=False),
        headers=_NO_STORE,
    )


@post(
    "/office/withdrawals/{withdrawal_id:uuid}",
    guards=[needs("orders.write", WITHDRAWAL)],
    opt={"form": "/office/withdrawals/{withdrawal_id}"},
)
async def settle(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, withdrawal_id: UUID
) -> Redirect:
    """Say that it is dealt with. Refusals: `FormIncomplete`, `WithdrawalUnknown`, `AlreadySettled`."""
    typed = checked(await request.form(), Note)
    async with database.transaction() as tx:
        await commands.settle(tx, withdrawal_id=withdrawal_id, note=typed.note, by=str(principal), at=at)
    return Redirect(f"/office/withdrawals/{withdrawal_id}?done=saved", status_code=303)


async def _declared(conn: Connection, withdrawal_id: UUID) -> Withdrawal:
    found = await queries.withdrawal(conn, withdrawal_id=withdrawal_id)
    if found is None:
        raise WithdrawalUnknown(withdrawal=str(withdrawal_id))
    return found


async def _existing(conn: Connection, order_id: UUID) -> Order:
    found = await read_order(conn, order_id=order_id)
    if found is None:
        raise OrderUnknown(order=str(order_id))
    return found


def _pieces(form: Mapping[str, Any]) -> dict[int, int]:
    """What was typed per line. Refusal: `NotOfThisOrder` for what is no number."""
    found: dict[int, int] = {}
    for name, text in form.items():
        position = name.removeprefix("take.")
        if position == name or not re.fullmatch("[0-9]{1,4}", position):
            continue
        if not re.fullmatch("[0-9]{0,9}", str(text).strip()):
            raise NotOfThisOrder(position=int(position))
        found[int(position)] = int(str(text).strip() or 0)
    return found


def _language(form: Mapping[str, Any], shop: Shop) -> str:
    language = str(form.get("language", ""))
    return language if language in shop.languages else shop.language


routes = (
    withdraw,
    confirm,
    withdraw_order,
    confirm_order,
    withdrawn,
    receipt,
    *table_routes(WITHDRAWALS),
    office_withdrawal,
    settle,
)
tables = (WITHDRAWALS,)
places = (Place("/office/withdrawals", N_("Withdrawals"), "return", "", "orders.read", "sales", 15),)
slots = (
    Answerer("order.above", "returns", "returns/above_order.html", 300, _above),
    Answerer("order.below", "returns", "returns/of_order.html", 300, _way_to_the_form),
    Answerer("office.order", "returns", "returns/office_of_order.html", 300, _declared_of),
)
