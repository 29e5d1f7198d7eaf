"""Pages made of blocks on the storefront: at `/info/…`, as first page, in place of the texts that come with Lotse, as a
draft behind a signed link; and the page that says that something is gone for good."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from markupsafe import Markup
from msgspec import structs

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import CategoryChanged, ProductCard, ProductChanged, ProductStateChanged
from lotse.domains.content import queries as content
from lotse.domains.content.contracts import HOME, LEGAL, PREVIEW_LINK, PageChanged
from lotse.domains.content.queries import Composed
from lotse.domains.content.rules import PLAYERS, department_slug, stands_alone
from lotse.domains.parties.contracts import Shop
from lotse.domains.search.contracts import Above, above_articles
from lotse.kernel.auth.links import Links
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.deciding import decide, point
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Standing
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of
from lotse.web.observe import CONTENT_SECURITY_POLICY
from lotse.web.storefront.faces import faces_of
from lotse.web.storefront.frame import offered_languages
from lotse.web.storefront.selling import described

# A page says that a published one may take its place.
CONTENT = any_of(PageChanged)
_SHOWN = (CONTENT, any_of(ProductChanged), any_of(ProductStateChanged), any_of(CategoryChanged))
_SIMILAR = 8
# Of these there is one that comes with Lotse.
_WITH_LOTSE = (HOME, *(slug for slug in LEGAL if slug != "terms"))
# In which order the articles of the first page stand: Lotse's own, and each row of one that staff made.
ROW = point(
    "home.row",
    N_("Articles on the first page"),
    {"own": N_("As they are arranged"), "new": N_("Newest first")},
    pages=["/"],
)


def in_row(cards: list[ProductCard]) -> list[ProductCard]:
    """Cards of the first page as `ROW` decides. Ids of articles are drawn in the order of time."""
    return sorted(cards, key=lambda card: card.id, reverse=True) if decide(ROW) == "new" else cards


async def page_of(view: View, database: Database, shop: Shop, slug: str) -> Response[str] | None:
    """The published page of this name, None if there is none: then what comes with Lotse is shown."""
    view.shows(types=_SHOWN)
    published = await _published(view, database, shop, slug)
    if published is None:
        return None
    found, faces = published
    found = structs.replace(found, languages=spoken(slug, found.languages, shop))
    if slug == HOME and any(piece.cards for piece in found.pieces):
        pieces = [structs.replace(piece, cards=in_row(piece.cards)) for piece in found.pieces]
        found = structs.replace(found, pieces=pieces)
    return await _answer(
        view,
        found,
        faces,
        is_home=slug == HOME,
        described=await described(view, database, shop) if slug == HOME else None,
    )


async def above(view: View, database: Database, shop: Shop, category_id: UUID) -> Above | None:
    """The blocks that staff put above a department's articles."""
    view.stands(Standing(types=(CONTENT,)))
    published = await _published(view, database, shop, department_slug(category_id))
    if published is None:
        return None
    found, faces = published
    view.stands(Standing(types=_SHOWN))
    await _ask(view, found, is_home=False)
    html = view.render("content/above.html", page=found, faces=faces, is_home=False, has_heading=True)
    return Above(Markup(html), _headers(found))  # noqa: S704 - a template's own output, escaped there


above_articles.register("storefront", above)


async def _published(view: View, database: Database, shop: Shop, slug: str) -> tuple[Composed, dict[str, str]] | None:
    """A page as it is shown now with the faces of the departments that it leads to."""
    async with database.reading() as connection:
        found = await content.shown(
            connection,
            shop_id=shop.id,
            slug=slug,
            languages=content.languages_for(view.language, shop.language),
            at=view.question.at,
        )
        if found is None:
            return None
        faces = await _faces(connection, found, view.language)
    if found.until is not None:
        view.stands(Standing(until=found.until))
    return found, faces


def spoken(slug: str, written: Sequence[str], shop: Shop) -> list[str]:
    """The languages of the page at an address: those that staff wrote it in. Unless one of them is the shop's, which
    stands in for every other, visitors of the others read what comes with Lotse."""
    offered = offered_languages(shop)
    if slug in _WITH_LOTSE and shop.language not in written:
        return offered
    return [language for language in offered if language in written]


