"""Which kept page answers a request of the storefront (see `lotse.kernel.pages.kept`).

Routes say `opt={"kept": True}`; such a page is the same for everybody who asks for its address in the same language.
Not kept: what staff see (their forms carry a token), and a form that came back.
"""

from collections.abc import Hashable
from typing import Any

from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from lotse.domains.catalog.contracts import CategoryChanged
from lotse.domains.content.contracts import MenuChanged, PageChanged
from lotse.domains.parties.contracts import Shop, ShopChanged
from lotse.kernel.auth.forms import DRAFT_COOKIE
from lotse.kernel.auth.sessions import COOKIE as SESSION_COOKIE
from lotse.kernel.pages.deciding import noted_in
from lotse.kernel.pages.i18n import chosen
from lotse.kernel.pages.kept import Header, KeptPages, Place
from lotse.kernel.pages.view import remembered
from lotse.kernel.tags import any_of
from lotse.web.app import page_routes
from lotse.web.front import Posts
from lotse.web.process import Process
from lotse.web.shops import MainShop, NoShop
from lotse.web.storefront.frame import KEPT_LANGUAGE, LANGUAGE_COOKIE, offered_languages, without_language

# A longer query is nobody's link.
_LONGEST_QUERY = 200
# Forms of `Accept-Language` that are remembered.
_MOST_WISHES = 2_000
_LANGUAGE_LETTERS = 2
# What the frame of every page shows.
# A page that is published may stand in every foot.
_EVERYWHERE = (any_of(CategoryChanged), any_of(ShopChanged), any_of(MenuChanged), any_of(PageChanged))


class Told(Struct, frozen=True):
    """What a request says of which page it wants."""

    path: str
    query: bytes
    cookie: bytes = b""
    language: bytes = b""
    is_piece: bool = False
    # A header that counts came twice: what reads the request next may believe the other one.
    is_doubtful: bool = False
    # Whether it came over TLS.
    secure: bool = False


class Places:
    """Which kept page a request is for."""

    def __init__(self, process: Process) -> None:
        self.shop = MainShop(process.database)
        self._kept = Posts(
            ("GET", path)
            for route in page_routes()
            if isinstance(route, HTTPRouteHandler) and route.opt.get("kept")
            for path in route.paths
        )
        self._own: dict[tuple[str, bool], tuple[Header, ...]] = {}
        # What the languages of a shop come to, by what visitors say; a handful of browsers say most of it.
        self._chosen: dict[tuple[str, str | None, bytes], str] = {}
        self._chosen_for: Shop | None = None

    async def __call__(self, scope: Any) -> Place | None:
        """For `KeptPages`."""
        told = told_by(scope)
        if (
            told.is_doubtful
            or len(told.query) > _LONGEST_QUERY
            or not self._kept.has("GET", without_language(told.path))
        ):
            return None
        noted = noted_in(scope)
        if noted is not None and noted.preview:
            return None
        try:
            shop = await self.shop()
        except NoShop:
            return None
        place = self.of(told, shop, noted.key if noted else ())
        if place is not None:
            # The page is rendered in the language that it is kept for, whatever else could be read from the request.
            scope.setdefault("state", {})[KEPT_LANGUAGE] = place.language
        return place

    def of(self, told: Told, shop: Shop, decided: Hashable = ()) -> Place | None:
        """The place of a page; None if it is a visitor's own. Whether such a page is kept at all was asked before.

        `decided` is what experiments decide for this visitor: that makes another page.
        """
        wish = None
        if told.cookie:
            cookies = _cookies(told.cookie)
            if SESSION_COOKIE in cookies or DRAFT_COOKIE in cookies:
                return None
            wish = cookies.get(LANGUAGE_COOKIE)
        first = told.path[1:].partition("/")[0]
        language = self._language(shop, first, wish, told.language)
        key = (told.path, told.query, language, told.is_piece, decided)
        if first != language or wish == language:
            return Place(key, language=language)
        # The address chose the language: the visitor's next page shall have it, too.
        own = (language, told.secure)
        if own not in self._own:
            cookie: Cookie = remembered(LANGUAGE_COOKIE, language, secure=told.secure)
            self._own[own] = (cookie.to_encoded_header(),)
        return Place(key, self._own[own], language)

    def _language(self, shop: Shop, first: str, wish: str | None, accept: bytes) -> str:
        if shop is not self._chosen_for or len(self._chosen) > _MOST_WISHES:
            self._chosen_for = shop
            self._chosen.clear()
        said = (first, wish, accept) if len(first) == _LANGUAGE_LETTERS else ("", wish, accept)
        found = self._chosen.get(said)
        if found is None:
            found = self._chosen[said] = chosen(offered_languages(shop), first, wish, accept=accept.decode("latin-1"))
        return found


def told_by(scope: Any) -> Told:
    """What the headers of a request say."""
    cookie, language, is_piece, is_doubtful = b"", b"", False, False
    for name, value in scope["headers"]:
        if name == b"cookie":
            cookie, is_doubtful = value, is_doubtful or bool(cookie)
        elif name == b"accept-language":
            language, is_doubtful = value, is_doubtful or bool(language)
        elif name == b"hx-request":
            is_piece = True
    secure = scope["scheme"] == "https"
    return Told(scope["path"], scope["query_string"], cookie, language, is_piece, is_doubtful, secure)


def kept_pages(app: Any, process: Process, places: Places | None = None) -> KeptPages:
    """The application that renders, behind the pages that it rendered for everybody."""
    return KeptPages(
        app,
        places or Places(process),
        tags=process.tags,
        database=process.database,
        everywhere=_EVERYWHERE,
        private=[LANGUAGE_COOKIE.encode()],
    )


def _cookies(header: bytes) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.decode("latin-1").split(";"))
    return {name: value.strip('"') for name, _, value in pairs}
