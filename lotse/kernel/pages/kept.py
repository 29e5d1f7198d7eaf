"""Whole pages kept for everybody: what is the same for all visitors is rendered once.

A page is kept if its handler says what it shows (`view.shows`) and every slot that it asks says how long its answer
stands (`Answerer.standing`). It is given up

- when an event tells that something on it changed (tags, see `lotse.kernel.tags`): within a second, in every process;
- when a moment comes that was known before, such as the beginning of a price;
- when its *signs* differ: what changes with every sale (stock) is not told by events. A page older than a second looks
  at its signs again, one look-up for all of them, and stays as long as what it shows would be the same;
- after a minute in any case, and all of them when the line to the events breaks.

A fill is refused if something on the page changed after its first read. There is one fill per page at a time. What is
personal (the basket's count) comes by its own small request. `Surrogate-Key` tells a cache in front the same tags.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from typing import Any

import structlog
from msgspec import Struct
from prometheus_client import Counter

from lotse.kernel import clock
from lotse.kernel.pages.slots import Connecting, Keeping
from lotse.kernel.tags import Copies, Tags

_log = structlog.get_logger(__name__)
_asked = Counter("lotse_kept_pages", "Pages that may be kept, by where they came from.", ["outcome"])

# For what no event tells (goods counted at one more place, the shop's logo), and what a page forgets to say.
MAX_AGE_SECONDS = 60.0
# "Within a second" holds for stock, too.
LOOK_SECONDS = 1.0
# Some 20 kB each: 40 MB.
MOST_PAGES = 2_000
# Whoever waits for another's fill longer than this renders by himself.
PATIENCE_SECONDS = 5.0
# A header that other servers still take; a page with more tags is kept here only.
_LONGEST_SURROGATE_KEY = 6_000

Header = tuple[bytes, bytes]


class Place(Struct, frozen=True):
    """Which kept page answers a request. `own`: headers of this visitor's answer, beside those of the page."""

    key: Hashable
    own: tuple[Header, ...] = ()


class _Page:
    """A kept page."""

    __slots__ = ("body", "good_until", "headers", "looked_at", "looking", "signs")

    def __init__(
        self, headers: list[Header], body: bytes, signs: Mapping[Any, Mapping[int, int]], since: float, until: float
    ) -> None:
        self.headers = headers
        self.body = body
        self.signs = signs
        self.looked_at = since
        self.good_until = until
        self.looking: asyncio.Task[bool] | None = None


class KeptPages:
    """ASGI: answers from kept pages, or lets the application render and keeps what may be kept."""

    def __init__(
        self,
        app: Any,
        place: Callable[[Any], Awaitable[Place | None]],
        *,
        tags: Tags,
        database: Connecting,
        everywhere: Iterable[str] = (),
        private: Iterable[bytes] = (),
    ) -> None:
        """`place` says which page a request asks for, None if it is nobody else's. `everywhere` are types of events
        that tell of what every page shows, `private` the cookies that belong to the visitor and not to the page."""
        self._app = app
        self._place = place
        self._tags = tags
        self._database = database
        self._everywhere = frozenset(everywhere)
        self._private = tuple(name + b"=" for name in private)
        self._pages: Copies[Hashable, _Page] = tags.copies("pages", size=MOST_PAGES)
        self._filling: dict[Hashable, asyncio.Event] = {}
        # Drops of any event of a type, in the order in which they were heard.
        self._clock = 0
        self._dropped_at: dict[str, int] = {}
        tags.on_drop(self._hear)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        place = await self._place(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if place is None:
            await self._app(scope, receive, send)
            return
        page = await self._good(place.key)
        if page is None and (filling := self._filling.get(place.key)):
            await _patiently(filling)
            page = await self._good(place.key)
        if page is not None:
            _asked.labels("kept").inc()
            await send({"type": "http.response.start", "status": 200, "headers": [*page.headers, *place.own]})
            await send({"type": "http.response.body", "body": page.body})
            return
        await self._fill(place, scope, receive, send)

    async def _good(self, key: Hashable) -> _Page | None:
        page = self._pages.get(key)
        if page is None or page.good_until < time.monotonic():
            return None
        if not page.signs or time.monotonic() - page.looked_at < LOOK_SECONDS:
            return page
        if page.looking is None:
            page.looking = asyncio.create_task(self._look(page))
        # Shielded: others wait for the same look.
        return page if await asyncio.shield(page.looking) else None

    async def _look(self, page: _Page) -> bool:
        began = time.monotonic()
        try:
            async with self._database.reading() as connection:
                for look, seen in page.signs.items():
                    if await look(connection, list(seen)) != seen:
                        page.good_until = 0.0
                        return False
            page.looked_at = began
            return True
        finally:
            page.looking = None

    async def _fill(self, place: Place, scope: Any, receive: Any, send: Any) -> None:
        filled = None if place.key in self._filling else asyncio.Event()
        if filled is not None:
            self._filling[place.key] = filled
        keeping = Keeping()
        scope["state"]["keeping"] = keeping
        mark, heard, began = self._tags.mark(), self._clock, time.monotonic()
        start: dict[str, Any] = {}
        body = b""

        async def kept_send(message: Any) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start":
                start = message  # held back until the handler is through: only then it is known what it shows
                return
            if start and not body and keeping.is_whole:
                start["headers"] = [*start["headers"], *_surrogate(keeping)]
            body += message.get("body", b"") if keeping.is_whole else b""
            if start:
                await send(start)
                start_sent.append(start)
                start = {}
            await send(message)
            if not message.get("more_body", False) and keeping.is_whole:
                self._keep(place.key, start_sent[0], body, keeping, mark, heard, began)

        start_sent: list[Any] = []
        try:
            await self._app(scope, receive, kept_send)
        finally:
            _asked.labels("rendered" if keeping.is_whole else "not kept").inc()
            if filled is not None:
                del self._filling[place.key]
                filled.set()

    def _keep(
        self, key: Hashable, start: Any, body: bytes, keeping: Keeping, mark: int, heard: int, began: float
    ) -> None:
        headers = [(name, value) for name, value in start["headers"] if not self._is_private(name, value)]
        if start["status"] != 200 or any(name == b"set-cookie" for name, _ in headers):
            return
        types = keeping.types | self._everywhere
        if any(self._dropped_at.get(one, -1) > heard for one in types):
            return
        until = began + MAX_AGE_SECONDS
        if keeping.until is not None:
            until = min(until, began + (keeping.until - clock.now()).total_seconds())
        page = _Page(headers, body, keeping.signs, began, until)
        self._pages.put(key, page, keeping.tags | types, mark)

    def _is_private(self, name: bytes, value: bytes) -> bool:
        return name == b"set-cookie" and value.startswith(self._private)

    def _hear(self, tags: frozenset[str] | None) -> None:
        self._clock += 1
        if tags is None:
            # The pages are gone already; what is being rendered is refused by the mark.
            self._dropped_at.clear()
            return
        types = {one.partition(":")[0] for one in tags}
        for one in types:
            self._dropped_at[one] = self._clock
        self._pages.drop(types)


def _surrogate(keeping: Keeping) -> list[Header]:
    key = " ".join(sorted(keeping.tags | keeping.types)).encode()
    if not key or len(key) > _LONGEST_SURROGATE_KEY:
        return []
    return [(b"surrogate-key", key)]


async def _patiently(filling: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await filling.wait()
    except TimeoutError:
        _log.warning("a page takes long to be rendered; others wait no longer for it")
