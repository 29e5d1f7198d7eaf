"""The pages of a change of many rows: its form, what it would do, how far it is, what became of it, the way back."""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from msgspec import Struct

from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.desk import Desk
from lotse.kernel.jobs import enqueue
from lotse.kernel.pages import bulk, intake, query
from lotse.kernel.pages.forms import Form
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import scope_of
from lotse.kernel.pages.table import Bulk, Column, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound, Refusal

# Enough to see whether it is right.
_EXAMPLES = 25
_REFUSED = 200
_LISTED = 100

STATES = {
    "planning": N_("is being worked out"),
    "planned": N_("not applied yet"),
    "applying": N_("is being applied"),
    "applied": N_("applied"),
    "undoing": N_("is being undone"),
    "undone": N_("undone"),
}
SAID = {
    "nothing-chosen": N_("Choose some rows first, or all matches."),
    "too-many-chosen": N_("That is too much for one change. Narrow the table with a filter and do it in parts."),
    "file-unreadable": N_("This file cannot be read. It takes CSV, or XLSX as spreadsheets save it."),
    "nothing-to-change": N_("The file has no column that can be changed. Its first line names the columns."),
}
NO_FILE = N_("Please choose a file.")


class NoWayBack(Refusal, status=409, title="This cannot be undone"):
    """What was done has left the house. Change the rows anew where that helps."""


class Shown(Struct, frozen=True):
    """A row as the pages of a change show it; values are the columns' own."""

    label: str
    href: str
    line: int | None
    old: dict[str, Any]
    new: dict[str, Any]
    why: str


def routes(table: Table) -> tuple[Any, ...]:
    """Addresses below the table's path: `change`, `import`, `changes`, `changes/{id}` and its two posts."""
    edit = table.editing
    guards = [needs(edit.right, table.where)]
    aside = [needs(edit.right, table.aside)]

    @post(f"{table.path}/change", guards=guards, name=f"change {table.name}", status_code=200)
    async def change(
        view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
    ) -> Response[str]:
        posted = await request.form()
        one = bulk.action_of(table, str(posted.get("bulk", "")))
        scope = scope_of(view, principal, table.editing.right)
        wanted = query.asked(table, parse_qsl(str(posted.get("query", ""))))
        chosen = [str(value) for value in posted.getall("selected", []) if isinstance(value, str)]
        is_all = posted.get("all") == "yes"
        form: Form[Any] = _read(one, scope, posted) if posted.get("go") else Form()
        said = ""
        async with database.reading() as conn:
            if form.content is None:
                count = await query.count(conn, table, scope, wanted) if is_all else len(chosen)
                ids: list[UUID] = []
            else:
                ids = await _ids(conn, table, scope, wanted, chosen, is_all=is_all)
                count = len(ids)
        if form.content is not None or not count:
            try:
                return await _begun(table, one, scope, view, database, form.content, bulk.given(ids))
            except (bulk.NothingChosen, bulk.TooManyChosen) as refused:
                said = view.text(SAID[refused.code])
        return view.show(
            "kit/change.html",
            status=422 if form.errors or said else 200,
            table=table,
            bulk=one,
            form=form,
            count=count,
            most=query.COUNTED,
            chosen=chosen,
            is_all=is_all,
            query=wanted.query(table),
            refused=said,
        )

    @get(f"{table.path}/changes", guards=aside, name=f"changes {table.name}")
    async def changes(view: View, database: Database, principal: Principal) -> Response[str]:
        async with database.reading() as conn:
            found = await conn.many(
                bulk.SQL.changes,
                bulk.BulkChange,
                table_name=table.name,
                shop=_shop_of(table, view),
                actor=_actor_of(table, principal),
                limit=_LISTED,
            )
        actions = {one.name: one.label for one in (*edit.bulks, *((edit.intake,) if edit.intake else ()))}
        return view.show("kit/changes.html", table=table, changes=found, actions=actions, states=STATES)

    @get(f"{table.path}/changes/{{change_id:uuid}}", guards=aside, name=f"one change {table.name}")
    async def one_change(view: View, database: Database, principal: Principal, change_id: UUID) -> Response[str]:
        async with database.reading() as conn:
            found = await _existing(conn, table, view, principal, change_id)
            examples = await _examples(conn, table, view, found)
            refused = [
                _shown(table, view, row)
                for state in ("refused", "failed", "undo_failed")
                for row in await bulk.some(conn, change_id, state, _REFUSED)
            ]
        return view.show(
            "kit/changed.html",
            table=table,
            bulk=bulk.action_of(table, found.action),
            change=found,
            examples=examples,
            refused=refused,
            columns=_columns(table),
            states=STATES,
        )

    @post(f"{table.path}/changes/{{change_id:uuid}}/apply", guards=aside, name=f"apply {table.name}")
    async def apply(
        view: View, database: Database, desk: Desk, principal: Principal, at: datetime, change_id: UUID
    ) -> Response[str]:
        return await _moved(table, view, database, desk, principal, change_id, "planned", "applying", at)

    @post(f"{table.path}/changes/{{change_id:uuid}}/undo", guards=aside, name=f"undo {table.name}")
    async def undo(
        view: View, database: Database, desk: Desk, principal: Principal, at: datetime, change_id: UUID
    ) -> Response[str]:
        return await _moved(table, view, database, desk, principal, change_id, "applied", "undoing", at)

    made = (change, changes, one_change, apply, undo)
    return (*made, *_file_routes(table, edit.intake, guards)) if edit.intake else made


