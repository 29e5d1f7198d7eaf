"""Which kept page answers a request of the storefront (see `lotse.kernel.pages.kept`).

Routes say `opt={"kept": True}`; such a page is the same for everybody who asks for its address in the same language.
Not kept: what staff see (their forms carry a token), and a form that came back.
"""

from typing import Any

from litestar import Litestar
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler

from lotse.domains.catalog.contracts import CategoryChanged
from lotse.domains.content.contracts import MenuChanged
from lotse.domains.parties.contracts import ShopChanged
from lotse.kernel.auth.forms import DRAFT_COOKIE
from lotse.kernel.auth.sessions import COOKIE as SESSION_COOKIE
from lotse.kernel.pages.i18n import chosen
from lotse.kernel.pages.kept import Header, KeptPages, Place
from lotse.kernel.pages.view import remembered
from lotse.kernel.tags import any_of
from lotse.web.app import page_routes
from lotse.web.front import Posts
from lotse.web.process import Process
from lotse.web.shops import MainShop, NoShop
from lotse.web.storefront.frame import LANGUAGE_COOKIE, offered_languages, without_language

# A longer query is nobody's link.
_LONGEST_QUERY = 200
# What the frame of every page shows.
_EVERYWHERE = (any_of(CategoryChanged), any_of(ShopChanged), any_of(MenuChanged))


def kept_pages(app: Litestar, process: Process) -> KeptPages:
    """The application that renders, behind the pages that it rendered for everybody."""
    shop_now = MainShop(process.database)
    kept = Posts(
        ("GET", path)
        for route in page_routes()
        if isinstance(route, HTTPRouteHandler) and route.opt.get("kept")
        for path in route.paths
    )
    own: dict[str, tuple[Header, ...]] = {}

    async def place(scope: Any) -> Place | None:
        path: str = scope["path"]
        query: bytes = scope["query_string"]
        if len(query) > _LONGEST_QUERY or not kept.has("GET", without_language(path)):
            return None
        wish, accept, packed, htmx = None, "", False, False
        for name, value in scope["headers"]:
            if name == b"cookie":
                cookies = _cookies(value)
                if SESSION_COOKIE in cookies or DRAFT_COOKIE in cookies:
                    return None
                wish = cookies.get(LANGUAGE_COOKIE, wish)
            elif name == b"accept-language":
                accept = value.decode("latin-1")
            elif name == b"accept-encoding":
                packed = b"gzip" in value
            elif name == b"hx-request":
                htmx = True
        try:
            shop = await shop_now()
        except NoShop:
            return None
        first = path[1:].partition("/")[0]
        language = chosen(offered_languages(shop), first, wish, accept=accept)
        key = (path, query, language, packed, htmx)
        if first != language or wish == language:
            return Place(key)
        # The address chose the language: the visitor's next page shall have it, too.
        if language not in own:
            cookie: Cookie = remembered(LANGUAGE_COOKIE, language)
            own[language] = (cookie.to_encoded_header(),)
        return Place(key, own[language])

    return KeptPages(
        app,
        place,
        tags=process.tags,
        database=process.database,
        everywhere=_EVERYWHERE,
        private=[LANGUAGE_COOKIE.encode()],
    )


def _cookies(header: bytes) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.decode("latin-1").split(";"))
    return {name: value.strip('"') for name, _, value in pairs}
