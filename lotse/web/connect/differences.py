"""Differences on the back office's pages: what systems say otherwise, to be decided; and who has the say over what."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.kernel import masters
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.imports import runs
from lotse.kernel.masters import Difference, DifferenceState
from lotse.kernel.pages.forms import Form, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import show, table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import (
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
from lotse.kernel.refusals import Refusal
from lotse.web.connect.api import check_field, decide
from lotse.web.connect.imports import KINDS
from lotse.web.connect.shown import to

DIFFERENCES = "/office/differences"
STATES: Mapping[str, Option] = {
    "open": Option(N_("open"), "warn"),
    "taken": Option(N_("theirs taken"), "good"),
    "kept": Option(N_("ours kept"), "good"),
    "agreed": Option(N_("agreed")),
}
REFUSED = {
    "unknown-import-kind": N_("The kind of this file is not known."),
    "invalid": N_("This does not look right: %(rule)s."),
}
DECIDED = N_("It was decided already.")
NOT_TAKEN = N_("It cannot be taken: %(why)s.")


class MasterForm(Struct, frozen=True):
    """Who has the say over a field; empty: what holds without a setting."""

    kind: Annotated[str, Meta(min_length=1, max_length=63)]
    field: Annotated[str, Meta(min_length=1, max_length=63)]
    master: Annotated[str, Meta(max_length=63)] = ""


class DifferenceRow(Struct, frozen=True):
    """A difference in the table; `ours` and `theirs` are as people read them, `who` has decided."""

    id: UUID
    kind: str
    key: str
    field: str
    source: str
    ours: Any
    theirs: Any
    state: DifferenceState
    seen_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    who: str = ""


class Reason(Struct, frozen=True):
    """What is typed to decide many."""

    reason: Annotated[str, Meta(max_length=300)] = ""


async def _kinds(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {kind: Option(KINDS.get(kind, kind)) for kind in runs.importers()}


async def _sources(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    said = {one.source for one in await masters.open_counts(conn)}
    named = {one.master for one in await masters.settings(conn)} - {masters.LOTSE}
    return {source: Option(source) for source in sorted(said | named)}


async def _told(conn: Connection, scope: Scope, rows: list[DifferenceRow]) -> list[DifferenceRow]:
    names = await names_of(conn, {row.decided_by for row in rows if row.decided_by})
    return [
        replace(row, ours=told(row.ours), theirs=told(row.theirs), who=names.get(row.decided_by or "", ""))
        for row in rows
    ]


def told(value: Any) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return msgspec.json.encode(value).decode()


def _theirs(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    return {"ours": now["theirs"], "state": "taken"} if now["state"] == "open" else No(DECIDED)


def _ours(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    return {"state": "kept"} if now["state"] == "open" else No(DECIDED)


async def _now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await conn.many(masters.SQL.differences_now, DifferenceRow, ids=list(ids))
    return {one.id: {"ours": told(one.ours), "theirs": told(one.theirs), "state": one.state} for one in found}


async def _hold(tx: Transaction, work: Work, ids: Sequence[UUID]) -> None:
    await tx.many(masters.SQL.hold_differences, Difference, ids=list(ids))


async def _write(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    """Keep ours, or take theirs row by row: what the domain refuses is said with its row, the others go in."""
    by, at = work.scope.by, work.scope.at
    kept = [change.id for change in changes if change.new["state"] == "kept"]
    if kept:
        await masters.keep_ours(tx, kept, by=by, at=at)
    wanted = [change.id for change in changes if change.new["state"] == "taken"]
    if not wanted:
        return {}
    if work.desk is None:
        raise ValueError("stock is taken over at the desk, and there is none")
    refused: dict[UUID, No] = {}
    taken: list[Difference] = []
    for one in await tx.many(masters.SQL.hold_differences, Difference, ids=wanted):
        try:
            async with tx.raw.transaction():
                await runs.take(tx, one, work.database, work.desk, by=by, at=at)
            taken.append(one)
        except Refusal as refusal:
            refused[one.id] = No(NOT_TAKEN, {"why": str(refusal)})
    await runs.taken(tx, taken, by=by, at=at)
    return refused


async def _reopened(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    await masters.reopen(tx, [change.id for change in changes], by=work.scope.by, at=work.scope.at)
    return {}


_WHY = Field("reason", N_("Why"), required=False)
DIFFERENCE_TABLE = Table(
    name="kernel.differences",
    path=DIFFERENCES,
    title=N_("Differences"),
    text=N_("Each field has one master. What another system says about it waits here."),
    icon="columns",
    right="imports.read",
    where="everywhere",
    statement=masters.SQL.difference_table,
    row=DifferenceRow,
    key="id",
    label="key",
    order="-id",
    begin="state=open",
    fill=_told,
    columns=(
        Column("key", N_("What"), template="connect/cell_thing.html", phone="title"),
        Column("kind", N_("What is in it"), kind="choice", filter="choice", choices=_kinds, shown=False),
        Column("field", N_("Field"), filter="equals", template="connect/cell_field.html"),
        Column("ours", N_("Ours"), template="connect/cell_told.html"),
        Column("theirs", N_("They say"), template="connect/cell_told.html"),
        Column("source", N_("Said by"), filter="choice", choices=_sources),
        Column("seen_at", N_("When"), kind="moment", shown=False),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES, shown=False),
        Column("who", N_("Decided by"), template="connect/cell_who.html", shown=False),
        Column("decided_at", N_("Decided"), kind="moment", shown=False),
        Column("decide", N_("What can be done"), template="connect/cell_decide.html", exported=False),
    ),
    # A range, which the index serves whatever plan is cached.
    search=Search(
        "t.key ~>=~ :key and t.key ~<~ (:key || chr(1114111))",
        lambda text: {"key": text},
        N_("Number or name of the thing, from its beginning"),
    ),
    presets=(
        Preset(N_("Open"), "state=open"),
        Preset(N_("Decided"), "state=taken&state=kept"),
    ),
    edit=Edit(
        right="imports.write",
        columns=("ours", "theirs", "state"),
        now=_now,
        write=_write,
        undo=_reopened,
        hold=_hold,
        bulks=(
            Bulk("theirs", N_("Take theirs"), Reason, (_WHY,), _theirs, final=True),
            Bulk("ours", N_("Keep ours"), Reason, (_WHY,), _ours),
        ),
    ),
    beside="connect/differences_beside.html",
    nothing=Nothing(
        N_("Nothing to decide"),
        N_("All systems agree with what stands here, or have the say over what they said."),
    ),
)


@get(DIFFERENCES, guards=[needs("imports.read")], name="differences")
async def office_differences(
    view: View, request: Request[Any, Any, Any], database: Database, principal: Principal, draft: Draft | None
) -> Response[str]:
    """What systems say otherwise, to be decided; and who has the say over what."""
    async with database.reading() as conn:
        counts = await masters.open_counts(conn)
        settings = await masters.settings(conn)
    form: Form[MasterForm] = Form.drafted(draft, MasterForm)
    return await show(
        DIFFERENCE_TABLE,
        view,
        database,
        principal,
        request,
        counts=counts,
        masters=settings,
        kinds={one: KINDS.get(one, one) for one in runs.importers()},
        fields={one: importer.fields for one, importer in runs.importers().items()},
        form=form,
        refused=refused(view, draft, REFUSED),
        may_decide=principal.may("imports.write"),
        may_set=principal.may("masters.write"),
    )


@post(f"{DIFFERENCES}/{{difference_id:uuid}}/{{take:str}}", guards=[needs("imports.write")], opt={"form": DIFFERENCES})
async def office_decide(
    database: Database, desk: Desk, principal: Principal, at: datetime, difference_id: UUID, take: str
) -> Redirect:
    """Take theirs, or keep ours, of one. Refusals: those of the thing that it is about."""
    whose: Literal["theirs", "ours"] = "theirs" if take == "theirs" else "ours"
    await decide(database, desk, [difference_id], whose, by=str(principal), at=at)
    return to(DIFFERENCES, "decided")


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
    return to(DIFFERENCES, "master")


routes = (*table_routes(DIFFERENCE_TABLE, office_differences), office_decide, office_set_master)
tables = (DIFFERENCE_TABLE,)
places = (Place(DIFFERENCES, N_("Differences"), "columns", "", "imports.read", "system", 25),)
