"""Customers in the back office: the table, one of them, what they may ask for by law."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.customers import commands, queries
from lotse.domains.customers.contracts import (
    CustomerRow,
    EditCustomer,
)
from lotse.domains.customers.queries import CUSTOMER
from lotse.domains.customers.rules import edit_of, is_email
from lotse.domains.parties.queries import shops_by_ids
from lotse.kernel import privacy
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.editing import Editor, same_version, shown, typed_in
from lotse.kernel.pages.finders import Finder, Found
from lotse.kernel.pages.forms import Error, Form, FormIncomplete, checked
from lotse.kernel.pages.history import history_of
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Column, Field, Nothing, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

NOT_AN_ADDRESS = N_("Please enter an e-mail address like anna@example.org.")
NOT_THE_NUMBER = N_("Type the customer's number to confirm.")


def _within(scope: Scope) -> dict[str, Any]:
    columns = scope.within(by=("shop",), free=("location",)).columns()
    return {name: columns[name] for name in ("everything", "in_shops")}


async def _named(conn: Connection, scope: Scope, rows: list[CustomerRow]) -> list[CustomerRow]:
    """Rows with names and mail addresses."""
    names = await queries.named(conn, party_ids=[row.party_id for row in rows])
    return [
        replace(row, name=one.name, email=one.email, phone=one.phone) if (one := names.get(row.party_id)) else row
        for row in rows
    ]


CUSTOMERS = Table(
    name="customers.customers",
    path="/office/customers",
    title=N_("Customers"),
    icon="people",
    right="customers.read",
    where="narrowed",
    statement=queries.READS.customer_table,
    params=_within,
    row=CustomerRow,
    key="id",
    label="number",
    row_path="/office/customers/{}",
    order="-id",
    fill=_named,
    columns=(
        Column("name", N_("Name"), link=True, phone="title", empty=N_("erased or unknown")),
        Column("number", N_("Number"), kind="code"),
        Column("email", N_("Mail")),
        Column("phone", N_("Telephone"), shown=False),
        # What upper domains know of them.
        Column("orders", N_("Orders"), kind="number", slot="office.customer.orders"),
        Column("bought", N_("Bought in all"), kind="money", slot="office.customer.bought"),
        Column("last", N_("Last order"), slot="office.customer.last"),
        Column("customer_group", N_("Price group"), kind="code", filter="equals"),
        Column("created_at", N_("Since"), kind="moment", filter="range"),
    ),
    search=Search(
        "((t.number ~>=~ :begins and t.number ~<~ (:begins || chr(1114111)))"
        " or t.party_id in (select f.party_id from parties.find(:begins, :at_most) f))",
        queries.begins,
        N_("Number, name or mail address"),
    ),
    nothing=Nothing(
        N_("No customers yet"),
        N_(
            "Whoever orders with an account, or comes with an import, is listed here. Guests are found by their orders."
        ),
    ),
)


async def _find(conn: Connection, scope: Scope, typed: str) -> list[Found]:
    """For the command palette."""
    shops = scope.principal.within("customers.read", by=("shop",), free=("location",)).shops
    found = await queries.found(conn, text=typed, shop_ids=shops, limit=6)
    return [
        Found(
            named.name if named else row.number,
            f"/office/customers/{row.id}",
            " · ".join(part for part in (row.number, named.email if named else "") if part),
        )
        for row, named in found
    ]


class Erasing(Struct, frozen=True):
    """What is typed to erase somebody: their number, so that nobody does it in passing."""

    number: Annotated[str, Meta(min_length=1, max_length=40)]


LABELS = {
    "name": N_("Name"),
    "email": N_("Mail"),
    "phone": N_("Telephone"),
    "customer_group": N_("Price group"),
}


class Edited(EditCustomer, frozen=True, kw_only=True):
    """What is typed to change a customer, and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


def _check(typed: Edited) -> dict[str, str]:
    return {} if not typed.email or is_email(typed.email) else {"email": NOT_AN_ADDRESS}