def _file_routes(table: Table, one: Bulk, guards: list[Any]) -> tuple[Any, ...]:
    @get(f"{table.path}/import", guards=guards, name=f"import {table.name}")
    async def choose_file(view: View) -> Response[str]:
        return _file_page(table, one, view, Form())

    @post(f"{table.path}/import", guards=guards, name=f"import file {table.name}", status_code=200)
    async def take_file(
        view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
    ) -> Response[str]:
        posted = await request.form()
        scope = scope_of(view, principal, table.editing.right)
        form = _read(one, scope, posted)
        file = posted.get("file")
        content = await file.read() if isinstance(file, UploadFile) else b""
        if not content or not isinstance(file, UploadFile):
            return _file_page(table, one, view, form.with_error("file", NO_FILE))
        if form.content is None:
            return _file_page(table, one, view, form)
        texts = [view.site.templates.gettext(language) for language in (view.language, *_languages(view))]
        try:
            found = await asyncio.to_thread(intake.read, table, scope, file.filename, content, texts)
            async with database.reading() as conn:
                named = await _named(conn, table, scope, found)
                ids = [id for line in found if (id := line.id or named.get(line.label)) is not None]
                known = await query.seen(conn, table, scope, ids)
                rows = intake.rows_of(table, found, named, known)
            return await _begun(table, one, scope, view, database, form.content, rows)
        except (intake.FileUnreadable, intake.NothingToChange, bulk.NothingChosen, bulk.TooManyChosen) as refused:
            return _file_page(table, one, view, form, refused)

    return choose_file, take_file


def _file_page(table: Table, one: Bulk, view: View, form: Form[Any], refused: Refusal | None = None) -> Response[str]:
    said = view.text(SAID[refused.code]) if refused else ""
    return view.show(
        "kit/import.html",
        status=422 if form.errors or refused else 200,
        table=table,
        bulk=one,
        form=form,
        refused=said,
        columns=_columns(table),
    )


def _read(one: Bulk, scope: Scope, posted: Mapping[str, Any]) -> Form[Any]:
    form = Form.read(posted, one.form)
    if form.content is not None and one.check is not None:
        for name, message in one.check(scope, form.content).items():
            form = form.with_error(name, message)
    return form


async def _ids(
    conn: Connection, table: Table, scope: Scope, wanted: query.Asked, chosen: list[str], *, is_all: bool
) -> list[UUID]:
    if is_all:
        return await query.keys(conn, table, scope, wanted, most=bulk.MOST_ROWS)
    ids: list[UUID] = []
    for text in dict.fromkeys(chosen):
        try:
            ids.append(UUID(text))
        except ValueError:
            raise NotFound(what="row", id=text[:100]) from None
    known = await query.seen(conn, table, scope, ids)
    return [id for id in ids if id in known]


