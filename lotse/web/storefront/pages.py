"""Home, the pages of law and service, and the files. Pages of things live in the domains that own them."""

from typing import Any

from litestar import Request, Response, get

from lotse.domains.catalog import queries as catalog
from lotse.domains.catalog.contracts import ProductChanged, ProductStateChanged
from lotse.domains.content import queries as content
from lotse.domains.content.rules import address_of, department_of
from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.settings import Settings, base_of
from lotse.kernel.tags import any_of
from lotse.web.storefront.content import in_row, page_of, spoken
from lotse.web.storefront.content import routes as content_routes
from lotse.web.storefront.faces import faces_of
from lotse.web.storefront.frame import PERSONAL, offered_languages
from lotse.web.storefront.selling import described

# Two rows of four on a desk, four of two on a phone.
_ON_HOME = 8
# The name of a file changes with its content, so what was fetched once is right for ever.
_FOR_EVER = "public, max-age=31536000, immutable"


@get("/", guards=[public], opt={"kept": True})
async def home(view: View, database: Database, shop: Shop) -> Response[str]:
    """The first page: the one that staff made, else the one that comes with Lotse."""
    own = await page_of(view, database, shop, "home")
    if own is not None:
        return own
    async with database.reading() as connection:
        faces = await faces_of(connection, view.language)
    cards = in_row(faces.cards)[:_ON_HOME]
    variants = [id for card in cards for id in card.variant_ids]
    view.shows(types=(any_of(ProductChanged), any_of(ProductStateChanged)))
    await view.ask({"card.offer": variants, "card.stock": variants, "home.below": [view.question.shop]})
    return view.show(
        "storefront/home.html", cards=cards, faces=faces.media, described=await described(view, database, shop)
    )


@get("/imprint", guards=[public], opt={"waits": False})
async def imprint(view: View, database: Database, shop: Shop) -> Response[str]:
    """Who runs the shop (DDG s.5)."""
    own = await page_of(view, database, shop, "imprint")
    if own is not None:
        return own
    async with database.reading() as connection:
        entity = await parties.legal_entity(connection, legal_entity_id=shop.legal_entity_id)
        party = await parties.party(connection, party_id=entity.party_id) if entity else None
    return view.show("storefront/imprint.html", entity=entity, party=party)


@get("/delivery", guards=[public])
async def delivery(view: View, database: Database, shop: Shop) -> Response[str]:
    """How goods and money travel."""
    own = await page_of(view, database, shop, "delivery")
    if own is not None:
        return own
    await view.ask({"delivery.costs": [shop.id], "delivery.payment": [shop.id]})
    return view.show("storefront/delivery.html")


@get("/withdrawal", guards=[public], opt={"waits": False})
async def withdrawal(view: View, database: Database, shop: Shop) -> Response[str]:
    """The right to change one's mind."""
    own = await page_of(view, database, shop, "withdrawal")
    if own is not None:
        return own
    async with database.reading() as connection:
        entity = await parties.legal_entity(connection, legal_entity_id=shop.legal_entity_id)
    return view.show("storefront/withdrawal.html", entity=entity)


@get("/privacy", guards=[public], opt={"waits": False})
async def privacy(view: View, database: Database, shop: Shop) -> Response[str]:
    """What is kept of a visitor, and why."""
    own = await page_of(view, database, shop, "privacy")
    if own is not None:
        return own
    return view.show("storefront/privacy.html")


