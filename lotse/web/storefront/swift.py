"""In front of everything else in `pages`: a kept page that needs no look at anything is sent at once.

What the layers behind it would do for such a request, they would do again for each one with the same outcome: ids,
deadlines, security headers, routing, packing. Here the whole answer is made once per page, packing and scheme. Whatever
is not this plain case (a post, a session, a page that is not kept or has to be looked at again) goes the ordinary way
and finds everything unchanged there.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Hashable
from typing import Any, Protocol

from msgspec import Struct

from lotse.kernel.pages.kept import LOOK_SECONDS, NO_BODY, Answer, KeptPage, KeptPages, counted
from lotse.web.observe import guarded, histogram
from lotse.web.storefront.keeping import Places, Told

# What makes a request one of somebody in particular, or of a cache: looked at closer.
_SPECIAL = frozenset((b"cookie", b"hx-request", b"if-none-match", b"sec-purpose"))
# Forms of `Accept-Encoding` times schemes; browsers send a handful.
_MOST_FORMS = 50

# For so long the same request gets the same answer without a question, unless something is given up: whether a page is
# to be looked at again, or an experiment begins, is asked some times a second and not for each of hundreds of visitors.
# As long gather the views of them, and what is counted: a counter in multiprocess mode writes to a mapped file.
_READY_SECONDS = 0.1
# They hold pages of some dozens of kilobytes; what is asked for less often gains nothing by them.
_MOST_READY = 1_000


class Watch(Protocol):
    """Who is told of pages before they are sent."""

    def at_once(self, path: str, told: dict[bytes, bytes], client: str, kept: KeptPage) -> bool:
        """Of a page, with the headers of the request and the client's address. False: the ordinary way, please."""
        ...

    def seen(self, agent: bytes, client: str, kept: KeptPage, times: int) -> None:
        """Of one that it let go, and visitors without cookies saw so often in the last moment."""
        ...


class _Ready(Struct, frozen=True, gc=False):
    """What a request of visitors without cookies was answered."""

    page: KeptPage
    start: dict[str, Any]
    body: dict[str, Any]


# A view of a ready page: the page, the visitor's browser, and the address as a proxy says it or as it is.
_View = tuple[KeptPage, bytes, bytes, str]


class Swift:
    """ASGI, outermost. `watch` may let a request go the ordinary way. Call `count` when it ends."""

    def __init__(self, app: Any, kept: KeptPages, places: Places, watch: Watch | None = None) -> None:
        self._app = app
        self._kept = kept
        self._places = places
        self._watch = watch
        self._seconds = histogram("pages", "GET", "kept", 2)
        self._counting: asyncio.TimerHandle | None = None
        self._answered = 0
        self._took = 0.0
        self._ready: dict[Hashable, _Ready] = {}
        self._views: list[_View] = []
        kept.on_drop(self._ready.clear)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            told: dict[bytes, bytes] = dict(scope["headers"])
            key = None
            if _SPECIAL.isdisjoint(told):
                # Of visitors without cookies there are many. In one piece and without a look at the clock: beside a
                # client and a database on two cores all of it takes three times what it takes in a loop of its own.
                key = (
                    scope["path"],
                    scope["query_string"],
                    told.get(b"accept-language"),
                    told.get(b"accept-encoding"),
                    told.get(b"x-forwarded-proto"),
                )
                ready = self._ready.get(key)
                if ready is not None:
                    client = scope.get("client")
                    agent, forwarded = told.get(b"user-agent", b""), told.get(b"x-forwarded-for", b"")
                    # Before it is sent: whatever is ready is counted soon.
                    self._views.append((ready.page, agent, forwarded, client[0] if client else ""))
                    await send(ready.start)
                    await send(ready.body)
                    return
            began = time.monotonic()
            answer = self._answer(scope, told, began, key)
            if answer is not None:
                if (
                    b"if-none-match" in told
                    and b"surrogate-capability" in told
                    and answer.etag in told[b"if-none-match"]
                ):
                    await send(answer.not_modified)
                    await send(NO_BODY)
                else:
                    await send(answer.start)
                    await send(answer.body)
                self._took += time.monotonic() - began
                return
        await self._app(scope, receive, send)

    def _answer(self, scope: Any, told: dict[bytes, bytes], now: float, key: Hashable | None) -> Answer | None:
        """The answer if there is a page that may be sent at once; ready by `key` for those who ask the same."""
        shop = self._places.shop.known()
        if shop is None:
            return None
        path: str = scope["path"]
        cookie, language = told.get(b"cookie", b""), told.get(b"accept-language", b"")
        place = self._places.of(Told(path, scope["query_string"], cookie, language, b"hx-request" in told), shop)
        # One that is given a cookie comes once.
        page = self._kept.at_once(place.key) if place is not None and not place.own else None
        if place is None or page is None:
            return None
        client = scope.get("client")
        who = _client(told.get(b"x-forwarded-for", b""), client[0] if client else "")
        if self._watch is not None and not self._watch.at_once(path, told, who, page):
            return None
        form = (told.get(b"accept-encoding", b""), told.get(b"x-forwarded-proto") == b"https")
        found = page.sent.get(form)
        if found is None:
            if len(page.sent) >= _MOST_FORMS:
                page.sent.clear()
            found = page.sent[form] = _whole(page.answer(form[0]), secure=form[1])
        self._answered += 1
        if self._counting is None:
            self._counting = asyncio.get_running_loop().call_later(_READY_SECONDS, self.count)
        soon = now + _READY_SECONDS
        if key is not None and page.good_until > soon and not (page.signs and page.looked_at + LOOK_SECONDS < soon):
            if len(self._ready) >= _MOST_READY:
                self._ready.clear()
            self._ready[key] = _Ready(page, found.start, found.body)
        return found

    def count(self) -> None:
        """Tell of what was sent since the last time; nothing is ready any more."""
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None
        self._ready.clear()
        views, self._views = self._views, []
        answered, self._answered = self._answered, 0
        if not answered:
            return
        counted.inc(answered + len(views))
        # Those that were ready took no longer than those that were asked about.
        self._seconds.observe_many(answered + len(views), self._took / answered * (answered + len(views)))
        self._took = 0.0
        if self._watch is not None:
            for (page, agent, forwarded, client), times in Counter(views).items():
                self._watch.seen(agent, _client(forwarded, client), page, times)


def _client(forwarded: bytes, client: str) -> str:
    """The visitor's address, as `Proxied` takes it."""
    return forwarded.decode("latin-1").rpartition(",")[2].strip() if forwarded else client


def _whole(answer: Answer, *, secure: bool) -> Answer:
    """An answer with the headers that every answer has. No request's id: nothing about it stands in any log. Nor its
    length, which the server says by itself: to hand a header over takes it 0.4 of the 30 microseconds of an answer."""
    headers = [header for header in guarded(answer.start["headers"], secure=secure) if header[0] != b"content-length"]
    return Answer(
        {**answer.start, "headers": headers},
        answer.body,
        {**answer.not_modified, "headers": guarded(answer.not_modified["headers"], secure=secure)},
        answer.etag,
    )
