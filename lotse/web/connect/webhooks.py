"""Webhooks on the back office's pages: endpoints, what can be done with them, and the newest of what they were sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.parties.queries import shops
from lotse.kernel import audit
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import (
    Action,
    Bulk,
    Change,
    Column,
    Edit,
    Field,
    No,
    Nothing,
    Option,
    Preset,
    Scope,
    Search,
    Table,
    Work,
)
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.settings import Settings
from lotse.kernel.webhooks import commands, queries
from lotse.kernel.webhooks.contracts import EndpointState
from lotse.web.connect.shown import DELIVERY_STATES, to

WEBHOOKS = "/office/webhooks"
# Rows of a page here: people look, programs have the API.
SHOWN = 50
# The newest deliveries on the page of their endpoint; the list has them all.
_NEWEST = 12
_CHANGES = 10

ENDPOINT_STATES: Mapping[str, Option] = {
    "active": Option(N_("Active"), "good"),
    "paused": Option(N_("Paused"), "warn"),
    "off": Option(N_("Off")),
}
REFUSED = {
    "address-not-allowed": N_("Webhooks cannot be sent to this address. It must be %(rule)s."),
    "endpoint-off": N_("This endpoint is switched off. Switch it on first."),
    "too-many-endpoints": N_("There are %(most)s endpoints already. Switch one off first."),
    "invalid": N_("This does not look right: %(rule)s."),
}
SWITCHED_OFF = N_("It is switched off. Resume it on its own page: then it gets what happens from now on.")


class EndpointForm(Struct, frozen=True):
    """What is typed for an endpoint: types of events one per line, shops by id."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    url: Annotated[str, Meta(min_length=8, max_length=2_000)]
    types: Annotated[str, Meta(max_length=5_000)] = ""


class ReplayForm(Struct, frozen=True):
    """From which event on; without an end up to the newest."""

    first: Annotated[int, Meta(ge=1, le=2**62)]
    last: Annotated[int, Meta(ge=1, le=2**62)] | None = None


# -- the table


class EndpointRow(Struct, frozen=True):
    """An endpoint in the table; `waiting` and `failed` count its deliveries that are open."""

    id: UUID
    name: str
    url: str
    state: EndpointState
    reason: str
    failures: int
    failing_since: datetime | None
    types: str
    created_at: datetime
    waiting: int = 0
    failed: int = 0


class ToState(Struct, frozen=True):
    """What is typed to pause or resume many endpoints."""

    state: Literal["active", "paused"]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


async def _with_counts(conn: Connection, scope: Scope, rows: list[EndpointRow]) -> list[EndpointRow]:
    counts = await queries.counts(conn)
    return [replace(row, **{state: one.deliveries for state, one in counts.get(row.id, {}).items()}) for row in rows]


