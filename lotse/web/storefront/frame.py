"""Composes what renders: template folders, catalogues, slots, static files; makes the `view` of each request.

The language of a storefront page is that of its address (`/en/…`), else the cookie's, else the browser's, else the
shop's. Addresses without a language lead to the same pages; the posts have no language at all.
"""

import time
from collections.abc import Callable, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import Any

import structlog
from babel import Locale
from litestar import Request, Response, Router
from litestar.config.app import AppConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from markupsafe import Markup
from msgspec import Struct

from lotse.domains.behaviour.rules import TEXT_VERSION
from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import Category, CategoryChanged, ProductStateChanged
from lotse.domains.content.contracts import MenuChanged, PageChanged
from lotse.domains.parties.contracts import Shop, ShopChanged
from lotse.kernel import clock, seams
from lotse.kernel.auth.authenticate import staff_session
from lotse.kernel.auth.forms import DRAFT_COOKIE
from lotse.kernel.db import Database
from lotse.kernel.media import names as media_names
from lotse.kernel.pages.environment import Templates
from lotse.kernel.pages.i18n import chosen
from lotse.kernel.pages.slots import Ask, Slots
from lotse.kernel.pages.static import StaticFiles
from lotse.kernel.pages.view import Site, View
from lotse.kernel.problems import Problem
from lotse.kernel.settings import base_of
from lotse.kernel.tags import any_of
from lotse.web.live.demo import LIVE, buyers
from lotse.web.shops import shop_of
from lotse.web.storefront import menus
from lotse.web.storefront.brand import Brand, brand_of

log = structlog.get_logger()

OFFICE = "/office"
LANGUAGE_COOKIE = "lotse_language"
# In the state of a request whose page will be kept: the language that it is kept for.
KEPT_LANGUAGE = "lotse_kept_language"
# Events of categories and of articles' states drop the departments at once. What no event tells, that a department got
# its first article, is seen within this. Counting the articles of a large tree takes a fifth of a second.
_REMEMBERED_SECONDS = 60.0
# Nobody's page: files and what is not the storefront's.
_OTHERS = (OFFICE, "/static", "/media", "/signin", "/signout")

# Events that tell of what every page shows.
_FRAME = (
    any_of(CategoryChanged),
    any_of(ProductStateChanged),
    any_of(ShopChanged),
    any_of(MenuChanged),
    any_of(PageChanged),
)

_ROOT = Path(str(files("lotse")))


# Pages of one visitor: no search engine is told of an address of theirs.
PERSONAL = ("/basket", "/checkout", "/pay/", "/order/", "/withdrawn/", "/account", "/search", "/wishes")


class LanguageLink(Struct, frozen=True):
    """A link to this page in another language, named in that language; `address` is the page's one whole address."""

    code: str
    name: str
    href: str
    address: str = ""


def themes() -> list[Path]:
    """The folders of the retailer's own look: packages under the entry point group `lotse.themes`, by name.

    What lies in `templates/`, `locale/` and `static/` of a theme comes before Lotse's own: see docs/guides/look.md.
    """
    points = sorted(entry_points(group=seams.THEMES), key=lambda point: point.name)
    return [Path(str(files(point.value))) for point in points]


def static_files(themes: Sequence[Path]) -> StaticFiles:
    """Lotse's own files, and below `theme/` those of the first theme that has some. Three of these every page loads if
    they are there: `tokens.css` (storefront and back office), `theme.css` (storefront), `office.css` (back office); and
    `icon.svg` stands in for Lotse's own.
    """
    folders = {"": _ROOT / "web" / "static"}
    own = next((theme / "static" for theme in themes if (theme / "static").is_dir()), None)
    static = StaticFiles(folders | ({"theme": own} if own else {}))
    sheets = ("tokens", "base", "storefront", "search", "consent")
    static.join("css/shop.css", [f"css/{sheet}.css" for sheet in sheets])
    scripts = ("shop", "lively", "search", "installed", "watch")
    static.join("js/storefront.js", [f"js/{script}.js" for script in scripts])
    return static


def owners() -> dict[str, Path]:
    """Who brings templates, and the folder of each: `catalog/product.html` lies in the folder of `catalog`."""
    found = {domain.name: Path(str(files(domain.package))) / "templates" for domain in seams.domains()}
    return {name: folder for name, folder in found.items() if folder.is_dir()} | {
        "kit": _ROOT / "kernel" / "pages" / "templates",
        "storefront": _ROOT / "web" / "storefront" / "templates",
        "backoffice": _ROOT / "web" / "backoffice" / "templates",
        "signin": _ROOT / "web" / "signin" / "templates",
        "media": _ROOT / "web" / "media" / "templates",
        "waiting": _ROOT / "web" / "waiting" / "templates",
        "live": _ROOT / "web" / "live" / "templates",
        "connect": _ROOT / "web" / "connect" / "templates",
        "mail": _ROOT / "web" / "mail" / "templates",
    }


