"""The links of head and foot."""

from datetime import datetime
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Redirect

from lotse.domains.catalog.queries import category_tree
from lotse.domains.content import commands, queries
from lotse.domains.content.pages.form import REFUSED, language_in, named
from lotse.domains.content.rules import live_footer, live_header, menu_of, menu_text, stands_alone
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.forms import Draft
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.forms import refused
from lotse.kernel.pages.view import View

MENUS = "/office/menus"


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
    language = language_in(request, shop, draft)
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
        languages_of=[(code, named(code)) for code in dict.fromkeys([shop.language, *shop.languages])],
        refused=refused(view, draft, REFUSED, fields=False),
        may_write=principal.may("content.write"),
    )


@post("/office/menus", guards=[needs("content.write", "shop")], opt={"form": "/office/menus"})
async def put_menu(
    request: Request[Any, Any, Any], database: Database, shop: Shop, principal: Principal, at: datetime
) -> Redirect:
    """Set the links of head or foot. Refusals: `BadMenuLine`, `BadPath`."""
    language, form = language_in(request, shop), await request.form()
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


routes = (office_menus, put_menu)
