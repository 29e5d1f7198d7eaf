"""Whole pages kept for everybody: what is the same for all visitors is rendered once.

A page is kept if its handler says what it shows (`view.shows`) and every slot that it asks says how long its answer
stands (`Answerer.standing`). It is given up

- when an event tells that something on it changed (tags, see `lotse.kernel.tags`): within a second, in every process;
- when a moment comes that was known before, such as the beginning of a price;
- when its *signs* differ: what changes with every sale (stock) is not told by events. A page older than a second looks
  at its signs again, one look-up for all of them, and stays as long as what it shows would be the same;
- after a minute in any case, and all of them when the line to the events breaks.

A fill is refused if something on the page changed after its first read. There is one fill per page at a time. What is
personal (the basket's count) comes by its own small request.

A page is kept as it was rendered and packed once per packing that clients ask for. For a cache in front,
`Surrogate-Key` names its tags, `Cache-Control` says how long it may stand there (a second: it asks again, and by its
`ETag` is told that the page is still the same), and `Surrogate-Capability` in a request says that there is one.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import structlog
from msgspec import Struct
from prometheus_client import Counter

from lotse.kernel import clock
from lotse.kernel.pages.deciding import noted_in
from lotse.kernel.pages.packing import MIN_BYTES, chosen_packing, packed
from lotse.kernel.pages.slots import Connecting, Keeping, Look
from lotse.kernel.tags import Copies, Tags

_log = structlog.get_logger(__name__)
_asked = Counter("lotse_kept_pages", "Pages that may be kept, by where they came from.", ["outcome"])
counted = _asked.labels("kept")

# For what no event tells (goods counted at one more place, the shop's logo), and what a page forgets to say.
MAX_AGE_SECONDS = 60.0
# "Within a second" holds for stock, too.
LOOK_SECONDS = 1.0
# A look takes a few milliseconds, on a busy machine a few dozen.
EARLY_SECONDS = 0.6
# Of pages that many ask for, each falls due at a moment of its own: fifty looked at one by one took a third of all that
# a process did. Whoever is early waits this long for others.
GATHER_SECONDS = 0.1
# Each shows up to some fifty articles, of ten microseconds each.
MOST_LOOKED_AT = 100
# Some 20 kB each: 40 MB.
MOST_PAGES = 2_000
# Whoever waits for another's fill longer than this renders by himself.
PATIENCE_SECONDS = 5.0
# A header that other servers still take; of a page with more tags (a home page shows hundreds) it says the types alone.
_LONGEST_SURROGATE_KEY = 6_000
# What a cache in front may do: nothing tells it of a sale, so it looks again as often as a page here is looked at. If
# nobody answers it shows what it has.
SHARED: Final = b"public, max-age=0, s-maxage=1, stale-if-error=600"
_VARIES: Final = b"Accept-Encoding"

Header = tuple[bytes, bytes]


class Place(Struct, frozen=True):
    """Which kept page answers a request. `own`: headers of this visitor's answer, beside those of the page; `language`:
    in which it is to be rendered."""

    key: Hashable
    own: tuple[Header, ...] = ()
    language: str = ""


class Answer(Struct, frozen=True):
    """A page as it is sent: the messages of an answer, made once."""

    start: dict[str, Any]
    body: dict[str, Any]
    not_modified: dict[str, Any]
    etag: bytes


class KeptPage:
    """A page as it was rendered, and as it was packed so far."""

    __slots__ = (
        "_answers",
        "_body",
        "_etag",
        "_headers",
        "form",
        "good_until",
        "language",
        "looked_at",
        "looking",
        "noted",
        "sent",
        "signs",
        "view",
    )

    def __init__(
        self, headers: list[Header], body: bytes, signs: Mapping[Any, Mapping[int, int]], since: float, until: float
    ) -> None:
        self._headers = headers
        self._body = body
        self._etag = sha256(body).hexdigest()[:24]
        self._answers: dict[str, Answer] = {}
        self.language = next((value.decode() for name, value in headers if name == b"content-language"), "")
        self.signs = signs
        self.looked_at = since
        self.good_until = until
        # Whether it is still the same, while somebody looks.
        self.looking: asyncio.Future[bool] | None = None
        # What it says of itself (see `deciding`): said again each time it is shown.
        self.noted: Any = None
        # For whoever watches kept pages go: what it is, and what its views are logged as; worked out at the first one.
        self.form: str | None = None
        self.view: Any = None
        # Whole answers, made by whoever sends it in front of everything else.
        self.sent: dict[Hashable, Answer] = {}

    def answer(self, accept: bytes) -> Answer:
        """The page for a client that accepts these packings."""
        packing = chosen_packing(accept) if len(self._body) >= MIN_BYTES else ""
        found = self._answers.get(packing)
        if found is None:
            # Two packings are two representations, and have two tags (RFC 9110, section 8.8.3.3).
            etag = f'"{self._etag}{packing and "-" + packing}"'.encode()
            body = packed(self._body, packing)
            headers = [*self._headers, (b"etag", etag)]
            unchanged = [(name, value) for name, value in headers if name not in (b"content-type", b"content-length")]
            headers.append((b"content-length", str(len(body)).encode()))
            if packing:
                headers.append((b"content-encoding", packing.encode()))
            found = self._answers[packing] = Answer(
                {"type": "http.response.start", "status": 200, "headers": headers},
                {"type": "http.response.body", "body": body},
                {"type": "http.response.start", "status": 304, "headers": unchanged},
                etag,
            )
        return found


NO_BODY: Final = {"type": "http.response.body", "body": b""}


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
        self._pages: Copies[Hashable, KeptPage] = tags.copies("pages", size=MOST_PAGES)
        self._filling: dict[Hashable, asyncio.Event] = {}
        # Pages to be looked at, and who does it: now, or when some have gathered.
        self._due: list[KeptPage] = []
        self._looking: asyncio.Task[None] | None = None
        self._gathering: asyncio.TimerHandle | None = None
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
            counted.inc()
            if page.noted is not None and (noted := noted_in(scope)):
                noted.again(page.noted)
            await _send(page.answer(_header(scope, b"accept-encoding")), place, scope, send)
            return
        await self._fill(place, scope, receive, send)

    def at_once(self, key: Hashable) -> KeptPage | None:
        """The page, if it can be sent without looking at anything."""
        page = self._pages.get(key)
        if page is None:
            return None
        now = time.monotonic()
        if page.good_until < now:
            return None
        if page.signs:
            age = now - page.looked_at
            if age >= LOOK_SECONDS:
                return None
            if age >= EARLY_SECONDS and page.looking is None:
                # Of a page that many ask for somebody always comes in time: nobody waits for a look, and none goes the
                # long way that ends in one.
                self._want_look(page)
                if self._gathering is None:
                    self._gathering = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._look_now)
        return page

    def on_drop(self, listener: Callable[[], None]) -> None:
        """Call this whenever pages may have been given up because something that they show changed."""
        self._tags.on_drop(lambda _: listener())

    async def _good(self, key: Hashable) -> KeptPage | None:
        page = self.at_once(key)
        if page is not None:
            return page
        page = self._pages.get(key)
        if page is None or page.good_until < time.monotonic():
            return None
        looking = page.looking or self._want_look(page)
        self._look_now()
        # Shielded: others wait for the same look.
        return page if await asyncio.shield(looking) else None

    def _want_look(self, page: KeptPage) -> "asyncio.Future[bool]":
        page.looking = asyncio.get_running_loop().create_future()
        page.looking.add_done_callback(_heard)
        self._due.append(page)
        return page.looking

    def _look_now(self) -> None:
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        if self._looking is None:
            self._looking = asyncio.create_task(self._look_at_due(), name="looks at kept pages")

    async def _look_at_due(self) -> None:
        try:
            while self._due:
                pages, self._due = self._due[:MOST_LOOKED_AT], self._due[MOST_LOOKED_AT:]
                await self._look(pages)
        finally:
            self._looking = None

    async def _look(self, pages: Sequence[KeptPage]) -> None:
        """Look at the signs of these together, and tell whoever waits for one of them."""
        began = time.monotonic()
        wanted: dict[Look, dict[Any, None]] = {}
        for page in pages:
            for look, seen in page.signs.items():
                wanted.setdefault(look, {}).update(dict.fromkeys(seen))
        outcome: BaseException | None = None
        found: dict[Look, Mapping[Any, Any]] = {}
        try:
            async with self._database.reading() as connection:
                for look, ids in wanted.items():
                    found[look] = await look(connection, list(ids))
        except Exception as error:  # told to each who waits; who comes next looks again
            outcome = error
        for page in pages:
            looking, page.looking = page.looking, None
            same = outcome is None and _is_same(page, found)
            if same:
                page.looked_at = began
            elif outcome is None:
                page.good_until = 0.0
            if looking is None or looking.done():
                continue
            if outcome is not None:
                looking.set_exception(outcome)
            else:
                looking.set_result(same)

    async def _fill(self, place: Place, scope: Any, receive: Any, send: Any) -> None:
        filled = None if place.key in self._filling else asyncio.Event()
        if filled is not None:
            self._filling[place.key] = filled
        keeping = Keeping()
        accept = _header(scope, b"accept-encoding")
        # Rendered as it is: what is kept is packed here, once for each packing.
        scope["headers"] = [header for header in scope.get("headers", ()) if header[0] != b"accept-encoding"]
        scope["state"]["keeping"] = keeping
        mark, heard, began = self._tags.mark(), self._clock, time.monotonic()
        start: dict[str, Any] = {}
        parts: list[bytes] = []

        async def kept_send(message: Any) -> None:
            # Held back until the page is whole: only then it is known what it shows.
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        try:
            await self._app(scope, receive, kept_send)
            if start:
                page = self._page(start, b"".join(parts), keeping, began)
                if page is not None:
                    if (noted := noted_in(scope)) is not None:
                        page.noted = noted.kept()
                    self._keep(place.key, page, keeping, mark, heard)
                    own = [header for header in start["headers"] if self._is_private(*header)]
                    await _send(page.answer(accept), Place(place.key, tuple(own)), scope, send)
                else:
                    await _send_plain(start, b"".join(parts), accept, send)
        finally:
            _asked.labels("rendered" if keeping.is_whole else "not kept").inc()
            if filled is not None:
                del self._filling[place.key]
                filled.set()

    def _page(self, start: Any, body: bytes, keeping: Keeping, began: float) -> KeptPage | None:
        """What was rendered, if it is everybody's."""
        headers = [(name, value) for name, value in start["headers"] if not self._is_private(name, value)]
        if start["status"] != 200 or not keeping.is_whole or any(name == b"set-cookie" for name, _ in headers):
            return None
        until = began + MAX_AGE_SECONDS
        if keeping.until is not None:
            until = min(until, began + (keeping.until - clock.now()).total_seconds())
        headers = [(name, value) for name, value in headers if name not in (b"content-length", b"cache-control")]
        headers = [*_varied(headers), (b"cache-control", SHARED), *_surrogate(keeping)]
        return KeptPage(headers, body, keeping.signs, began, until)

    def _keep(self, key: Hashable, page: KeptPage, keeping: Keeping, mark: int, heard: int) -> None:
        types = keeping.types | self._everywhere
        if not any(self._dropped_at.get(one, -1) > heard for one in types):
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


