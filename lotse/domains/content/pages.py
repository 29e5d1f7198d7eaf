"""The back office of content: pages with their editor, menus, redirects, lost paths."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from babel import Locale
from litestar import Request, Response, get, post
from litestar.params import Parameter
from litestar.response import Redirect
from msgspec import Meta, Struct
from msgspec.structs import replace

from lotse.domains.catalog.contracts import Category
from lotse.domains.catalog.queries import category_tree
from lotse.domains.content import commands, queries
from lotse.domains.content.contracts import (
    LEGAL,
    PREVIEW_LINK,
    Fields,
    LostPath,
    PageRow,
    RedirectRow,
    Written,
)
from lotse.domains.content.queries import PAGE
from lotse.domains.content.rules import (
    acted,
    address_of,
    block_of,
    department_of,
    department_slug,
    live_footer,
    live_header,
    menu_of,
    menu_text,
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
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Action, Column, Nothing, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import Invalid, NotFound

PAGES, MENUS, REDIRECTS, LOST = "/office/content", "/office/menus", "/office/redirects", "/office/lost"
# The newest pictures to choose from; more are found in the library.
_PICTURES = 36

REFUSED = {
    "slug-of-page-taken": N_("There is a page at the address “%(slug)s” already."),
    "bad-block": N_("Block %(number)s: %(rule)s."),
    "bad-menu-line": N_("Line %(line)s: %(rule)s. Nothing was saved."),
    "bad-path": N_("Please check it: %(rule)s."),
    "bad-period": N_("It would end before it begins."),
    "redirect-loop": N_("From %(target)s one would come back to %(path)s: a circle."),
    "invalid": N_("This does not look right: %(rule)s."),
}
# What refusals say of fields, in the middle of these sentences.
RULES = (
    N_("small letters, digits and single hyphens"),
    N_("a path that begins with one /"),
    N_("a path that begins with one /, or an address with https://"),
    N_("at most 300 visible characters"),
    N_("at most 40 lines"),
    N_("words of at most 80 characters, then | and a link"),
    N_("a path such as /info/about, or an address with https://"),
    N_("| is missing between words and link"),
    N_("a target, or gone for good without one"),
    N_("not the first page"),
    N_("a picture of the library"),
    N_("a path such as /c/shoes, or an address with https://"),
    N_("choose a picture"),
    N_("some words"),
    N_("choose a category"),
    N_("name articles, one per line"),
    N_("label and link together, or none"),
    N_("the address of the video"),
    N_("a language of the shop"),
    N_("a day and a time of day"),
)
NAMES = {
    "text": N_("Text"),
    "banner": N_("Banner"),
    "picture": N_("Picture"),
    "products": N_("Products"),
    "categories": N_("Departments"),
    "video": N_("Video"),
}


# -- tables


def _of_shop(scope: Scope) -> dict[str, Any]:
    return {"shop_id": scope.shop}


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


# -- one page

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


def _language(request: Request[Any, Any, Any], shop: Shop, draft: Draft | None = None) -> str:
    """Which language is edited: what a form that came back was for, then `?in=en`. Refusal: `Invalid`."""
    language = (draft.typed.get("in") if draft else None) or request.query_params.get("in") or shop.language
    if language not in {*shop.languages, shop.language, "en"}:
        raise Invalid(field="in", rule="a language of the shop")
    return language


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
    language = _language(request, shop, draft)
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
        languages_of=[(code, _named(code)) for code in dict.fromkeys([shop.language, *shop.languages])],
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


def _named(code: str) -> str:
    return (Locale.parse(code).get_display_name(code) or code).capitalize()


_FORM = {"form": "/office/content/{page_id}"}


@post("/office/content/{page_id:uuid}", guards=[needs("content.write", PAGE)], opt=_FORM)
async def write_page(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime, page_id: UUID
) -> Redirect:
    """Keep the draft, after one of the editor's buttons (`act`); `publish` shows it at once.

    Refusals: `FormIncomplete`, `BadBlock`, `UnknownPage`.
    """
    language, form = _language(request, shop), await request.form()
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
    language, plan = _language(request, shop), str((await request.form()).get("plan", ""))
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
    return Redirect(_editor(page_id, _language(request, shop), "saved"), status_code=303)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(what="version", id=text[:50]) from None


# -- menus


@get("/office/menus", guards=[needs("content.read", "shop")])
async def office_menus(
    view: View,
    request: Request[Any, Any, Any],
    database: Database,
    shop: Shop,
    principal: Principal,
    draft: Draft | None,
) -> Response[str]:
    """The links of head and foot in one language."""
    language = _language(request, shop, draft)
    async with database.reading() as conn:
        found = await queries.menus(conn, shop_id=shop.id, languages=[language])
        pages = await queries.listed(
            conn, shop_id=shop.id, languages=queries.languages_for(language, shop.language), at=view.question.at
        )
        live = await _live(conn, request, shop, language, view.question.at)
    texts = live | {place: menu_text(menu.items) for place, menu in found.items()}
    if draft is not None:
        texts |= {str(draft.typed.get("place", "")): str(draft.typed.get("items", ""))}
    return view.show(
        "content/menus.html",
        texts=texts,
        pages=[page for page in pages if stands_alone(page.slug)],
        language_of=language,
        languages_of=[(code, _named(code)) for code in dict.fromkeys([shop.language, *shop.languages])],
        refused=refused(view, draft, REFUSED, fields=False),
        may_write=principal.may("content.write"),
    )


@post("/office/menus", guards=[needs("content.write", "shop")], opt={"form": "/office/menus"})
async def put_menu(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Redirect:
    """Set the links of head or foot. Refusals: `BadMenuLine`, `BadPath`."""
    language, form = _language(request, shop), await request.form()
    place = "header" if form.get("place") == "header" else "footer"
    items = menu_of(str(form.get("items", "")), place)
    async with database.transaction() as tx:
        # What comes with Lotse, sent back as it was shown, goes on following departments and pages.
        if menu_text(items) == (await _live(tx, request, shop, language, at))[place]:
            items = []
        await commands.put_menu(
            tx, shop_id=shop.id, place=place, language=language, items=items, by=str(principal), at=at
        )
    return Redirect(f"{MENUS}?in={language}&done=saved", status_code=303)


async def _live(
    conn: Connection, request: Request[Any, Any, Any], shop: Shop, language: str, at: datetime
) -> dict[str, str]:
    """Head and foot that come with Lotse, as they are edited."""
    tree = await category_tree(conn, language=language)
    departments = [(category.name, category.slug) for category in tree if category.depth == 0 and category.products]
    languages = queries.languages_for(language, shop.language)
    pages = await queries.listed(conn, shop_id=shop.id, languages=languages, at=at)
    said = request.app.state.site.templates.gettext(language)
    return {
        "header": menu_text(live_header(departments)),
        "footer": menu_text(live_footer(said, [(page.title, page.slug) for page in pages])),
    }


# -- redirects and lost paths


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
    *table_routes(PAGE_TABLE),
    *table_routes(REDIRECT_TABLE),
    *table_routes(LOST_TABLE),
    new_page,
    add_page,
    office_page,
    write_page,
    show_again,
    take_down,
    rename_page,
    office_menus,
    put_menu,
    new_redirect,
    office_redirect,
    put_redirect,
    remove_redirect,
    office_lost,
    ignore_lost,
)
tables = (PAGE_TABLE, REDIRECT_TABLE, LOST_TABLE)
places = (
    Place(PAGES, N_("Pages"), "edit", "", "content.read", "goods", 60),
    Place(LOST, N_("Addresses not found"), "warn", "", "content.read", "goods", 62),
)
