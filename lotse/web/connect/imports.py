"""Files of rows on the back office's pages: sent in, worked off, what of them was refused."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.parties.queries import shops
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.imports import drop, runs
from lotse.kernel.imports.contracts import FileNotTaken, ImportState
from lotse.kernel.pages.forms import refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.web.connect.api import MAX_UPLOAD_BYTES

IMPORTS = "/office/imports"
# Rows of a page here: people look, programs have the API.
SHOWN = 50
PIECE_BYTES = 256 * 1024

IMPORT_STATES: Mapping[str, Option] = {
    "receiving": Option(N_("Arriving"), "warn"),
    "waiting": Option(N_("Waiting"), "warn"),
    "running": Option(N_("Under way"), "warn"),
    "done": Option(N_("Done"), "good"),
    "failed": Option(N_("Stopped"), "bad"),
    "cancelled": Option(N_("Cancelled")),
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
    "unknown-import-kind": N_("The kind of this file is not known."),
    "file-not-taken": N_("This file cannot be imported. Expected is %(rule)s."),
    "import-not-open": N_("The import has ended already."),
    "invalid": N_("This does not look right: %(rule)s."),
}

Page = Annotated[str | None, Parameter(query="after", max_length=1_000)]


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
    live=3,
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
            options=IMPORT_STATES,
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


routes = (
    *table_routes(IMPORT_TABLE),
    office_new_import,
    office_upload,
    office_import,
    office_refused_rows,
    office_change_import,
)
tables = (IMPORT_TABLE,)
places = (Place(IMPORTS, N_("Imports"), "up", "i", "imports.read", "system", 20),)
