"""Where old paths lead, and paths that visitors asked for in vain."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.content import commands, queries
from lotse.domains.content.contracts import LostPath, RedirectRow
from lotse.domains.content.pages.form import REFUSED
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Database
from lotse.kernel.pages.forms import checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.table import Action, Column, Nothing, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

REDIRECTS, LOST = "/office/redirects", "/office/lost"


def _of_shop(scope: Scope) -> dict[str, Any]:
    return {"shop_id": scope.shop}


REDIRECT_TABLE = Table(
    name="content.redirects",
    path=REDIRECTS,
    title=N_("Redirects"),
    icon="go",
    right="content.read",
    where="shop",
    statement=queries.READS.redirect_table,
    params=_of_shop,
    row=RedirectRow,
    key="id",
    label="path",
    row_path=REDIRECTS + "/{}",
    order="-id",
    columns=(
        Column("path", N_("Old address"), kind="code", link=True, phone="title", filter="begins"),
        Column("target", N_("New address"), kind="code", empty=N_("gone for good")),
        Column("status", N_("Kind"), template="content/cell_status.html"),
        Column("made_at", N_("Made"), kind="moment"),
    ),
    actions=(
        Action(N_("Addresses not found"), LOST, "content.read", "warn"),
        Action(N_("New redirect"), REDIRECTS + "/new", "content.write", "plus"),
    ),
    nothing=Nothing(
        N_("No redirects yet"), N_("Addresses of articles and pages that were renamed lead on by themselves.")
    ),
)
LOST_TABLE = Table(
    name="content.lost",
    path=LOST,
    title=N_("Addresses not found"),
    text=N_("Addresses that lead nowhere. Open one to let it lead somewhere. Counted without anything about visitors."),
    icon="warn",
    right="content.read",
    where="shop",
    statement=queries.READS.lost_table,
    params=_of_shop,
    row=LostPath,
    key="id",
    label="path",
    row_path=LOST + "/{}",
    order="-asked",
    columns=(
        Column("path", N_("Address"), kind="code", link=True, phone="title", filter="begins"),
        Column("asked", N_("Times"), kind="number", sort=True),
        Column("referrer_host", N_("Linked from"), empty=N_("nobody said")),
        Column("last_at", N_("Last"), kind="moment"),
        Column("ignored", N_("Ignored"), kind="flag", filter="flag"),
    ),
    actions=(Action(N_("Redirects"), REDIRECTS, "content.read", "go"),),
    nothing=Nothing(N_("Nothing"), N_("Every address that visitors asked for leads somewhere.")),
)


class Leads(Struct, frozen=True):
    """What is typed for a redirect; without a target the path is gone for good."""

    path: Annotated[str, Meta(min_length=1, max_length=300)]
    target: Annotated[str, Meta(max_length=500)]


@get("/office/redirects/new", guards=[needs("content.write", "shop")])
async def new_redirect(
    view: View, draft: Draft | None, path: Annotated[str, Parameter(query="path", max_length=300)] = ""
) -> Response[str]:
    """A new redirect."""
    typed = draft.typed if draft else {"path": path, "target": ""}
    return view.show("content/redirect.html", typed=typed, found=None, lost=None, refused=refused(view, draft, REFUSED))


@get("/office/redirects/{redirect_id:uuid}", guards=[needs("content.read", "shop")])
async def office_redirect(
    view: View, database: Database, shop: Shop, draft: Draft | None, redirect_id: UUID
) -> Response[str]:
    """One redirect."""
    async with database.reading() as conn:
        rows = await conn.many(queries.READS.redirect, RedirectOfShop, redirect_id=redirect_id)
    found = next((row for row in rows if row.shop_id == shop.id), None)
    if found is None:
        raise NotFound(what="redirect", id=str(redirect_id))
    typed = draft.typed if draft else {"path": found.path, "target": found.target or ""}
    return view.show(
        "content/redirect.html", typed=typed, found=found, lost=None, refused=refused(view, draft, REFUSED)
    )


class RedirectOfShop(RedirectRow, frozen=True, kw_only=True):
    """A redirect with its shop."""

    shop_id: UUID


@post("/office/redirects", guards=[needs("content.write", "shop")], opt={"form": "/office/redirects/new"})
async def put_redirect(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Redirect:
    """Let a path lead somewhere, or say that it is gone. Refusals: `FormIncomplete`, `BadPath`, `RedirectLoop`."""
    typed = checked(await request.form(), Leads)
    target = typed.target.strip() or None
    async with database.transaction() as tx:
        await commands.put_redirect(
            tx,
            shop_id=shop.id,
            path=typed.path,
            target=target,
            status=301 if target else 410,
            by=str(principal),
            at=at,
        )
    return Redirect(f"{REDIRECTS}?done=saved", status_code=303)


@post("/office/redirects/{redirect_id:uuid}/remove", guards=[needs("content.write", "shop")])
async def remove_redirect(
    database: Database, shop: Shop, principal: Principal, at: datetime, redirect_id: UUID
) -> Redirect:
    """Let a path lead nowhere again."""
    async with database.transaction() as tx:
        await commands.remove_redirect(tx, shop_id=shop.id, redirect_id=redirect_id, by=str(principal), at=at)
    return Redirect(f"{REDIRECTS}?done=saved", status_code=303)


@get("/office/lost/{lost_id:uuid}", guards=[needs("content.read", "shop")])
async def office_lost(view: View, database: Database, shop: Shop, draft: Draft | None, lost_id: UUID) -> Response[str]:
    """One lost path: where shall it lead?"""
    async with database.reading() as conn:
        found = await queries.lost(conn, shop_id=shop.id, lost_id=lost_id)
    if found is None:
        raise NotFound(what="path", id=str(lost_id))
    typed = draft.typed if draft else {"path": found.path, "target": ""}
    return view.show(
        "content/redirect.html", typed=typed, found=None, lost=found, refused=refused(view, draft, REFUSED)
    )


@post("/office/lost/{lost_id:uuid}/ignore", guards=[needs("content.write", "shop")])
async def ignore_lost(database: Database, shop: Shop, lost_id: UUID) -> Redirect:
    """It does not matter."""
    async with database.transaction() as tx:
        await commands.ignore_lost(tx, shop_id=shop.id, lost_id=lost_id)
    return Redirect(f"{LOST}?done=saved", status_code=303)


routes = (
    *table_routes(REDIRECT_TABLE),
    *table_routes(LOST_TABLE),
    new_redirect,
    office_redirect,
    put_redirect,
    remove_redirect,
    office_lost,
    ignore_lost,
)