@get("/static/{name:path}", guards=[public])
async def static_file(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """A file of Lotse's own."""
    found = request.app.state.static.find(name.lstrip("/"))
    if found is None:
        raise NotFound(what="file", id=name)
    # Only the address with the version may be kept for ever: the other one's content changes with a release.
    caching = _FOR_EVER if request.query_params.get("v") == found.version else "public, max-age=300"
    content, packing = request.app.state.static.sent(found, request.headers.get("accept-encoding", "").encode())
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"} | ({"Content-Encoding": packing} if packing else {})
    return Response(content, media_type=found.media_type, headers=headers)


@get("/favicon.ico", guards=[public])
async def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Browsers ask for it whatever the page says."""
    static = request.app.state.static
    found = static.find("theme/icon.svg") or static.find("icon.svg")
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": "public, max-age=86400"})


@get("/robots.txt", guards=[public])
async def robots(settings: Settings, shop: Shop) -> Response[str]:
    """What search engines need not look at: what is personal, and the back office; and where the site map is."""
    ours = ("", *(f"/{language}" for language in offered_languages(shop)))
    lines = ["User-agent: *", "Disallow: /office"]
    # The checkout sends whoever has no basket to the basket; so there is nothing of it to keep anybody from.
    hidden = [path for path in PERSONAL if path != "/checkout"]
    lines += [f"Disallow: {prefix}{path}" for prefix in ours for path in hidden]
    lines += ["", f"Sitemap: {base_of(settings)}/sitemap.xml"]
    return Response(
        "\n".join(lines) + "\n", media_type="text/plain", headers={"Cache-Control": "public, max-age=86400"}
    )


# The protocol allows 50,000 addresses in a part; so many are made in a tenth of a second, in which nobody is answered.
_IN_A_PART = 10_000
_SITE_MAP = {"Cache-Control": "public, max-age=3600"}
# Pages that stand for themselves, beside the departments.
_OWN_PAGES = ("/", "/new", "/stores", "/delivery", "/withdrawal")


@get("/sitemap.xml", guards=[public])
async def site_map(settings: Settings, database: Database, shop: Shop) -> Response[str]:
    """The parts of the site map: pages and departments, then the products."""
    async with database.reading() as connection:
        products = await catalog.count_shown(connection)
    most = _IN_A_PART // len(offered_languages(shop))
    parts = "".join(
        f"<sitemap><loc>{base_of(settings)}/sitemap/{part}</loc></sitemap>" for part in range(1 + -(-products // most))
    )
    body = f'<?xml version="1.0" encoding="UTF-8"?><sitemapindex xmlns="{_SITE_MAPS}">{parts}</sitemapindex>'
    return Response(body, media_type="application/xml", headers=_SITE_MAP)


_SITE_MAPS = "http://www.sitemaps.org/schemas/sitemap/0.9"


@get("/sitemap/{part:int}", guards=[public])
async def site_map_part(settings: Settings, database: Database, shop: Shop, part: int) -> Response[str]:
    """A part of the site map, each page in every language with the other ones beside it."""
    languages = offered_languages(shop)
    most = _IN_A_PART // len(languages)
    async with database.reading() as connection:
        if part == 0:
            tree = await catalog.category_tree(connection, language=shop.language)
            own = await content.listed(connection, shop_id=shop.id, languages=languages, at=clock.now())
            written = {
                address_of(page.slug): (page.made_at.date().isoformat(), spoken(page.slug, page.languages, shop))
                for page in own
                if department_of(page.slug) is None
            }
            pages = [(path, *written.pop(path, ("", languages))) for path in _OWN_PAGES]
            pages += [(f"/c/{category.slug}", "", languages) for category in tree if category.products]
            pages += [(path, *told) for path, told in written.items()]
        else:
            # Beyond what a bigint of rows could be nobody asks.
            found = (
                await catalog.site_map(connection, skip=min(part - 1, 10_000) * most, limit=most) if part > 0 else []
            )
            pages = [(f"/p/{product.slug}", product.changed_at.date().isoformat(), languages) for product in found]
    if not pages:
        raise NotFound(what="site map", id=str(part))
    base = base_of(settings)
    body = [
        f'<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="{_SITE_MAPS}" xmlns:xhtml="http://www.w3.org/1999/xhtml">'
    ]
    for path, changed, offered in pages:
        tail = "" if path == "/" else path
        others = "".join(
            f'<xhtml:link rel="alternate" hreflang="{language}" href="{base}/{language}{tail}"/>'
            for language in offered
        )
        last = f"<lastmod>{changed}</lastmod>" if changed else ""
        body += [f"<url><loc>{base}/{language}{tail}</loc>{last}{others}</url>" for language in offered]
    body.append("</urlset>")
    return Response("\n".join(body), media_type="application/xml", headers=_SITE_MAP)


routes = (
    *content_routes,
    robots,
    site_map,
    site_map_part,
    home,
    imprint,
    delivery,
    withdrawal,
    privacy,
    static_file,
    favicon,
)