async def _faces(connection: Connection, found: Composed, language: str) -> dict[str, str]:
    if not any(piece.kind == "categories" for piece in found.pieces):
        return {}
    return (await faces_of(connection, language)).media


async def _answer(
    view: View,
    found: Composed,
    faces: dict[str, str],
    *,
    is_home: bool,
    is_preview: bool = False,
    is_unpublished: bool = False,
    described: dict[str, Any] | None = None,
) -> Response[str]:
    await _ask(view, found, is_home=is_home)
    headers = _headers(found)
    if is_preview:
        # The editor shows it in a frame beside the form.
        policy = headers.get("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        policy = policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
        headers = {"Content-Security-Policy": policy, "Cache-Control": "private, no-store"}
    return view.show(
        "content/page.html",
        page=found,
        faces=faces,
        is_home=is_home,
        has_heading=False,
        is_preview=is_preview,
        is_unpublished=is_unpublished,
        described=described,
        headers=headers,
    )


async def _ask(view: View, found: Composed, *, is_home: bool) -> None:
    variants = found.variant_ids
    asked = {"card.offer": variants, "card.stock": variants}
    await view.ask(asked | ({"home.below": [view.question.shop]} if is_home else {}))


def _headers(found: Composed) -> dict[str, str]:
    """A video may play in a frame of whom it is from."""
    if not found.has_player:
        return {}
    return {"Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-src 'self' {' '.join(PLAYERS)}"}


@get("/info/{slug:str}", guards=[public], opt={"waits": False, "kept": True})
async def info(view: View, database: Database, shop: Shop, slug: str) -> Response[str]:
    """A page that staff have made."""
    if slug == HOME:
        return view.go("/", status=301)
    if slug in LEGAL:
        return view.go(f"/{slug}", status=301)
    answer = await page_of(view, database, shop, slug) if stands_alone(slug) else None
    if answer is None:
        raise NotFound(what="page", id=slug[:100])
    return answer


@get("/terms", guards=[public], opt={"waits": False})
async def terms(view: View, database: Database, shop: Shop) -> Response[str]:
    """The terms of business, where staff have written some."""
    answer = await page_of(view, database, shop, "terms")
    if answer is None:
        raise NotFound(what="page", id="terms")
    return answer


@get("/preview/{of_language:str}/{token:str}", guards=[public], opt={"waits": False})
async def preview(view: View, database: Database, links: Links, of_language: str, token: str) -> Response[str]:
    """A draft, for whoever has its link. Refusal: `LinkInvalid`."""
    page_id = links.read(f"{PREVIEW_LINK}:{of_language[:20]}", token)
    async with database.reading() as connection:
        found = await content.previewed(connection, page_id=page_id, language=of_language)
        if found is None:
            raise NotFound(what="page", id=str(page_id))
        faces = await _faces(connection, found, view.language)
        is_unpublished = await content.is_unpublished(
            connection, page_id=page_id, language=of_language, at=view.question.at
        )
    return await _answer(view, found, faces, is_home=found.slug == HOME, is_preview=True, is_unpublished=is_unpublished)


@get("/gone", guards=[public], opt={"waits": False})
async def gone(view: View, request: Request[Any, Any, Any], database: Database) -> Response[str]:
    """What is said of something that is gone for good, with what is like it. `Leading` sends requests here."""
    slug = str(request.scope["state"].get("gone", ""))
    name, cards = "", list[ProductCard]()
    if slug:
        async with database.reading() as connection:
            found = await catalog.product_by_slug(connection, slug=slug, language=view.language, everything=True)
            if found is not None:
                name = found.name
                for step in reversed(found.path):
                    page = await catalog.products_in_category(
                        connection, category_id=step.id, language=view.language, limit=_SIMILAR
                    )
                    cards = page.items
                    if cards:
                        break
    variants = [id for card in cards for id in card.variant_ids]
    await view.ask({"card.offer": variants, "card.stock": variants})
    return view.show(
        "storefront/gone.html",
        status=410,
        name=name,
        cards=cards,
        # It is no page in any language.
        is_public=False,
        headers={"Cache-Control": "no-store"},
    )


routes = (info, terms, preview, gone)
