"""Pages made of blocks: their list, and the editor beside how a page looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.contracts import Category
from lotse.domains.catalog.queries import category_tree
from lotse.domains.content import commands, queries
from lotse.domains.content.contracts import LEGAL, PREVIEW_LINK, Fields, PageRow, Written
from lotse.domains.content.pages.form import REFUSED, language_in, named
from lotse.domains.content.pages.menus import MENUS
from lotse.domains.content.queries import PAGE
from lotse.domains.content.rules import (
    acted,
    address_of,
    block_of,
    department_of,
    department_slug,
    raw_blocks,
    slug_of,
    stands_alone,
)
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.media.queries import media as media_of
from lotse.kernel.pages.forms import Error, FormIncomplete, checked, refused
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.table import Action, Column, Nothing, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound

PAGES = "/office/content"
# The newest pictures to choose from; more are found in the library.
_PICTURES = 36
NAMES = {
    "text": N_("Text"),
    "banner": N_("Banner"),
    "picture": N_("Picture"),
    "products": N_("Products"),
    "categories": N_("Departments"),
    "video": N_("Video"),
}


def _at(scope: Scope) -> dict[str, Any]:
    return {"shop_id": scope.shop, "at": scope.at}


async def _addressed(conn: Connection, scope: Scope, rows: list[PageRow]) -> list[PageRow]:
    """Rows with where each is shown."""
    tree = await category_tree(conn, language=scope.language)
    return [replace(row, address=_shown_at(row.slug, tree)) for row in rows]


def _shown_at(slug: str, tree: Sequence[Category]) -> str:
    department = department_of(slug)
    return next((f"/c/{one.slug}" for one in tree if one.id == department), address_of(slug))


PAGE_TABLE = Table(
    name="content.pages",
    path=PAGES,
    title=N_("Pages"),
    icon="edit",
    right="content.read",
    where="shop",
    statement=queries.READS.page_table,
    params=_at,
    row=PageRow,
    fill=_addressed,
    key="id",
    label="title",
    row_path=PAGES + "/{}",
    order="-id",
    columns=(
        Column("title", N_("Title"), link=True, phone="title"),
        Column("slug", N_("Address"), template="content/cell_slug.html", filter="begins"),
        Column("shown", N_("Shown in"), template="content/cell_languages.html", exported=False),
        Column("changed_at", N_("Changed"), kind="moment"),
    ),
    search=Search("t.slug like :begins || '%'", lambda text: {"begins": slug_of(text)}, N_("Address begins with …")),
    actions=(
        Action(N_("Menus"), MENUS, "content.read", "list"),
        Action(N_("New page"), PAGES + "/new", "content.write", "plus"),
    ),
    nothing=Nothing(
        N_("No pages yet"),
        N_(
            "A page is made of blocks: text, pictures, products. The first page and legal texts can be such pages too, "
            "and what stands above the articles of a department."
        ),
    ),
    exports=False,
)


_NO_TITLE = N_("Please give the page a title of at most 200 characters.")


class NewPage(Struct, frozen=True):
    """What is typed for a new page: `department` is the id of a category above whose articles it stands."""

    title: Annotated[str, Meta(max_length=200)] = ""
    slug: Annotated[str, Meta(max_length=80)] = ""
    department: Annotated[str, Meta(max_length=36)] = ""


@get("/office/content/new", guards=[needs("content.write", "shop")])
async def new_page(view: View, database: Database, draft: Draft | None, slug: str = "") -> Response[str]:
    """A new page."""
    typed = draft.typed if draft else {"slug": slug}
    async with database.reading() as conn:
        tree = await category_tree(conn, language=view.language)
    return view.show(
        "content/new.html",
        typed=typed,
        refused=refused(view, draft, {**REFUSED, FormIncomplete.code: _NO_TITLE}, fields=False),
        legal=LEGAL,
        departments=_ways(tree),
    )


@post("/office/content", guards=[needs("content.write", "shop")], opt={"form": "/office/content/new"})
async def add_page(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Redirect:
    """Make a page; that of a department that has one already is opened. Refusals: `FormIncomplete`, `BadPath`,
    `SlugOfPageTaken`, `Invalid`."""
    typed = checked(await request.form(), NewPage)
    title, slug, by = typed.title.strip(), typed.slug.strip(), str(principal)
    async with database.transaction() as tx:
        if typed.department:
            tree = await category_tree(tx, language=shop.language)
            department = next((one for one in tree if str(one.id) == typed.department), None)
            if department is None:
                raise Invalid(field="department", rule="choose a category")
            title, slug = title or department.name, department_slug(department.id)
            there = await queries.page_at(tx, shop_id=shop.id, slug=slug)
            if there is not None:
                return Redirect(f"{PAGES}/{there.id}", status_code=303)
        if not title:
            raise FormIncomplete(errors={"title": Error(_NO_TITLE)})
        page_id = await commands.add_page(tx, shop_id=shop.id, slug=slug or slug_of(title), by=by, at=at)
        await commands.put_draft(tx, page_id=page_id, language=shop.language, written=Written(title), by=by, at=at)
    return Redirect(f"{PAGES}/{page_id}", status_code=303)


def _ways(tree: Sequence[Category]) -> list[tuple[Category, str]]:
    """Categories with the names of those above, to choose from: each below its own, as many have a "Shoes"."""
    known = {one.id: one for one in tree}
    ways: dict[UUID, list[Category]] = {}
    for one in tree:
        way: list[Category] = []
        at: Category | None = one
        while at is not None:
            way.insert(0, at)
            at = known.get(at.parent_id) if at.parent_id else None
        ways[one.id] = way
    places = {one.id: place for place, one in enumerate(tree)}
    ordered = sorted(tree, key=lambda one: [places[step.id] for step in ways[one.id]])
    return [(one, " › ".join(step.name for step in ways[one.id])) for one in ordered]


def _editor(page_id: UUID, language: str, done: str = "") -> str:
    return f"{PAGES}/{page_id}?in={language}" + (f"&done={done}" if done else "")


@get("/office/content/{page_id:uuid}", guards=[needs("content.read", PAGE)])
async def office_page(
    view: View,
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    links: Links,
    principal: Principal,
    draft: Draft | None,
    page_id: UUID,
    block: Annotated[int, Parameter(query="block", ge=-1, le=999)] = -1,
) -> Response[str]:
    """Write a page, beside how it looks."""
    language = language_in(request, shop, draft)
    async with database.reading() as conn:
        found = await queries.page(conn, page_id=page_id)
        if found is None:
            raise NotFound(what="page", id=str(page_id))
        written = await queries.draft(conn, page_id=page_id, language=language)
        history = await queries.versions(conn, page_id=page_id, language=language)
        plans = await queries.publications(conn, page_id=page_id, language=language)
        pictures = (await media_of(conn, kind="picture", limit=_PICTURES)).items
        tree = await category_tree(conn, language=view.language)
        names = await names_of(conn, {one.made_by for one in history})
        whose = await queries.whose(conn, page_id)
        is_unpublished = await queries.is_unpublished(conn, page_id=page_id, language=language, at=view.question.at)
    raw: list[Fields] = [] if written is None else [msgspec.to_builtins(one) for one in written.blocks]
    typed: Mapping[str, Any] = {"title": written.title, "description": written.description} if written else {}
    if draft is not None and draft.typed.get("title") is not None:
        raw, typed = raw_blocks(draft.typed), draft.typed
    now = view.question.at
    holding = queries.holding_of(plans, now)
    return view.show(
        "content/editor.html",
        page=found,
        language_of=language,
        languages_of=[(code, named(code)) for code in dict.fromkeys([shop.language, *shop.languages])],
        typed=typed,
        blocks=raw,
        kinds=NAMES,
        versions=history,
        plans=[one for one in plans if one.valid_from > now],
        holding=holding,
        is_unpublished=is_unpublished,
        titles={one.id: one.title for one in history},
        pictures=pictures,
        departments=_ways(tree),
        names=names,
        token=links.sign(f"{PREVIEW_LINK}:{language}", page_id),
        has_draft=written is not None,
        address=_shown_at(found.slug, tree),
        stands_alone=stands_alone(found.slug),
        refused=_refused(view, draft),
        at_block=block,
        may_write=whose is not None and principal.covers("content.write", whose.freed(PAGE.free)),
        headers={"Cache-Control": "private, no-store"},
    )


def _refused(view: View, draft: Draft | None) -> str | None:
    """Why it came back; blocks count from one for people."""
    if draft is not None and str(draft.problem.get("type", "")).endswith(":bad-block"):
        number = int(draft.problem.get("position", 0)) + 1
        message = REFUSED["bad-block"]
        return view.text(message, number=number, rule=draft.problem.get("rule", ""))
    return refused(view, draft, REFUSED, fields=False)


_FORM = {"form": "/office/content/{page_id}"}


@post("/office/content/{page_id:uuid}", guards=[needs("content.write", PAGE)], opt=_FORM)
async def write_page(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime, page_id: UUID
) -> Redirect:
    """Keep the draft, after one of the editor's buttons (`act`); `publish` shows it at once.

    Refusals: `FormIncomplete`, `BadBlock`, `UnknownPage`.
    """
    language, form = language_in(request, shop), await request.form()
    act = str(form.get("act", ""))
    raw = acted(raw_blocks(form), act)
    written = _written(form, raw)
    by = str(principal)
    async with database.transaction() as tx:
        await commands.put_draft(tx, page_id=page_id, language=language, written=written, by=by, at=at)
        if act == "publish":
            await commands.publish(tx, page_id=page_id, language=language, by=by, at=at)
        elif act == "plan":
            zone = ZoneInfo(shop.timezone)
            begins, ends = (_moment(form, name, zone) for name in ("valid_from", "valid_until"))
            await commands.publish(
                tx, page_id=page_id, language=language, valid_from=begins, valid_until=ends, by=by, at=at
            )
    return Redirect(_after(page_id, language, act, len(raw)), status_code=303)


def _after(page_id: UUID, language: str, act: str, count: int) -> str:
    """Where the editor goes on: at the block that was touched."""
    if act in ("publish", "plan"):
        return _editor(page_id, language, "published")
    verb, _, rest = act.partition(":")
    at = -1
    if verb == "add":
        place = rest.rpartition(":")[2]
        at = int(place) if place.isdigit() else count - 1
    elif rest.isdigit():
        at = int(rest) + {"up": -1, "down": 1}.get(verb, 0)
    if at < 0 or at >= count:
        return _editor(page_id, language, "" if verb in ("up", "down", "remove", "add") else "saved")
    return f"{_editor(page_id, language)}&block={at}#block-{at}"


def _written(form: Mapping[str, Any], raw: list[Fields]) -> Written:
    title = str(form.get("title", "")).strip()
    if not 1 <= len(title) <= 200:
        raise FormIncomplete(errors={"title": Error(_NO_TITLE)})
    blocks = [block_of(position, fields) for position, fields in enumerate(raw)]
    return Written(title, str(form.get("description", "")).strip()[:300], blocks)


def _moment(form: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """A moment as a browser's field has it, in the shop's zone. Refusal: `Invalid`."""
    text = str(form.get(name, "")).strip()
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone)
    except ValueError:
        raise Invalid(field=name, rule="a day and a time of day") from None


@post("/office/content/{page_id:uuid}/again", guards=[needs("content.write", PAGE)], opt=_FORM)
async def show_again(
    request: Request[Any, Any, Any], database: Database, principal: Principal, at: datetime, page_id: UUID
) -> Redirect:
    """Roll back: show an older version from now on, and go on writing from it. Refusal: `UnknownPage`."""
    version_id = _uuid(str((await request.form()).get("version", "")))
    by = str(principal)
    async with database.transaction() as tx:
        version = await queries.version(tx, version_id=version_id)
        if version is None or version.page_id != page_id:
            raise NotFound(what="version", id=str(version_id))
        await commands.publish_version(tx, version_id=version_id, by=by, at=at)
        written = Written(version.title, version.description, version.blocks)
        await commands.put_draft(tx, page_id=page_id, language=version.language, written=written, by=by, at=at)
    return Redirect(_editor(page_id, version.language, "published"), status_code=303)


@post("/office/content/{page_id:uuid}/down", guards=[needs("content.write", PAGE)], opt=_FORM)
async def take_down(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime, page_id: UUID
) -> Redirect:
    """Show nothing any more in this language, or take back one plan (`plan`)."""
    language, plan = language_in(request, shop), str((await request.form()).get("plan", ""))
    async with database.transaction() as tx:
        if plan:
            await commands.withdraw_publication(
                tx, page_id=page_id, publication_id=_uuid(plan), by=str(principal), at=at
            )
        else:
            await commands.take_down(tx, page_id=page_id, language=language, by=str(principal), at=at)
    return Redirect(_editor(page_id, language, "saved"), status_code=303)


@post("/office/content/{page_id:uuid}/address", guards=[needs("content.write", PAGE)], opt=_FORM)
async def rename_page(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime, page_id: UUID
) -> Redirect:
    """Another address; the old one leads there. Refusals: `BadPath`, `SlugOfPageTaken`."""
    slug = str((await request.form()).get("slug", "")).strip()
    async with database.transaction() as tx:
        await commands.rename(tx, page_id=page_id, slug=slug, by=str(principal), at=at)
    return Redirect(_editor(page_id, language_in(request, shop), "saved"), status_code=303)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(what="version", id=text[:50]) from None


routes = (
    *table_routes(PAGE_TABLE),
    new_page,
    add_page,
    office_page,
    write_page,
    show_again,
    take_down,
    rename_page,
)