def templates(static: StaticFiles, themes: Sequence[Path] = ()) -> Templates:
    """All template folders of this installation: themes, the domains', the frames', the kit's; with every catalogue."""
    # Domains and plugins may bring words of their own: a retailer's colours, a plugin's messages.
    packages = [domain.package for domain in seams.domains()] + list(seams.load_plugins())
    folders = [*themes, _ROOT, *(Path(str(files(package))) for package in packages)]
    return Templates(
        owners(),
        catalogues=[folder / "locale" for folder in folders],
        themes=[theme / "templates" for theme in themes],
        names={
            "consent_version": TEXT_VERSION,
            "media": media_names.address,
            "media_shared": media_names.shared,
            "media_source": media_names.source,
            # Beside the demo the front page leads to what its simulated buyers do.
            "live_page": LIVE if buyers() else "",
        },
        constants={"static": static.url, "has_static": static.has, "icon": icons(static)},
    )


def icons(static: StaticFiles) -> Callable[..., Markup]:
    """`icon("basket")` of the templates: a drawing of `icons.svg`."""
    sheet = static.url("icons.svg")
    drawing = Markup('<svg class="icon {}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>')

    def icon(name: str, kind: str = "") -> Markup:
        return drawing.format(kind, sheet, name)

    return icon


@cache  # a folder is listed; asked several times for every page
def languages() -> tuple[str, ...]:
    """The languages that Lotse's own texts are in."""
    return ("en", *sorted(path.name for path in (_ROOT / "locale").iterdir() if path.is_dir()))


def on_app_init(config: AppConfig) -> AppConfig:
    """Add what pages need to the application that renders."""
    from lotse.web.app import page_routes

    process = config.state["process"]
    own = themes()
    static = static_files(own)
    answerers = [answerer for domain in seams.domains() for answerer in domain.exported("pages", "slots")]
    config.state["static"] = static
    config.state["site"] = Site(templates(static, own), Slots(answerers), process.database)
    config.state["problem_page"] = problem_page
    config.dependencies["view"] = Provide(view_of)
    process.tags.on_drop(_forgetting(config.state))
    readable = [route for route in page_routes() if _has_language(route)]
    for language in languages():
        config.route_handlers.append(Router(f"/{language}", route_handlers=readable))
    return config


def _forgetting(state: State) -> Callable[[frozenset[str] | None], None]:
    """When something changes that the frame of every page shows, it is read anew; what problem pages show remains."""

    def forget(tags: frozenset[str] | None) -> None:
        if tags is None or any(tag.startswith(_FRAME) for tag in tags):
            _, shop = state.get("shop", (0.0, None))
            state["shop"] = (0.0, shop)
            known: dict[str, tuple[float, list[Category]]] = state.setdefault("navigation", {})
            for language, (_, departments) in list(known.items()):
                known[language] = (0.0, departments)
            menus.forget(state)

    return forget


def _has_language(route: Any) -> bool:
    """Whether a page is also found below `/en`: those of the storefront that are read."""
    return (
        isinstance(route, HTTPRouteHandler)
        and "GET" in {str(method) for method in route.http_methods}
        and "view" in route.fn.__annotations__
        and not any(path.startswith(_OTHERS) for path in route.paths)
    )


async def view_of(request: Request[Any, Any, Any]) -> View:
    """The `view` of a handler."""
    path: str = request.scope["path"]
    if path.startswith(OFFICE):
        from lotse.web.backoffice.frame import office_view

        view = await office_view(request)
    else:
        view = await storefront_view(request)
    if DRAFT_COOKIE in request.cookies:
        view.spent[DRAFT_COOKIE] = path
    return view


async def storefront_view(request: Request[Any, Any, Any]) -> View:
    """The storefront around a page. Refusal: `NoShop`."""
    shop = await shop_of(request)
    language, from_address = _language(request, shop)
    navigation = await _navigation(request, language)
    await menus.refresh(request.app.state, shop, language)
    csrf = ""
    session = await staff_session(request)
    if session is not None:  # staff who shop: their posts must carry the token of their session
        csrf = session.form_token()
    return _view(request, shop, language, navigation, csrf=csrf, remember=from_address)


