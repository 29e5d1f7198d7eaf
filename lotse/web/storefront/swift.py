"""In front of everything else in `pages`: a kept page that needs no look at anything is sent at once.

What the layers behind it would do for such a request, they would do again for each one with the same outcome: ids,
deadlines, security headers, routing, packing. Here the whole answer is made once per page, packing and scheme. Whatever
is not this plain case (a post, a session, a page that is not kept or has to be looked at again) goes the ordinary way
and finds everything unchanged there.
"""

import asyncio
import time
from collections.abc import Hashable
from typing import Any, Protocol

from msgspec import Struct

from lotse.kernel.pages.kept import NO_BODY, Answer, KeptPage, KeptPages, counted
from lotse.web.observe import guarded, histogram
from lotse.web.storefront.keeping import Places, Told

# What makes a request one of somebody in particular, or of a cache: looked at closer.
_SPECIAL = frozenset((b"cookie", b"hx-request", b"if-none-match", b"sec-purpose"))
# Forms of `Accept-Encoding` times schemes; browsers send a handful.
_MOST_FORMS = 50

# A counter in multiprocess mode writes to a mapped file, in Python: once a second is enough.
_COUNT_SECONDS = 1.0
# For so long the same request gets the same answer without a question, unless its page is given up: whether a page is
# to be looked at again, or an experiment begins, is asked some times a second and not for each of hundreds of visitors.
_READY_SECONDS = 0.1
# They hold pages of some dozens of kilobytes; what is asked for less often gains nothing by them.
_MOST_READY = 1_000


class Watch(Protocol):
    """Who is told of pages before they are sent."""

    def at_once(self, path: str, told: dict[bytes, bytes], client: str, kept: KeptPage) -> bool:
        """Of a page, with the headers of the request and the client's address. False: the ordinary way, please."""
        ...

    def seen(self, told: dict[bytes, bytes], client: str, kept: KeptPage, now: float) -> None:
        """Of one that it let go a moment ago, to another visitor without cookies."""
        ...


class _Ready(Struct, frozen=True, gc=False):
    """What a request of visitors without cookies was answered, and until when that need not be asked again."""

    until: float
    key: Hashable
    page: KeptPage
    answer: Answer


class Swift:
    """ASGI, outermost. `watch` may let a request go the ordinary way."""

    def __init__(self, app: Any, kept: KeptPages, places: Places, watch: Watch | None = None) -> None:
        self._app = app
        self._kept = kept
        self._places = places
        self._watch = watch
        self._seconds = histogram("pages", "GET", "kept", 2)
        self._uncounted = 0
        self._took = 0.0
        self._ready: dict[Hashable, _Ready] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            began = time.monotonic()
            told: dict[bytes, bytes] = dict(scope["headers"])
            answer = self._again(scope, told, began) if _SPECIAL.isdisjoint(told) else self._answer(scope, told)
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
                if not self._uncounted:
                    asyncio.get_running_loop().call_later(_COUNT_SECONDS, self._count)
                self._uncounted += 1
                self._took += time.monotonic() - began
                return
        await self._app(scope, receive, send)

    def _again(self, scope: Any, told: dict[bytes, bytes], now: float) -> Answer | None:
        """The answer to a visitor without cookies, of whom there are many."""
        key = (
            scope["path"],
            scope["query_string"],
            told.get(b"accept-language"),
            told.get(b"accept-encoding"),
            told.get(b"x-forwarded-proto"),
        )
        ready = self._ready.get(key)
        if ready is None or ready.until < now or not self._kept.still(ready.key, ready.page, now):
            return self._answer(scope, told, key)
        if self._watch is not None:
            self._watch.seen(told, _client(scope, told), ready.page, now)
        return ready.answer

    def _answer(self, scope: Any, told: dict[bytes, bytes], ready: Hashable = None) -> Answer | None:
        """The answer if there is a page that may be sent at once; kept as `ready` for those who ask the same."""
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
        if self._watch is not None and not self._watch.at_once(path, told, _client(scope, told), page):
            return None
        form = (told.get(b"accept-encoding", b""), told.get(b"x-forwarded-proto") == b"https")
        found = page.sent.get(form)
        if found is None:
            if len(page.sent) >= _MOST_FORMS:
                page.sent.clear()
            found = page.sent[form] = _whole(page.answer(form[0]), secure=form[1])
        if ready is not None:
            if len(self._ready) >= _MOST_READY:
                self._ready.clear()
            self._ready[ready] = _Ready(time.monotonic() + _READY_SECONDS, place.key, page, found)
        return found

    def _count(self) -> None:
        counted.inc(self._uncounted)
        self._seconds.observe_many(self._uncounted, self._took)
        self._uncounted, self._took = 0, 0.0


def _client(scope: Any, told: dict[bytes, bytes]) -> str:
    """The visitor's address, as `Proxied` takes it."""
    forwarded = told.get(b"x-forwarded-for")
    if forwarded is not None:
        return forwarded.decode("latin-1").rpartition(",")[2].strip()
    client = scope.get("client")
    return client[0] if client else ""


def _whole(answer: Answer, *, secure: bool) -> Answer:
    """An answer with the headers that every answer has. No request's id: nothing about it stands in any log."""
    return Answer(
        {**answer.start, "headers": guarded(answer.start["headers"], secure=secure)},
        answer.body,
        {**answer.not_modified, "headers": guarded(answer.not_modified["headers"], secure=secure)},
        answer.etag,
    )
