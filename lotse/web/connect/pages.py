"""Pages of the back office about other systems: webhooks with their log, events, imports, differences, jobs."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.parties.queries import shops
from lotse.kernel import audit, consumers, jobs, masters
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.imports import drop, runs
from lotse.kernel.imports.contracts import FileNotTaken, ImportState
from lotse.kernel.masters import Difference
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Table, Tone
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.settings import Settings
from lotse.kernel.webhooks import commands, queries, rules
from lotse.kernel.webhooks.contracts import DeliveryState
from lotse.web.connect.api import MAX_UPLOAD_BYTES, check_field, decide

WEBHOOKS, EVENTS, IMPORTS = "/office/webhooks", "/office/events", "/office/imports"
DIFFERENCES, JOBS = "/office/differences", "/office/jobs"
# Rows of a page here: people look, programs have the API.
SHOWN = 50
_CHANGES = 10
PIECE_BYTES = 256 * 1024

ENDPOINT_STATES = {"active": (N_("Active"), "good"), "paused": (N_("Paused"), "warn"), "off": (N_("Off"), "")}
DELIVERY_STATES = {
    "waiting": (N_("Waiting"), "warn"),
    "delivered": (N_("Delivered"), "good"),
    "failed": (N_("Given up"), "bad"),
    "skipped": (N_("Skipped"), ""),
}
IMPORT_STATES: dict[str, tuple[str, Tone]] = {
    "receiving": (N_("Arriving"), "warn"),
    "waiting": (N_("Waiting"), "warn"),
    "running": (N_("Under way"), "warn"),
    "done": (N_("Done"), "good"),
    "failed": (N_("Stopped"), "bad"),
    "cancelled": (N_("Cancelled"), ""),
}
KINDS = {
    "shops": N_("Shops"),
    "locations": N_("Locations"),
    "articles": N_("Articles"),
    "prices": N_("Prices"),
    "stock": N_("Stock"),
    "customers": N_("Customers"),
}
REFUSED = {
    "address-not-allowed": N_("Webhooks cannot be sent to this address. It must be %(rule)s."),
    "endpoint-off": N_("This endpoint is switched off. Switch it on first."),
    "too-many-endpoints": N_("There are %(most)s endpoints already. Switch one off first."),
    "unknown-import-kind": N_("The kind of this file is not known."),
    "file-not-taken": N_("This file cannot be imported. Expected is %(rule)s."),
    "import-not-open": N_("The import has ended already."),
    "invalid": N_("This does not look right: %(rule)s."),
}

Page = Annotated[str | None, Parameter(query="after", max_length=1_000)]
Words = Annotated[str, Parameter(query="q", max_length=200)]


class EndpointForm(Struct, frozen=True):
    """What is typed for an endpoint: types of events one per line, shops by id."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    url: Annotated[str, Meta(min_length=8, max_length=2_000)]
    types: Annotated[str, Meta(max_length=5_000)] = ""


class ReplayForm(Struct, frozen=True):
    """From which event on; without an end up to the newest."""

    first: Annotated[int, Meta(ge=1, le=2**62)]
    last: Annotated[int, Meta(ge=1, le=2**62)] | None = None


class MasterForm(Struct, frozen=True):
    """Who has the say over a field; empty: what holds without a setting."""

    kind: Annotated[str, Meta(min_length=1, max_length=63)]
    field: Annotated[str, Meta(min_length=1, max_length=63)]
    master: Annotated[str, Meta(max_length=63)] = ""


# -- webhooks