def _to_state(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    return No(SWITCHED_OFF) if now["state"] == "off" else {"state": work.typed.state}


async def _now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    return {one.id: {"state": one.state} for one in await queries.endpoints(conn) if one.id in ids}


async def _write(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    # In the order of who holds all endpoints.
    for change in sorted(changes, key=lambda change: change.id):
        await commands.switch(
            tx,
            endpoint_id=change.id,
            state=change.new["state"],
            reason=work.reason,
            by=work.scope.by,
            at=work.scope.at,
        )
    return {}


ENDPOINT_TABLE = Table(
    name="kernel.webhook_endpoints",
    path=WEBHOOKS,
    title=N_("Webhooks"),
    text=N_("Events, sent to other systems: signed, in order, until they arrive."),
    icon="hook",
    right="webhooks.read",
    where="everywhere",
    statement=queries.SQL.endpoint_table,
    row=EndpointRow,
    key="id",
    label="name",
    row_path=WEBHOOKS + "/{}",
    order="name",
    fill=_with_counts,
    columns=(
        Column("name", N_("Name"), sort="lower(t.name)", link=True, phone="title"),
        Column(
            "state",
            N_("State"),
            kind="choice",
            filter="choice",
            options=ENDPOINT_STATES,
            template="connect/cell_endpoint_state.html",
        ),
        Column("waiting", N_("Waiting"), template="connect/cell_open_deliveries.html"),
        Column("failed", N_("Given up"), template="connect/cell_open_deliveries.html"),
        Column("types", N_("Events"), empty=N_("all")),
        Column("url", N_("Address"), kind="code"),
        Column("failing_since", N_("Failing since"), kind="moment", shown=False),
        Column("created_at", N_("Since"), kind="moment", shown=False),
    ),
    # A handful: no index is needed.
    search=Search(
        "lower(t.name) like :words or lower(t.url) like :words",
        lambda text: {"words": f"%{text.lower()}%"},
        N_("Name or address"),
    ),
    presets=(
        Preset(N_("Active"), "state=active"),
        Preset(N_("Paused"), "state=paused"),
        Preset(N_("Off"), "state=off"),
    ),
    edit=Edit(
        right="webhooks.write",
        columns=("state",),
        now=_now,
        write=_write,
        bulks=(
            Bulk(
                "state",
                N_("Pause or resume"),
                ToState,
                (
                    Field(
                        "state",
                        N_("State"),
                        kind="choice",
                        options={"paused": N_("Paused"), "active": N_("Active")},
                        value="paused",
                    ),
                    Field("reason", N_("Why")),
                ),
                _to_state,
            ),
        ),
    ),
    actions=(
        Action(N_("Deliveries"), "/office/deliveries", "webhooks.read", "list"),
        Action(N_("New endpoint"), f"{WEBHOOKS}/new", "webhooks.write", "plus"),
    ),
    nothing=Nothing(
        N_("No endpoints yet"),
        N_(
            "An endpoint is an address of another system, for example your ERP, that hears of orders and changes as"
            " they happen."
        ),
        Action(N_("New endpoint"), f"{WEBHOOKS}/new", "webhooks.write"),
    ),
)


# -- one endpoint


@get(f"{WEBHOOKS}/new", guards=[needs("webhooks.write")])
async def office_new_webhook(view: View, database: Database, draft: Draft | None) -> Response[str]:
    """The form for a new endpoint."""
    async with database.reading() as conn:
        types = await queries.known_types(conn)
        known = (await shops(conn, limit=SHOWN)).items
    form: Form[EndpointForm] = Form.drafted(draft, EndpointForm)
    return view.show(
        "connect/webhook_form.html", form=form, types=types, shops=known, refused=refused(view, draft, REFUSED)
    )


@post(WEBHOOKS, guards=[needs("webhooks.write")], opt={"form": f"{WEBHOOKS}/new"})
async def office_add_webhook(
    request: Request[Any, Any, Any],
    view: View,
    database: Database,
    settings: Settings,
    principal: Principal,
    at: datetime,
) -> Response[str]:
    """Make it, and show its secret this once: hence a page and no redirect."""
    form = await request.form()
    typed = checked(form, EndpointForm)
    async with database.transaction() as tx:
        made = await commands.add_endpoint(
            tx,
            name=typed.name,
            url=typed.url.strip(),
            types=typed.types.split(),
            shop_ids=[UUID(id) for id in form.getall("shop", [])],
            private=settings.webhook_private_addresses,
            by=str(principal),
            at=at,
        )
    return view.show("connect/webhook_secret.html", headers={"Cache-Control": "no-store"}, made=made, fresh=True)


@get(WEBHOOKS + "/{endpoint_id:uuid}", guards=[needs("webhooks.read")])
async def office_webhook(
    view: View, database: Database, principal: Principal, draft: Draft | None, endpoint_id: UUID
) -> Response[str]:
    """One endpoint: how it stands, what can be done, the newest of its deliveries."""
    async with database.reading() as conn:
        endpoint = await queries.endpoint(conn, endpoint_id=endpoint_id)
        newest = await queries.deliveries(conn, endpoint_id=endpoint_id, limit=_NEWEST)
        counts = (await queries.counts(conn)).get(endpoint_id, {})
        changes = await audit.history(conn, subject=f"kernel.webhook_endpoint:{endpoint_id}", limit=_CHANGES)
        names = await names_of(conn, (change.actor for change in changes))
        head = await queries.head(conn)
    form: Form[ReplayForm] = Form.drafted(draft, ReplayForm)
    return view.show(
        "connect/webhook.html",
        endpoint=endpoint,
        deliveries=newest.items,
        counts=counts,
        head=head,
        states=DELIVERY_STATES,
        endpoint_states=ENDPOINT_STATES,
        changes=changes,
        names=names,
        form=form,
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("webhooks.write"),
    )


@post(WEBHOOKS + "/{endpoint_id:uuid}/secret", guards=[needs("webhooks.write")], opt={"form": WEBHOOKS})
async def office_rotate_webhook(
    view: View, database: Database, principal: Principal, at: datetime, endpoint_id: UUID
) -> Response[str]:
    """A new secret, shown this once."""
    async with database.transaction() as tx:
        made = await commands.rotate(tx, endpoint_id=endpoint_id, by=str(principal), at=at)
    return view.show("connect/webhook_secret.html", headers={"Cache-Control": "no-store"}, made=made, fresh=False)


@post(WEBHOOKS + "/{endpoint_id:uuid}/{action:str}", guards=[needs("webhooks.write")], opt={"form": WEBHOOKS})
async def office_change_webhook(
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    endpoint_id: UUID,
    action: str,
) -> Redirect:
    """Ping, pause, resume, switch off, replay."""
    form = await request.form()
    by = str(principal)
    if action == "replay":
        typed = checked(form, ReplayForm)
        await commands.replay(database, endpoint_id=endpoint_id, first=typed.first, last=typed.last, by=by, at=at)
        return to(f"{WEBHOOKS}/{endpoint_id}", "replayed")
    async with database.transaction() as tx:
        if action == "ping":
            await commands.ping(tx, endpoint_id=endpoint_id, at=at)
        elif action == "pause":
            await commands.switch(tx, endpoint_id=endpoint_id, state="paused", reason="by hand", by=by, at=at)
        elif action == "resume":
            await commands.switch(tx, endpoint_id=endpoint_id, state="active", by=by, at=at)
        elif action == "off":
            await commands.switch(tx, endpoint_id=endpoint_id, state="off", reason="by hand", by=by, at=at)
        else:
            raise NotFound(what="action", id=action)
    return to(f"{WEBHOOKS}/{endpoint_id}", "webhook")


routes = (
    *table_routes(ENDPOINT_TABLE),
    office_new_webhook,
    office_add_webhook,
    office_webhook,
    office_rotate_webhook,
    office_change_webhook,
)
tables = (ENDPOINT_TABLE,)
places = (Place(WEBHOOKS, N_("Webhooks"), "hook", "", "webhooks.read", "system", 30),)
