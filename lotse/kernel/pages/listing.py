"""The page of a table: filters, search, sorting, views, columns, the rows, and what can be done with those that are
chosen. `table_routes(TABLE)` makes all its addresses; the right of each is the table's, or that of its `edit`.

The address holds the whole state, so a link, a bookmark and the back button mean what they show. It works without
scripts; with them only the results are swapped (htmx), and `office-table.js` adds keys and the bar of what is chosen.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from litestar import Request, Response, get
from msgspec import Struct
from msgspec.structs import replace

from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages import query, views
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import Column, Option, Preset, Scope, Table
from lotse.kernel.pages.view import View


class Chip(Struct, frozen=True):
    """A filter that is set: what it says and the address without it."""

    label: str
    value: str
    href: str


class Tab(Struct, frozen=True):
    """A view to choose. `id` is that of a saved one; only its owner may take it away."""

    label: str
    href: str
    is_current: bool
    id: str = ""
    is_own: bool = False
    is_shared: bool = False


def scope_of(view: View, principal: Principal, right: str) -> Scope:
    """Who looks at a table, for which right, where and when."""
    question = view.question
    return Scope(question.shop, question.currency, question.language, view.zone, question.at, principal, right)


def table_routes(table: Table, page: Any = None) -> tuple[Any, ...]:
    """All addresses of a table: put them among the domain's `routes`.

    `page`: the handler of the page itself, where it shows more than the table; it ends with `show`.
    """
    from lotse.kernel.pages import changing, export  # which stand on this file

    return (
        page_route(table) if page is None else page,
        *views.routes(table),
        *(export.routes(table) if table.exports else ()),
        *(changing.routes(table) if table.edit else ()),
    )


def page_route(table: Table) -> Any:
    """The page itself."""

    @get(table.path, guards=[needs(table.right, table.where)], name=f"table {table.name}")
    async def listed(
        view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
    ) -> Response[str]:
        return await show(table, view, database, principal, request)

    return listed


async def show(
    table: Table, view: View, database: Database, principal: Principal, request: Request[Any, Any, Any], **values: Any
) -> Response[str]:
    """The page of a table as an answer, or the part of it that htmx asks for; `values` join those of its templates.
    Refusal: `BadCursor`."""
    given = list(request.query_params.multi_items())
    part = dict(given).get("part")
    is_part = request.headers.get("hx-request") == "true" and not part
    scope = scope_of(view, principal, table.right)
    wanted = query.asked(table, given)
    if part == "count":
        async with database.reading() as conn:
            found = await query.count(conn, table, scope, wanted)
        return view.show("kit/count.html", count=found, most=query.COUNTED)
    async with database.reading() as conn:
        table = await chosen_from(table, conn, scope)
        rows, wrong = await query.page(conn, table, scope, wanted)
        items = await table.fill(conn, scope, rows.items) if table.fill and rows.items else rows.items
        saved = [] if part == "rows" else await views.saved(conn, table, scope)
    columns = [table.column(name) for name in wanted.columns]
    slots = {column.slot for column in columns if column.slot}
    if slots:
        await view.ask({slot: [table.id(row) for row in items] for slot in slots})
    may_edit = table.edit is not None and principal.may(table.edit.right)
    begin = table.nothing.action if table.nothing else None
    # A form sends every field; the address keeps what was chosen and no more.
    said = wanted.query(table)
    return view.show(
        "kit/renewed.html" if part == "rows" else "kit/table.html",
        headers={"HX-Push-Url": table.path + (f"?{said}" if said else "")} if is_part else None,
        table=table,
        asked=wanted,
        rows=items,
        columns=columns,
        chips=chips(table, view, wanted),
        tabs=tabs(table, view, wanted, saved, scope),
        wrong=wrong,
        next=_page_of(table, wanted, after=rows.after),
        previous=_page_of(table, wanted, before=rows.before),
        query=partial(wanted.query, table),
        everything=table.path + ("?all=yes" if table.begin else ""),
        is_filtered=wanted.is_filtered and said != table.begin,
        actions=[action for action in table.actions if action.is_for(principal)],
        begin=begin if begin and begin.is_for(principal) else None,
        may_edit=may_edit,
        bulks=table.edit.bulks if table.edit and may_edit else (),
        **values,
    )


async def chosen_from(table: Table, conn: Connection, scope: Scope) -> Table:
    """The table with what its choices are now, for the page that shows them."""
    if all(column.choices is None for column in table.columns):
        return table
    return with_options(
        table, {column.name: await column.choices(conn, scope) for column in table.columns if column.choices}
    )


def with_options(table: Table, options: Mapping[str, Mapping[str, Option]]) -> Table:
    """The table with more options of some columns: what `choices` cannot read because it is a higher domain's."""
    columns = tuple(
        replace(column, options={**column.options, **options.get(column.name, {})}) for column in table.columns
    )
    # Its columns by name are its own, or it would change those of the description.
    return replace(table, columns=columns, _by_name=dict[str, Column]())


def _page_of(table: Table, wanted: query.Asked, **mark: str | None) -> str:
    return "?" + wanted.query(table, **mark) if any(mark.values()) else ""


def chips(table: Table, view: View, wanted: query.Asked) -> list[Chip]:
    """What is filtered, each with the way to be rid of it."""
    found: list[Chip] = []
    for column in table.columns:
        mine = {name: values for name, values in wanted.filters.items() if name.partition(".")[0] == column.name}
        if mine:
            without: dict[str, Any] = dict.fromkeys(mine)
            found.append(Chip(view.text(column.label), _said(column, view, mine), "?" + wanted.query(table, **without)))
    return found


def _said(column: Column, view: View, typed: Mapping[str, list[str]]) -> str:
    if column.filter == "range":
        since, until = (typed.get(f"{column.name}.{end}", [""])[-1] for end in ("from", "to"))
        return f"{since or '…'} – {until or '…'}"
    values = typed[column.name]
    if column.filter == "choice":
        return ", ".join(view.text(column.options[value].label) for value in values if value in column.options)
    if column.filter == "flag":
        return view.text("yes") if values[-1] == "yes" else view.text("no")
    return f"{values[-1]}…" if column.filter == "begins" else values[-1]


def tabs(table: Table, view: View, wanted: query.Asked, saved: "Sequence[views.SavedView]", scope: Scope) -> list[Tab]:
    """Everything, what comes with the table, what somebody saved."""
    here = wanted.query(table, view=None)
    everything = Preset(N_("All"), "all=yes" if table.begin else "")
    # What it opens with stands first.
    presets = sorted((everything, *table.presets), key=lambda preset: preset.query != table.begin)
    found = [
        Tab(view.text(preset.label), table.path + (f"?{preset.query}" if preset.query else ""), preset.query == here)
        for preset in presets
    ]
    for one in saved:
        address = f"{table.path}?{one.query}&view={one.id}" if one.query else f"{table.path}?view={one.id}"
        is_own = one.owner == scope.by
        found.append(Tab(one.name, address, wanted.view == str(one.id), str(one.id), is_own, one.shared))
    if any(tab.id and tab.is_current for tab in found):
        found = [
            Tab(tab.label, tab.href, tab.is_current and bool(tab.id), tab.id, tab.is_own, tab.is_shared)
            for tab in found
        ]
    return found
