"""The audit log: who changed what, when, from where and why; and one change with old and new side by side."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct
from msgspec.structs import replace

from lotse.kernel import audit
from lotse.kernel.audit import Change
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.table import Column, Nothing, Option, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

AUDIT = "/office/audit"
_DIFFERENCES = 2
ORIGINS: dict[str, str] = {
    "page": N_("back office"),
    "api": N_("API"),
    "job": N_("job"),
    "event": N_("reaction to an event"),
    "cli": N_("command line"),
}
# What people call the kinds of things, and where in the back office a thing has its page (`{}`: its id) for whom. A
# kind of somebody's own domain stands as it is.
THINGS: dict[str, tuple[str, str, str]] = {
    "catalog.category": (N_("Category"), "/office/categories", "catalog.read"),
    "catalog.product": (N_("Article"), "/office/products/{}", "catalog.read"),
    "catalog.variant": (N_("Variant"), "", ""),
    "checkout.shipping_rate": (N_("Delivery cost"), "", ""),
    "content.menu": (N_("Menu"), "/office/menus", "content.read"),
    "content.page": (N_("Page"), "/office/content/{}", "content.read"),
    "content.redirect": (N_("Redirect"), "/office/redirects/{}", "content.read"),
    "customers.customer": (N_("Customer"), "/office/customers/{}", "customers.read"),
    "experiments.experiment": (N_("Experiment"), "/office/experiments", "experiments.read"),
    "inventory.document": (N_("Goods moved"), "", ""),
    "inventory.location": (N_("Location"), "", ""),
    "inventory.shop_locations": (N_("Places that serve a shop"), "", ""),
    "kernel.field_master": (N_("Master of a field"), "/office/differences", "imports.read"),
    "kernel.mail": (N_("Mail"), "/office/mails/{}", "mail.read"),
    "kernel.mail_text": (N_("Text of a mail"), "", ""),
    "kernel.role": (N_("Role"), "/office/roles/{}", "staff.read"),
    "kernel.staff": (N_("Staff account"), "/office/staff/{}", "staff.read"),
    "kernel.token": (N_("API token"), "", ""),
    "kernel.waiting": (N_("Waiting room"), "/office/waiting", "waiting.read"),
    "kernel.webhook_endpoint": (N_("Webhook"), "/office/webhooks/{}", "webhooks.read"),
    "media.fetch": (N_("Pictures and files"), "/office/media", "media.read"),
    "offers.offer": (N_("Offer"), "/office/offers", "offers.read"),
    "orders.order": (N_("Order"), "/office/orders/{}", "orders.read"),
    "parties.legal_entity": (N_("Company"), "", ""),
    "parties.party": (N_("Person or organisation"), "", ""),
    "parties.shop": (N_("Shop"), "", ""),
    "payments.payment": (N_("Payment"), "/office/payments/{}", "payments.read"),
    "pricing.price": (N_("Price"), "/office/prices", "pricing.read"),
    "returns.withdrawal": (N_("Withdrawal"), "/office/withdrawals/{}", "orders.read"),
    "search.rule": (N_("Search rule"), "/office/search", "search.read"),
    "search.synonyms": (N_("Synonyms"), "/office/search", "search.read"),
    "tax.rate": (N_("Tax rate"), "", ""),
}


class Line(Struct, frozen=True):
    """One field of a change: what it was and what it is, as text; `None` where it was not there."""

    name: str
    old: str | None
    new: str | None

    @property
    def is_changed(self) -> bool:
        return self.old != self.new

    @property
    def said(self) -> str:
        """In words of a file: `name: old → new`."""
        change = " → ".join(text for text in (self.old, self.new) if text is not None)
        return f"{self.name}: {change}" if self.name else change


# -- the table


class AuditRow(Struct, frozen=True):
    """A change in the table. `what` says its first differences in one line."""

    id: UUID
    kind: str
    subject: str
    actor: str
    old: Any
    new: Any
    reason: str | None
    recorded_at: datetime
    origin_kind: str
    address: str
    bulk_id: UUID | None
    what: str = ""

    @property
    def is_bulk(self) -> bool:
        return self.bulk_id == self.id

    @property
    def thing_id(self) -> str:
        """Which thing of its kind; empty where there is one only, or many."""
        id = self.subject.partition(":")[2]
        return "" if id == "*" else id

    @property
    def differences(self) -> list[Line]:
        """The first few fields that differ: the change's own page has all of them."""
        return [line for line in lines(self.old, self.new) if line.is_changed][:_DIFFERENCES]