EDITOR = Editor(
    Edited,
    (
        *(Field(name, label, required=name == "name") for name, label in LABELS.items()),
        Field("reason", N_("Reason")),
    ),
    check=_check,
)


@get("/office/customers/{customer_id:uuid}", guards=[needs("customers.read", CUSTOMER)])
async def office_customer(
    view: View, database: Database, principal: Principal, draft: Draft | None, customer_id: UUID
) -> Response[str]:
    """One customer: how they are reached, what they bought, who changed what, what may be erased."""
    async with database.reading() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        addresses = await queries.addresses(conn, customer_id=customer_id)
        shops = await shops_by_ids(conn, shop_ids=[found.shop_id])
        changes = await history_of(conn, f"customers.customer:{customer_id}")
        whose = await queries.whose(conn, customer_id)
    await view.ask({"office.customer": [customer_id]})
    mine = CUSTOMER.free
    return view.show(
        "customers/office_customer.html",
        customer=found,
        addresses=addresses,
        shop_name=shops[0].name if shops else "",
        changes=changes,
        labels=LABELS,
        editing=shown(EDITOR, view, draft, now=edit_of(found)),
        form=Form.drafted(draft, Erasing),
        may_write=whose is not None and principal.covers("customers.write", whose.freed(mine)),
        may_erase=whose is not None and principal.covers("customers.erase", whose.freed(mine)),
        headers={"Cache-Control": "private, no-store"},
    )


@post(
    "/office/customers/{customer_id:uuid}",
    guards=[needs("customers.write", CUSTOMER)],
    opt={"form": "/office/customers/{customer_id}"},
)
async def edit(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, customer_id: UUID
) -> Redirect:
    """Change a customer by hand. Refusals: `FormIncomplete`, `UnknownCustomer`, `ChangedMeanwhile`.

    No key: the version that the form carries lets a second press find its work done.
    """
    form = await request.form()
    typed = typed_in(EDITOR, form)
    async with database.transaction() as tx:
        same_version(EDITOR, form, now=edit_of(await commands.locked_customer(tx, customer_id=customer_id)))
        await commands.edit_customer(
            tx, customer_id=customer_id, edited=typed, by=str(principal), reason=typed.reason, at=at
        )
    return Redirect(f"/office/customers/{customer_id}?done=saved", status_code=303)


@get("/office/customers/{customer_id:uuid}/export.json", guards=[needs("customers.erase", CUSTOMER)])
async def export(database: Database, customer_id: UUID) -> Response[bytes]:
    """Everything that is kept about the person (art. 15 and 20 GDPR), for them."""
    async with database.snapshot() as conn:
        found = await queries.customer(conn, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        kept = await privacy.export(conn, party_id=found.party_id)
    body = msgspec.json.format(msgspec.json.encode(kept), indent=2)
    headers = {
        "Content-Disposition": f'attachment; filename="customer-{customer_id}.json"',
        "Cache-Control": "private, no-store",
    }
    return Response(body, media_type="application/json", headers=headers)


@post(
    "/office/customers/{customer_id:uuid}/erase",
    guards=[needs("customers.erase", CUSTOMER)],
    opt={"form": "/office/customers/{customer_id}"},
)
async def erase(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, customer_id: UUID
) -> Redirect:
    """Erase what names the person, as far as the law lets us (art. 17 GDPR). Again does no harm.

    Refusals: `FormIncomplete`, `NotFound`.
    """
    typed = checked(await request.form(), Erasing)
    async with database.transaction() as tx:
        found = await queries.customer(tx, customer_id=customer_id)
        if found is None:
            raise NotFound(what="customer", id=str(customer_id))
        if typed.number.strip() != found.number:
            raise FormIncomplete(errors={"number": Error(NOT_THE_NUMBER)})
        await privacy.erase(tx, party_id=found.party_id, actor=str(principal), at=at)
    return Redirect(f"/office/customers/{customer_id}?done=erased", status_code=303)


finders = (Finder("customers", N_("Customers"), "people", "customers.read", _find, budget_ms=400),)
