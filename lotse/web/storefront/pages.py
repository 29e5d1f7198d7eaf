"""Home, the pages of law and service, and the files. Pages of things live in the domains that own them."""

from typing import Any

from litestar import Request, Response, get

from lotse.domains.catalog.contracts import ProductChanged, ProductStateChanged
from lotse.domains.parties import queries as parties
from lotse.domains.parties.contracts import Shop
from lotse.kernel.auth.rights import public
from lotse.kernel.db import Database
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.tags import any_of
from lotse.web.storefront.faces import faces_of

# Two rows of four on a desk, four of two on a phone.
_ON_HOME = 8
# The name of a file changes with its content, so what was fetched once is right for ever.
_FOR_EVER = "public, max-age=31536000, immutable"


@get("/", guards=[public], opt={"kept": True})
async def home(view: View, database: Database) -> Response[str]:
    """The first page."""
    async with database.reading() as connection:
        faces = await faces_of(connection, view.language)
    cards = faces.cards[:_ON_HOME]
    variants = [id for card in cards for id in card.variant_ids]
    view.shows(types=(any_of(ProductChanged), any_of(ProductStateChanged)))
    await view.ask({"card.offer": variants, "card.stock": variants, "home.below": [view.question.shop]})
    return view.show("storefront/home.html", cards=cards, faces=faces.media)


@get("/imprint", guards=[public], opt={"waits": False})
async def imprint(view: View, database: Database, shop: Shop) -> Response[str]:
    """Who runs the shop (DDG s.5)."""
    async with database.reading() as connection:
        entity = await parties.legal_entity(connection, legal_entity_id=shop.legal_entity_id)
        party = await parties.party(connection, party_id=entity.party_id) if entity else None
    return view.show("storefront/imprint.html", entity=entity, party=party)


@get("/delivery", guards=[public])
async def delivery(view: View) -> Response[str]:
    """How goods and money travel."""
    return view.show("storefront/delivery.html")


@get("/withdrawal", guards=[public], opt={"waits": False})
async def withdrawal(view: View, database: Database, shop: Shop) -> Response[str]:
    """The right to change one's mind."""
    async with database.reading() as connection:
        entity = await parties.legal_entity(connection, legal_entity_id=shop.legal_entity_id)
    return view.show("storefront/withdrawal.html", entity=entity)


@get("/privacy", guards=[public], opt={"waits": False})
async def privacy(view: View) -> Response[str]:
    """What is kept of a visitor, and why."""
    return view.show("storefront/privacy.html")


@get("/static/{name:path}", guards=[public])
async def static_file(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """A file of Lotse's own."""
    found = request.app.state.static.find(name.lstrip("/"))
    if found is None:
        raise NotFound(what="file", id=name)
    # Only the address with the version may be kept for ever: the other one's content changes with a release.
    caching = _FOR_EVER if request.query_params.get("v") == found.version else "public, max-age=300"
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": caching})


@get("/favicon.ico", guards=[public])
async def favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Browsers ask for it whatever the page says."""
    static = request.app.state.static
    found = static.find("theme/icon.svg") or static.find("icon.svg")
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": "public, max-age=86400"})


@get("/robots.txt", guards=[public])
async def robots() -> Response[str]:
    """What search engines need not look at: what is personal, and the back office."""
    lines = [
        "User-agent: *",
        *(f"Disallow: {path}" for path in ("/basket", "/checkout", "/order/", "/search", "/office")),
    ]
    return Response(
        "\n".join(lines) + "\n", media_type="text/plain", headers={"Cache-Control": "public, max-age=86400"}
    )


routes = (robots, home, imprint, delivery, withdrawal, privacy, static_file, favicon)
