"""Saved views: the query of a table's address under a name, for oneself or for everybody who sees the table."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

from litestar import Request, Response, post
from msgspec import Meta, Struct

from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.pages import query
from lotse.kernel.pages.forms import checked
from lotse.kernel.pages.table import Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "office")
# A menu of more is no menu.
MOST_VIEWS = 50


class SavedView(Struct, frozen=True):
    """A view of a table. `query` holds filters, sorting and columns as the address does."""

    id: UUID
    name: str
    query: str
    owner: str
    shared: bool
    created_at: datetime


class TooManyViews(Refusal, status=409, title="There are too many views of this table"):
    limit: int


class NewView(Struct, frozen=True):
    """What is typed to save a view."""

    name: Annotated[str, Meta(min_length=1, max_length=60)]
    query: Annotated[str, Meta(max_length=2_000)] = ""
    shared: str = ""


async def saved(conn: Connection, table: Table, scope: Scope) -> list[SavedView]:
    """One's own views and those that others share, by name."""
    return await conn.many(SQL.views, SavedView, table_name=table.name, owner=scope.by, limit=MOST_VIEWS)


async def save(
    tx: Transaction, table: Table, *, name: str, asked: query.Asked, shared: bool, owner: str, at: datetime
) -> UUID:
    """Keep a view; one's own of the same name is replaced. Refusal: `TooManyViews`."""
    id = await tx.value(
        SQL.save_view,
        id=uuid7(),
        table_name=table.name,
        owner=owner,
        name=name,
        query=asked.query(table, view=None),
        shared=shared,
        at=at,
        limit=MOST_VIEWS,
    )
    if id is None:
        raise TooManyViews(limit=MOST_VIEWS)
    return id


def routes(table: Table) -> tuple[Any, ...]:
    """Save a view, take one away."""

    @post(
        f"{table.path}/views",
        guards=[needs(table.right, table.aside)],
        opt={"form": table.path},
        name=f"save view {table.name}",
    )
    async def save_view(
        view: View, request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime
    ) -> Response[str]:
        typed = checked(await request.form(), NewView)
        wanted = query.asked(table, parse_qsl(typed.query))
        async with database.transaction() as tx:
            id = await save(
                tx, table, name=typed.name, asked=wanted, shared=bool(typed.shared), owner=str(principal), at=at
            )
        return view.go(f"{table.path}?{wanted.query(table, view=str(id))}")

    @post(
        f"{table.path}/views/{{view_id:uuid}}/remove",
        guards=[needs(table.right, table.aside)],
        name=f"remove view {table.name}",
    )
    async def remove_view(view: View, database: Database, principal: Principal, view_id: UUID) -> Response[str]:
        async with database.transaction() as tx:
            if not await tx.execute(SQL.remove_view, id=view_id, table_name=table.name, owner=str(principal)):
                raise NotFound(what="view", id=str(view_id))
        return view.go(table.path)

    return save_view, remove_view