async def _said(conn: Connection, scope: Scope, rows: list[AuditRow]) -> list[AuditRow]:
    return [replace(row, what="; ".join(line.said for line in row.differences)) for row in rows]


async def _kinds(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {kind: Option(THINGS[kind][0] if kind in THINGS else kind) for kind in await audit.kinds(conn)}


async def _actors(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    actors = await audit.actors(conn)
    names = await names_of(conn, actors)
    return {actor: Option(names[actor]) for actor in sorted(actors, key=lambda one: names[one].casefold())}


AUDIT_TABLE = Table(
    name="kernel.audit",
    path=AUDIT,
    title=N_("Audit log"),
    text=N_("Who changed what, when, from where and why. It only grows."),
    icon="history",
    right="audit.read",
    where="everywhere",
    statement=audit.SQL.audit_table,
    row=AuditRow,
    key="id",
    row_path=AUDIT + "/{}",
    # The time of the change and not of its entry: a replay of 2011 stands in 2011.
    order="-recorded_at",
    fill=_said,
    columns=(
        Column("recorded_at", N_("When"), kind="moment", sort=True, filter="range", link=True, phone="title"),
        Column("actor", N_("Who"), kind="choice", filter="choice", choices=_actors),
        Column("kind", N_("Thing"), kind="choice", filter="choice", choices=_kinds, template="signin/cell_thing.html"),
        Column("what", N_("What"), template="signin/cell_change.html"),
        Column("reason", N_("Why")),
        Column(
            "origin_kind",
            N_("Origin"),
            kind="choice",
            filter="choice",
            options={code: Option(label) for code, label in ORIGINS.items()},
            template="signin/cell_origin.html",
        ),
        Column("address", N_("Address"), kind="code", shown=False),
        Column(
            "subject",
            N_("One thing"),
            kind="code",
            filter="equals",
            # Also as one of many: then the entry of all of them.
            condition="t.id in (select coalesce(a.bulk_id, a.id) from kernel.audit a where a.subject = :value)",
            shown=False,
        ),
    ),
    nothing=Nothing(
        N_("Nothing was changed yet"), N_("Every change stands here as soon as it is made, and stays for good.")
    ),
)


# -- one change


@get(f"{AUDIT}/{{entry_id:uuid}}", guards=[needs("audit.read")])
async def entry_page(
    view: View,
    database: Database,
    principal: Principal,
    entry_id: UUID,
    cursor: Annotated[str | None, Parameter(max_length=500)] = None,
) -> Response[str]:
    """One change: old and new beside each other, from where it came, and what happened to the thing before and after.
    Refusals: `NotFound`, `BadCursor`."""
    async with database.reading() as conn:
        change = await audit.entry(conn, id=entry_id)
        if change is None:
            raise NotFound(what="change", id=str(entry_id))
        rows = await audit.rows_of(conn, bulk_id=entry_id, cursor=cursor) if change.is_bulk else None
        history = [] if change.is_bulk else await audit.history(conn, subject=change.subject, limit=30)
        names = await names_of(conn, {change.actor, *(one.actor for one in history)})
    return view.show(
        "signin/audit_one.html",
        change=change,
        lines=lines(change.old, change.new),
        rows=[(row, lines(row.old, row.new)) for row in rows.items] if rows else [],
        next=view.href(f"{AUDIT}/{entry_id}", cursor=rows.next) if rows and rows.next else "",
        history=history,
        names=names,
        origins=ORIGINS,
        thing=partial(thing, principal),
    )


routes = (*table_routes(AUDIT_TABLE), entry_page)
tables = (AUDIT_TABLE,)


def lines(before: Any, after: Any) -> list[Line]:
    """A change field by field, those that differ first."""
    old, new = _fields(before), _fields(after)
    found = [Line(name, _text(old, name), _text(new, name)) for name in sorted({*old, *new})]
    return sorted(found, key=lambda line: not line.is_changed)


def thing(principal: Principal, change: Change) -> tuple[str, str, str]:
    """What was changed: what people call its kind, its id, and the address of its page if this person has one."""
    kind, _, id = change.subject.partition(":")
    name, page, right = THINGS.get(kind, (kind, "", ""))
    # Some are known by a code as well, for which there is no page.
    leads = page and principal.may_everywhere(right) and ("{}" not in page or _is_id(id))
    return name, id, page.format(id) if leads else ""


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {"": value}


def _text(fields: dict[str, Any], name: str) -> str | None:
    if name not in fields:
        return None
    value = fields[name]
    if isinstance(value, str):
        return value
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "✓" if value else "✗"
    text = msgspec.json.encode(value)
    return (msgspec.json.format(text, indent=2) if isinstance(value, (dict, list)) else text).decode()