async def _send(answer: Answer, place: Place, scope: Any, send: Any) -> None:
    if place.own:
        # With a cookie of this visitor's: nobody keeps it for others.
        shared = (b"cache-control", b"surrogate-key", b"etag")
        headers = [header for header in answer.start["headers"] if header[0] not in shared]
        await send({**answer.start, "headers": [*headers, (b"cache-control", b"private, no-cache"), *place.own]})
        await send(answer.body)
    elif _is_known(answer, scope):
        await send(answer.not_modified)
        await send(NO_BODY)
    else:
        await send(answer.start)
        await send(answer.body)


def _is_known(answer: Answer, scope: Any) -> bool:
    """Whether a cache in front has this very page. Browsers get it whole: each look is a view, and they hold none."""
    known, cache = b"", False
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            known = value
        elif name == b"surrogate-capability":
            cache = True
    return cache and known != b"" and answer.etag in known


async def _send_plain(start: dict[str, Any], body: bytes, accept: bytes, send: Any) -> None:
    """What is not kept: a refusal, a redirect, a page with something missing."""
    kind = next((value for name, value in start["headers"] if name == b"content-type"), b"")
    packing = chosen_packing(accept) if len(body) >= MIN_BYTES and kind.startswith(b"text/") else ""
    if packing:
        body = packed(body, packing)
        headers = [header for header in start["headers"] if header[0] != b"content-length"]
        added = [(b"content-length", str(len(body)).encode()), (b"content-encoding", packing.encode())]
        start = {**start, "headers": [*_varied(headers), *added]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _varied(headers: list[Header]) -> list[Header]:
    """The headers, of which `Vary` says that packing matters."""
    varied = [value for name, value in headers if name == b"vary"]
    return [*(header for header in headers if header[0] != b"vary"), (b"vary", b", ".join([*varied, _VARIES]))]


def _header(scope: Any, wanted: bytes) -> bytes:
    return next((value for name, value in scope.get("headers", ()) if name == wanted), b"")


def _surrogate(keeping: Keeping) -> list[Header]:
    tags = keeping.tags | keeping.types
    key = " ".join(sorted(tags)).encode()
    if len(key) > _LONGEST_SURROGATE_KEY:
        key = " ".join(sorted({tag.partition(":")[0] for tag in tags})).encode()
    return [(b"surrogate-key", key)] if key else []


def _is_same(page: KeptPage, found: Mapping[Look, Mapping[Any, Any]]) -> bool:
    return all(
        id in found[look] and found[look][id] == sign for look, seen in page.signs.items() for id, sign in seen.items()
    )


def _heard(look: "asyncio.Future[bool]") -> None:
    """A look ahead of time that failed has harmed nobody: whoever needs one looks again, and is told."""
    if not look.cancelled():
        look.exception()


async def _patiently(filling: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await filling.wait()
    except TimeoutError:
        _log.warning("a page takes long to be rendered; others wait no longer for it")