async def _named(conn: Connection, table: Table, scope: Scope, found: list[intake.Line]) -> Mapping[str, UUID]:
    labels = list({line.label for line in found if line.id is None and line.label})
    find = table.editing.ids
    return await find(conn, scope, labels) if find and labels else {}


async def _begun(
    table: Table, one: Bulk, scope: Scope, view: View, database: Database, typed: Any, rows: list[bulk.BulkRow]
) -> Response[str]:
    """Plan it: at once if it is small, else by a job."""
    is_small = len(rows) <= bulk.AT_ONCE
    async with database.transaction() as tx:
        id = await bulk.begin(tx, table, one, scope, typed=typed, rows=rows)
        if not is_small:
            await enqueue(tx, "kernel.run_bulk", bulk.RunBulk(id), unique=f"bulk:{id}:planning")
    if is_small:
        await bulk.run(database, id, at=scope.at)
    return view.go(f"{table.path}/changes/{id}")


async def _moved(
    table: Table,
    view: View,
    database: Database,
    desk: Desk,
    principal: Principal,
    id: UUID,
    from_state: str,
    to_state: str,
    at: datetime,
) -> Response[str]:
    async with database.transaction() as tx:
        known = await _existing(tx, table, view, principal, id)
        if to_state == "undoing" and bulk.action_of(table, known.action).final:
            raise NoWayBack()
        found = await bulk.move(tx, id, from_state=from_state, to_state=to_state, by=str(principal), at=at)
        is_small = found.changes <= bulk.AT_ONCE
        if not is_small:
            await enqueue(tx, "kernel.run_bulk", bulk.RunBulk(id), unique=f"bulk:{id}:{to_state}")
    if is_small:
        await bulk.run(database, id, at=at, desk=desk)
    return view.go(f"{table.path}/changes/{id}")


async def _existing(conn: Connection, table: Table, view: View, principal: Principal, id: UUID) -> bulk.BulkChange:
    """A change that this person may see. Refusal: `NotFound`."""
    found = await conn.maybe(bulk.SQL.change, bulk.BulkChange, id=id)
    actor, shop = _actor_of(table, principal), _shop_of(table, view)
    if (
        found is None
        or found.table_name != table.name
        or (shop is not None and found.scope["shop"] != shop)
        or (actor is not None and found.actor != actor)
    ):
        raise NotFound(what="bulk change", id=str(id))
    return found


def _shop_of(table: Table, view: View) -> str | None:
    """Changes of a table that a shop has for itself are that shop's."""
    return str(view.question.shop) if table.where == "shop" else None


def _actor_of(table: Table, principal: Principal) -> str | None:
    """Where people see different rows of a table, whoever does not see all of them sees their own changes."""
    is_bound = table.where == "narrowed" and not principal.may_everywhere(table.editing.right)
    return str(principal) if is_bound else None


async def _examples(conn: Connection, table: Table, view: View, change: bulk.BulkChange) -> list[Shown]:
    """The first rows that would change, or did."""
    for state in ("planned", "done", "undone"):
        if rows := await bulk.some(conn, change.id, state, _EXAMPLES):
            return [_shown(table, view, row) for row in rows]
    return []


def _shown(table: Table, view: View, row: bulk.BulkRow) -> Shown:
    why = (
        view.text(row.refusal, **{name: view.text(text) for name, text in (row.said or {}).items()})
        if row.refusal
        else ""
    )
    return Shown(
        row.label or str(row.row_id or ""),
        table.row_path.format(row.row_id) if isinstance(table.row_path, str) and row.row_id else "",
        row.line,
        {name: bulk.value(table.column(name), content) for name, content in row.old.items()},
        {name: bulk.value(table.column(name), content) for name, content in row.new.items()},
        why,
    )


def _columns(table: Table) -> list[Column]:
    return [table.column(name) for name in table.edit.columns] if table.edit else []


def _languages(view: View) -> list[str]:
    return [language for language in view.site.templates.languages() if language != view.language]
