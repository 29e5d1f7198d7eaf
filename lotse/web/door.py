"""The public port put together, from the outside in:

`Lingering` has answers heard by whoever still sends, `Bounded` refuses what is too much, `Proxied` says who asks,
`Observed` counts and logs, the `Gate` lets visitors wait while a room is open, and the `Front` gives each request to
the api or to pages.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from lotse.kernel import runtime
from lotse.kernel.settings import Settings
from lotse.kernel.waiting import rooms
from lotse.kernel.waiting.rooms import Seen
from lotse.web.app import express, free_routes, make_api, page_posts
from lotse.web.bounds import MOST_AT_ONCE, MOST_PAGES, SLOW_PAGE_SECONDS, SLOW_WRITE_SECONDS, Bound, Bounded
from lotse.web.front import Front, Posts
from lotse.web.lingering import Lingering
from lotse.web.observe import Observed
from lotse.web.process import Process
from lotse.web.proxied import Proxied, networks
from lotse.web.shops import MainShop
from lotse.web.storefront.frame import languages, offered_languages
from lotse.web.storefront.watching import WatchingPosts
from lotse.web.waiting.gate import Gate


@asynccontextmanager
async def door(own: Process) -> AsyncIterator[Any]:
    """The ASGI application of the role `api`, for the life of the block."""
    settings = own.settings
    front = Front(
        WatchingPosts(express(make_api(own)), own),
        Posts(_posts()),
        _address(settings) or runtime.pages_socket(settings),
    )
    api = Bound("api", MOST_AT_ONCE, SLOW_WRITE_SECONDS)
    pages = Bound("pages", MOST_PAGES, SLOW_PAGE_SECONDS)
    gates: list[Gate] = []

    def seen() -> Seen:
        return Seen(max(api.strain(), pages.strain()), sum(gate.newcomers() for gate in gates))

    try:
        async with rooms.opened(own.database, seen) as kept:
            gate = Gate(
                front,
                kept,
                own.database,
                shop=MainShop(own.database),
                languages=offered_languages,
                free=Posts(_free()),
                pages=pages,
            )
            gates.append(gate)
            observed = Observed(gate, "api", settings.access_log)
            yield Lingering(Bounded(Proxied(observed, networks(settings.trusted_proxies)), api))
    finally:
        await front.close()


def _posts() -> list[tuple[str, str]]:
    """The posts of pages that the api answers itself."""
    return [(str(method), path) for route in page_posts() for method in route.http_methods for path in route.paths]


def _free() -> list[tuple[str, str]]:
    """The pages that nobody waits for, in every language."""
    prefixes = ("", *(f"/{language}" for language in languages()))
    return [(method, prefix + path) for method, path in free_routes() for prefix in prefixes]


def _address(settings: Settings) -> str | None:
    return f"http://{settings.pages_listen}" if settings.pages_listen else None