def _view(
    request: Request[Any, Any, Any],
    shop: Shop,
    language: str,
    navigation: Sequence[Category],
    *,
    csrf: str = "",
    remember: bool = False,
) -> View:
    site: Site = request.app.state.site
    path = without_language(request.scope["path"])
    brand: Brand = brand_of(request.app.state.process.settings.home)
    offered = offered_languages(shop)
    query = request.scope["query_string"].decode("latin-1")
    here = {part for part in path.split("/") if part}
    at = clock.now()
    base = base_of(request.app.state.process.settings)
    prefix = "" if language == offered[0] else f"/{language}"
    # All that the head and the foot of a page depend on.
    frame = (
        *(shop.id, shop.name, shop.gross, prefix, brand.logo, brand.logo_dark, at.year),
        *((department.slug, department.name, department.slug in here) for department in navigation),
        *menus.depends(request.app.state, language),
    )
    elsewhere = ("" if path == "/" else path) + (f"?{query}" if query else "")
    view = View(
        site,
        Ask(shop.id, language, shop.currency, "", (), at),
        {
            "shop": shop,
            "navigation": navigation,
            "menus": menus.remembered(request.app.state, language),
            "header_links": menus.header_of(request.app.state, language),
            "foot_columns": menus.columns_of(request.app.state, language),
            "foot_pages": menus.pages_of(request.app.state, language),
            "has_terms": menus.has_terms(request.app.state, language),
            "here": here,
            "frame": frame,
            "languages": [
                LanguageLink(code, own_name(code), f"/{code}{elsewhere}", f"{base}/{code}{'' if path == '/' else path}")
                for code in offered
            ],
            "base": base,
            "is_public": not path.startswith(PERSONAL),
            "path": path,
            "logo": brand.logo,
            "logo_dark": brand.logo_dark,
            "hero": brand.hero,
            "csrf": csrf_field(csrf),
            "csrf_token": csrf,
        },
        prefix=prefix,
        base=base,
        zone=shop.timezone,
        secure=request.scope["scheme"] == "https",
        keeping=None if csrf else request.scope["state"].get("keeping"),
    )
    if remember and request.cookies.get(LANGUAGE_COOKIE) != language:
        view.cookies[LANGUAGE_COOKIE] = language
    return view


def csrf_field(token: str) -> Markup:
    """The hidden field of a staff session; nothing for guests, so that what they see can be cached."""
    return Markup('<input type="hidden" name="_csrf" value="{}">').format(token) if token else Markup("")


def offered_languages(shop: Shop) -> list[str]:
    """The shop's languages that Lotse has texts in, the shop's own first; at least English."""
    known = languages()
    wanted = [shop.language, *(language for language in shop.languages if language != shop.language)]
    return [language for language in wanted if language in known] or ["en"]


@cache
def own_name(language: str) -> str:
    """A language as its speakers call it."""
    return (Locale.parse(language).get_display_name(language) or language).capitalize()


def without_language(path: str) -> str:
    """The path of a page without the language that may lead it."""
    first, _, rest = path.lstrip("/").partition("/")
    return f"/{rest}" if first in languages() else path


def _language(request: Request[Any, Any, Any], shop: Shop) -> tuple[str, bool]:
    """The language of a page, and whether its address says so."""
    offered = offered_languages(shop)
    first = request.scope["path"].lstrip("/").partition("/")[0]
    language = request.scope["state"].get(KEPT_LANGUAGE)
    if language is None:
        cookie = request.cookies.get(LANGUAGE_COOKIE)
        language = chosen(offered, first, cookie, accept=request.headers.get("accept-language", ""))
    return language, first == language


async def _navigation(request: Request[Any, Any, Any], language: str) -> list[Category]:
    """The departments, remembered for seconds in this process."""
    state = request.app.state
    known: dict[str, tuple[float, list[Category]]] = state.setdefault("navigation", {})
    until, departments = known.get(language, (0.0, []))
    if time.monotonic() > until:
        database: Database = state.database
        mark = state.process.tags.mark()
        async with database.reading() as connection:
            tree = await catalog.category_tree(connection, language=language)
        departments = [category for category in tree if category.depth == 0 and category.products]
        # What was dropped while it was read may be older than the drop.
        is_new = state.process.tags.mark() == mark
        known[language] = (time.monotonic() + _REMEMBERED_SECONDS if is_new else 0.0, departments)
    return departments


def problem_page(request: Request[Any, Any, Any], problem: Problem) -> Response[Any]:
    """A problem for people, in the frame that they know. It must not wait: it shows what is remembered."""
    if request.scope["path"].startswith(OFFICE):
        from lotse.web.backoffice.frame import office_problem

        return office_problem(request, problem)
    state = request.app.state
    request_id = str(request.scope["state"].get("request_id", ""))
    _, shop = state.get("shop", (0.0, None))
    if shop is None:  # the database is away or empty since the start: nothing of the shop is known
        return bare_problem(problem, request_id)
    language, _ = _language(request, shop)
    _, navigation = state.get("navigation", {}).get(language, (0.0, []))
    view = _view(request, shop, language, navigation)
    return view.show(
        "storefront/problem.html",
        status=problem.status,
        headers={**problem.headers, "Cache-Control": "no-store"},
        problem=problem,
        request_id=request_id,
        # It is no page in any language.
        is_public=False,
    )


def bare_problem(problem: Problem, request_id: str) -> Response[Any]:
    """A problem without a frame."""
    body = Markup(
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<title>{0}</title><h1>{0}</h1><p>{1}</p><p><small>{2}</small></p>"
    ).format(problem.title, problem.detail, request_id)
    return Response(str(body), status_code=problem.status, media_type="text/html")
