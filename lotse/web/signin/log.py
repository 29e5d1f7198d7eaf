"""The audit log: who changed what, when, from where and why; and one change with old and new side by side."""

from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Annotated, Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response, get
from litestar.params import Parameter
from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.audit import Asked, Change, OriginKind
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

AUDIT = "/office/audit"
_PAGE = 50
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

Word = Annotated[str, Parameter(max_length=200)]


class Line(Struct, frozen=True):
    """One field of a change: what it was and what it is, as text; `None` where it was not there."""

    name: str
    old: str | None
    new: str | None

    @property
    def is_changed(self) -> bool:
        return self.old != self.new


@get(AUDIT, guards=[needs("audit.read")])
async def audit_page(
    view: View,
    database: Database,
    principal: Principal,
    subject: Word = "",
    kind: Word = "",
    actor: Word = "",
    origin: Word = "",
    since: Word = "",
    until: Word = "",
    cursor: Annotated[str | None, Parameter(max_length=500)] = None,
) -> Response[str]:
    """The log, the newest first, with filters. Refusal: `BadCursor`."""
    asked = Asked(
        subject=subject.strip() or None,
        kind=kind or None,
        actor=actor or None,
        origin_kind=cast("OriginKind", origin) if origin in ORIGINS else None,
        since=_day(since, view.zone),
        until=_day(until, view.zone, days=1),
    )
    async with database.reading() as conn:
        page = await audit.log(conn, asked, cursor=cursor, limit=_PAGE)
        kinds, actors = await audit.kinds(conn), await audit.actors(conn)
        names = await names_of(conn, {*actors, *(change.actor for change in page.items)})
    kept = {"subject": subject, "kind": kind, "actor": actor, "origin": origin, "since": since, "until": until}
    return view.show(
        "signin/audit.html",
        changes=[(change, lines(change)) for change in page.items],
        names=names,
        kinds=[(one, THINGS[one][0] if one in THINGS else one) for one in kinds],
        actors=sorted(actors, key=lambda one: names[one].casefold()),
        origins=ORIGINS,
        asked=kept,
        is_filtered=any(kept.values()),
        thing=partial(thing, principal),
        next=view.href(AUDIT, **kept, cursor=page.next) if page.next else "",
        first=view.href(AUDIT, **kept) if cursor else "",
    )


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
        lines=lines(change),
        rows=[(row, lines(row)) for row in rows.items] if rows else [],
        next=view.href(f"{AUDIT}/{entry_id}", cursor=rows.next) if rows and rows.next else "",
        history=history,
        names=names,
        origins=ORIGINS,
        thing=partial(thing, principal),
    )


routes = (audit_page, entry_page)


def lines(change: Change) -> list[Line]:
    """A change field by field, those that differ first."""
    old, new = _fields(change.old), _fields(change.new)
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


def _day(text: str, zone: str, *, days: int = 0) -> datetime | None:
    """Midnight of a typed day in the shop's zone; what is no day filters nothing."""
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=days), time(), ZoneInfo(zone))
    except (ValueError, OverflowError):
        return None