@get(WEBHOOKS, guards=[needs("webhooks.read")])
async def office_webhooks(view: View, database: Database, principal: Principal) -> Response[str]:
    """All endpoints, and how they stand."""
    async with database.reading() as conn:
        endpoints = await queries.endpoints(conn)
        counts = await queries.counts(conn)
    return view.show(
        "connect/webhooks.html",
        endpoints=endpoints,
        counts=counts,
        states=ENDPOINT_STATES,
        may_write=principal.may("webhooks.write"),
    )


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
    view: View,
    database: Database,
    principal: Principal,
    draft: Draft | None,
    endpoint_id: UUID,
    status: DeliveryState | None = None,
    words: Words = "",
    after: Page = None,
) -> Response[str]:
    """One endpoint: how it stands, what can be done, the log of its deliveries."""
    async with database.reading() as conn:
        endpoint = await queries.endpoint(conn, endpoint_id=endpoint_id)
        page = await queries.deliveries(
            conn, endpoint_id=endpoint_id, state=status, text=words, cursor=after, limit=SHOWN
        )
        counts = (await queries.counts(conn)).get(endpoint_id, {})
        changes = await audit.history(conn, subject=f"kernel.webhook_endpoint:{endpoint_id}", limit=_CHANGES)
        names = await names_of(conn, (change.actor for change in changes))
        head = await queries.head(conn)
    form: Form[ReplayForm] = Form.drafted(draft, ReplayForm)
    return view.show(
        "connect/webhook.html",
        endpoint=endpoint,
        deliveries=page.items,
        next=page.next,
        after=after,
        chosen=status,
        words=words,
        counts=counts,
        head=head,
        states=DELIVERY_STATES,
        endpoint_states=ENDPOINT_STATES,
        changes=changes,
        names=names,
        form=form,
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("webhooks.write"),
        message_id=rules.message_id,
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
        return _to(f"{WEBHOOKS}/{endpoint_id}", "replayed")
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
    return _to(f"{WEBHOOKS}/{endpoint_id}", "webhook")


@get(WEBHOOKS + "/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}", guards=[needs("webhooks.read")])
async def office_delivery(
    view: View, database: Database, principal: Principal, endpoint_id: UUID, delivery_id: UUID
) -> Response[str]:
    """One delivery: what was sent, what came back, try by try."""
    async with database.reading() as conn:
        endpoint = await queries.endpoint(conn, endpoint_id=endpoint_id)
        delivery, attempts = await queries.delivery(conn, endpoint_id=endpoint_id, delivery_id=delivery_id)
        body = await _body(conn, delivery.position, delivery_id, delivery.occurred_at)
    return view.show(
        "connect/delivery.html",
        endpoint=endpoint,
        delivery=delivery,
        attempts=attempts,
        body=body,
        states=DELIVERY_STATES,
        message=rules.message_id(delivery.event_id),
        may_write=principal.may("webhooks.write"),
    )


async def _body(conn: Connection, position: int | None, delivery_id: UUID, occurred_at: datetime) -> str:
    """What is sent, indented for people."""
    if position is None:
        return _pretty(rules.ping(delivery_id, occurred_at))
    event = await queries.event(conn, position=position)
    return "" if event is None else _pretty(msgspec.json.encode(event.payload))


@post(
    WEBHOOKS + "/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/{action:str}",
    guards=[needs("webhooks.write")],
    opt={"form": WEBHOOKS},
)
async def office_change_delivery(
    database: Database, principal: Principal, at: datetime, endpoint_id: UUID, delivery_id: UUID, action: str
) -> Redirect:
    """Send it again, or give it up."""
    async with database.transaction() as tx:
        if action == "again":
            await commands.send_again(tx, endpoint_id=endpoint_id, delivery_ids=[delivery_id], at=at)
        elif action == "skip":
            await commands.skip(tx, endpoint_id=endpoint_id, delivery_id=delivery_id, by=str(principal), at=at)
        else:
            raise NotFound(what="action", id=action)
    return _to(f"{WEBHOOKS}/{endpoint_id}/deliveries/{delivery_id}", "webhook")


# -- events


@get(EVENTS, guards=[needs("events.read")])
async def office_events(
    view: View,
    database: Database,
    kind: Annotated[str, Parameter(query="type", max_length=100)] = "",
    words: Words = "",
    after: Page = None,
) -> Response[str]:
    """The newest events; the first page renews itself."""
    async with database.reading() as conn:
        page = await queries.latest(
            conn, types=[kind] if kind else [], key=words.strip() or None, cursor=after, limit=SHOWN
        )
        types = await queries.known_types(conn)
        head, standing = await consumers.positions(conn)
        parked = await consumers.parked_counts(conn)
    return view.show(
        "connect/events.html",
        events=page.items,
        next=page.next,
        after=after,
        kind=kind,
        words=words,
        types=types,
        head=head.position,
        consumers=standing,
        parked=parked,
    )


@get(EVENTS + "/{position:int}", guards=[needs("events.read")])
async def office_event(view: View, database: Database, position: int) -> Response[str]:
    """One event: what it says, who reacts to it, where it was sent."""
    if not 0 < position < 2**62:
        raise NotFound(what="event", id=str(position))
    async with database.reading() as conn:
        event = await queries.event(conn, position=position)
        if event is None:
            raise NotFound(what="event", id=str(position))
        _, standing = await consumers.positions(conn)
        parked = {one.consumer: one for one in await queries.parked_at(conn, position=position)}
        sent = await queries.deliveries_of_event(conn, event_id=event.id)
        endpoints = {one.id: one for one in await queries.endpoints(conn)}
    reactions = consumers.installed()
    reading = [one for one in standing if event.type in reactions.types(one.name)] if standing else []
    return view.show(
        "connect/event.html",
        event=event,
        payload=_pretty(msgspec.json.encode(event.payload)),
        consumers=reading,
        parked=parked,
        sent=sent,
        endpoints=endpoints,
        states=DELIVERY_STATES,
    )


# -- imports


class ImportRow(Struct, frozen=True):
    """A file in the table; counts are of its rows. `who` is its sender by name."""

    id: UUID
    name: str
    kind: str
    source: str
    dry_run: bool
    state: ImportState
    rows: int
    changed: int
    held: int
    refused: int
    actor: str
    created_at: datetime
    ended_at: datetime | None
    who: str = ""


async def _with_senders(conn: Connection, scope: Scope, rows: list[ImportRow]) -> list[ImportRow]:
    names = await names_of(conn, {row.actor for row in rows})
    return [replace(row, who=names[row.actor]) for row in rows]


IMPORT_TABLE = Table(
    name="kernel.imports",
    path=IMPORTS,
    title=N_("Imports"),
    icon="up",
    right="imports.read",
    where="everywhere",
    statement=runs.SQL.import_table,
    row=ImportRow,
    key="id",
    label="name",
    row_path=IMPORTS + "/{}",
    order="-id",
    fill=_with_senders,
    columns=(
        Column("name", N_("File"), link=True, phone="title"),
        Column(
            "kind",
            N_("What is in it"),
            kind="choice",
            filter="choice",
            options={code: Option(label) for code, label in KINDS.items()},
        ),
        Column(
            "state",
            N_("State"),
            kind="choice",
            filter="choice",
            options={code: Option(label, tone) for code, (label, tone) in IMPORT_STATES.items()},
        ),
        Column("rows", N_("Rows"), kind="number"),
        Column("changed", N_("Changed"), kind="number"),
        Column("held", N_("Held back"), kind="number", shown=False),
        Column("refused", N_("Refused"), kind="number"),
        Column("who", N_("Who"), template="connect/cell_who.html"),
        Column("source", N_("System"), kind="code", filter="equals", shown=False),
        Column("dry_run", N_("Dry run"), kind="flag", shown=False),
        Column(
            "created_at",
            N_("When"),
            kind="moment",
            filter="range",
            condition="(:since::timestamptz is null or t.id >= kernel.uuid7_floor(:since))"
            " and (:until::timestamptz is null or t.id < kernel.uuid7_floor(:until))",
        ),
        Column("ended_at", N_("Ended"), kind="moment", shown=False),
    ),
    presets=(
        Preset(N_("Under way"), "state=receiving&state=waiting&state=running"),
        Preset(N_("Stopped"), "state=failed"),
    ),
    actions=(Action(N_("Send a file"), f"{IMPORTS}/new", "imports.write", "plus", everywhere=True),),
    nothing=Nothing(
        N_("No files yet"),
        N_("Send a file here, put it into the drop folder, or let your ERP send it through the API."),
    ),
)


@get(f"{IMPORTS}/new", guards=[needs("imports.write")])
async def office_new_import(view: View, database: Database, draft: Draft | None) -> Response[str]:
    """The form for a file."""
    async with database.reading() as conn:
        known = (await shops(conn, limit=SHOWN)).items
    return view.show(
        "connect/import_form.html",
        kinds={kind: KINDS.get(kind, kind) for kind in runs.importers()},
        shops=known,
        refused=refused(view, draft, REFUSED),
    )


@post(
    IMPORTS,
    guards=[needs("imports.write")],
    opt={"form": f"{IMPORTS}/new"},
    request_max_body_size=MAX_UPLOAD_BYTES,
)
async def office_upload(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Redirect:
    """Take a file in. Refusals: `FileNotTaken`, `UnknownImportKind`, `Invalid`."""
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        raise FileNotTaken(rule="a file that ends in .csv or .jsonl")
    named = file.filename.rsplit("/", 1)[-1]
    format: Literal["csv", "jsonl"] = "jsonl" if named.lower().endswith(".jsonl") else "csv"
    kind = str(form.get("kind", "")) or drop.described(named)[0]
    options = {name: str(form.get(name, "")) for name in ("shop", "language", "encoding")}
    id = await runs.receive(
        database,
        _pieces(file),
        kind=kind,
        name=named,
        format=format,
        options={name: text for name, text in options.items() if text},
        dry_run=bool(form.get("dry_run")),
        by=str(principal),
        at=at,
        max_bytes=MAX_UPLOAD_BYTES,
    )
    return Redirect(f"{IMPORTS}/{id}", status_code=303)


async def _pieces(file: UploadFile) -> AsyncIterator[bytes]:
    while piece := await file.read(PIECE_BYTES):
        yield piece


@get(IMPORTS + "/{import_id:uuid}", guards=[needs("imports.read")])
async def office_import(
    view: View, database: Database, principal: Principal, import_id: UUID, after: Page = None
) -> Response[str]:
    """How far it is, and the rows that were refused."""
    async with database.reading() as conn:
        one = await runs.one(conn, import_id=import_id)
        page = await runs.refused_rows(conn, import_id=import_id, cursor=after, limit=SHOWN)
        names = await names_of(conn, [one.actor])
    return view.show(
        "connect/import.html",
        one=one,
        rows=page.items,
        next=page.next,
        after=after,
        names=names,
        states=IMPORT_STATES,
        kinds=KINDS,
        may_write=principal.may("imports.write"),
    )


@get(IMPORTS + "/{import_id:uuid}/refused.csv", guards=[needs("imports.read")])
async def office_refused_rows(database: Database, import_id: UUID) -> Response[bytes]:
    """The rows that were refused, as a file to mend and send again: their own columns, and why beside them."""
    rows: list[Any] = []
    cursor: str | None = None
    async with database.reading() as conn:
        while True:
            page = await runs.refused_rows(conn, import_id=import_id, cursor=cursor, limit=1_000)
            rows += page.items
            cursor = page.next
            if cursor is None:
                break
    columns = list(dict.fromkeys(name for row in rows for name in row.row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*columns, "refused_line", "refused_field", "refused_reason"])
    for row in rows:
        cells = [row.row.get(name, "") for name in columns]
        writer.writerow([*(_cell(cell) for cell in cells), row.line, row.field, row.reason])
    headers = {
        "Content-Disposition": f'attachment; filename="refused-{import_id}.csv"',
        "Cache-Control": "no-store",
    }
    return Response(out.getvalue().encode(), media_type="text/csv; charset=utf-8", headers=headers)


def _cell(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t") and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@post(IMPORTS + "/{import_id:uuid}/{action:str}", guards=[needs("imports.write")], opt={"form": IMPORTS})
async def office_change_import(
    database: Database, principal: Principal, at: datetime, import_id: UUID, action: str
) -> Redirect:
    """Stop it, or let it go on."""
    async with database.transaction() as tx:
        if action == "cancel":
            await runs.cancel(tx, import_id=import_id, by=str(principal), at=at)
        elif action == "resume":
            await runs.resume(tx, import_id=import_id)
        else:
            raise NotFound(what="action", id=action)
    return Redirect(f"{IMPORTS}/{import_id}", status_code=303)


# -- differences


@get(DIFFERENCES, guards=[needs("imports.read")])
async def office_differences(
    view: View,
    database: Database,
    principal: Principal,
    draft: Draft | None,
    kind: Annotated[str, Parameter(max_length=63)] = "",
    source: Annotated[str, Parameter(max_length=63)] = "",
    after: Page = None,
) -> Response[str]:
    """What systems say otherwise, to be decided; and who has the say over what."""
    async with database.reading() as conn:
        page = await masters.differences(conn, kind=kind or None, source=source or None, cursor=after, limit=SHOWN)
        counts = await masters.open_counts(conn)
        settings = await masters.settings(conn)
    form: Form[MasterForm] = Form.drafted(draft, MasterForm)
    return view.show(
        "connect/differences.html",
        differences=page.items,
        next=page.next,
        after=after,
        kind=kind,
        source=source,
        counts=counts,
        masters=settings,
        kinds={one: KINDS.get(one, one) for one in runs.importers()},
        fields={one: importer.fields for one, importer in runs.importers().items()},
        told=_told,
        form=form,
        refused=refused(view, draft, REFUSED),
        may_write=principal.may("imports.write"),
        may_set=principal.may("masters.write"),
    )


@post(f"{DIFFERENCES}/decide", guards=[needs("imports.write")], opt={"form": DIFFERENCES})
async def office_decide(
    request: Request[Any, Any, Any], database: Database, desk: Desk, principal: Principal, at: datetime
) -> Redirect:
    """Take theirs or keep ours, of all that are chosen."""
    form = await request.form()
    ids = [UUID(id) for id in form.getall("selected", [])][:SHOWN]
    take: Literal["theirs", "ours"] = "theirs" if form.get("take") == "theirs" else "ours"
    await decide(database, desk, ids, take, by=str(principal), at=at)
    return _to(DIFFERENCES, "decided")


@post(f"{DIFFERENCES}/masters", guards=[needs("masters.write")], opt={"form": DIFFERENCES})
async def office_set_master(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
) -> Redirect:
    """Give a field to a master."""
    typed = checked(await request.form(), MasterForm)
    check_field(typed.kind, typed.field)
    async with database.transaction() as tx:
        await masters.set_master(
            tx, kind=typed.kind, field=typed.field, master=typed.master.strip() or None, by=str(principal), at=at
        )
    return _to(DIFFERENCES, "master")


def _told(difference: Difference, side: Literal["ours", "theirs"]) -> str:
    """A value as people read it."""
    value = difference.ours if side == "ours" else difference.theirs
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return msgspec.json.encode(value).decode()


# -- jobs


@get(JOBS, guards=[needs("jobs.read")])
async def office_jobs(view: View, database: Database, principal: Principal) -> Response[str]:
    """What runs, what waits, what failed for good, what comes when."""
    async with database.reading() as conn:
        running = await jobs.open_jobs(conn, limit=SHOWN)
        failed = await jobs.failed(conn, limit=SHOWN)
        timed = await jobs.timed(conn)
    return view.show(
        "connect/jobs.html", running=running, failed=failed, timed=timed, may_write=principal.may("jobs.write")
    )


@post(JOBS + "/{job_id:int}/again", guards=[needs("jobs.write")], opt={"form": JOBS})
async def office_job_again(database: Database, job_id: int) -> Redirect:
    """Put a job that failed for good back into the queue."""
    if not 0 < job_id < 2**62:
        raise NotFound(what="job", id=str(job_id))
    async with database.transaction() as tx:
        if not await jobs.requeue_one(tx, id=job_id):
            raise NotFound(what="job", id=str(job_id))
    return _to(JOBS, "job")


def _to(path: str, done: str) -> Redirect:
    return Redirect(f"{path}?done={done}", status_code=303)


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()


routes: Sequence[Any] = (
    office_webhooks,
    office_new_webhook,
    office_add_webhook,
    office_webhook,
    office_rotate_webhook,
    office_change_webhook,
    office_delivery,
    office_change_delivery,
    office_events,
    office_event,
    *table_routes(IMPORT_TABLE),
    office_new_import,
    office_upload,
    office_import,
    office_refused_rows,
    office_change_import,
    office_differences,
    office_decide,
    office_set_master,
    office_jobs,
    office_job_again,
)
tables = (IMPORT_TABLE,)
places = (
    Place(IMPORTS, N_("Imports"), "up", "i", "imports.read", "system", 20),
    Place(DIFFERENCES, N_("Differences"), "columns", "", "imports.read", "system", 25),
    Place(WEBHOOKS, N_("Webhooks"), "hook", "", "webhooks.read", "system", 30),
    Place(EVENTS, N_("Events"), "history", "", "events.read", "system", 35),
    Place(JOBS, N_("Jobs"), "gear", "", "jobs.read", "system", 40),
)
