"""In front of everything else in `pages`: a kept page that needs no look at anything is sent at once.

What the layers behind it would do for such a request, they would do again for each one with the same outcome: ids,
deadlines, security headers, routing, packing. Here the whole answer is made once per page, packing and scheme. Whatever
is not this plain case (a post, a session, a page that is not kept or has to be looked at again) goes the ordinary way
and finds everything unchanged there.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from lotse.domains.parties.contracts import Shop
from lotse.kernel.pages.kept import NO_BODY, Answer, KeptPage, KeptPages, Place, counted
from lotse.web.observe import guarded, histogram
from lotse.web.storefront.keeping import Places, Told

# What is looked at of a request.
_LOOKED_AT = frozenset(
    (
        b"cookie", b"accept-language", b"accept-encoding", b"hx-request", b"if-none-match", b"surrogate-capability",
        b"x-forwarded-proto", b"x-forwarded-for", b"user-agent", b"sec-purpose", b"sec-gpc", b"dnt",
    )
)  # fmt: skip
# Forms of `Accept-Encoding` times schemes; browsers send a handful.
_MOST_FORMS = 50

# A counter in multiprocess mode writes to a mapped file, in Python: once a second is enough.
_COUNT_SECONDS = 1.0

# Told of a page before it is sent: its path, the headers that are looked at, the client's address, the page. False: the
# ordinary way, please.
Watch = Callable[[str, dict[bytes, bytes], str, KeptPage], bool]
# Addresses whose place is remembered; more are asked for by robots only.
_MOST_PLACES = 5_000
_UNKNOWN = Place(None)


class Swift:
    """ASGI, outermost. `watch` may let a request go the ordinary way."""

    def __init__(self, app: Any, kept: KeptPages, places: Places, watch: Watch | None = None) -> None:
        self._app = app
        self._kept = kept
        self._places = places
        self._watch = watch
        self._seconds = histogram("pages", "GET", "kept", 2)
        self._uncounted = 0
        # Where visitors without a cookie are led; what it depends on beside its key is the shop.
        self._known: dict[tuple[str, bytes, bytes, bool], Place | None] = {}
        self._known_for: Shop | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "GET":
            began = time.perf_counter()
            told = {name: value for name, value in scope["headers"] if name in _LOOKED_AT}
            answer = self._answer(scope, told)
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
                self._seconds.observe(time.perf_counter() - began)
                return
        await self._app(scope, receive, send)

    def _answer(self, scope: Any, told: dict[bytes, bytes]) -> Answer | None:
        shop = self._places.shop.known()
        if shop is None:
            return None
        path: str = scope["path"]
        place = self._place(path, scope["query_string"], told, shop)
        # One that is given a cookie comes once.
        page = self._kept.at_once(place.key) if place is not None and not place.own else None
        if page is None or (self._watch is not None and not self._watch(path, told, _client(scope, told), page)):
            return None
        if not self._uncounted:
            asyncio.get_running_loop().call_later(_COUNT_SECONDS, self._count)
        self._uncounted += 1
        form = (told.get(b"accept-encoding", b""), told.get(b"x-forwarded-proto") == b"https")
        found = page.sent.get(form)
        if found is None:
            if len(page.sent) >= _MOST_FORMS:
                page.sent.clear()
            found = page.sent[form] = _whole(page.answer(form[0]), secure=form[1])
        return found

    def _place(self, path: str, query: bytes, told: dict[bytes, bytes], shop: Shop) -> Place | None:
        cookie, language, is_piece = told.get(b"cookie", b""), told.get(b"accept-language", b""), b"hx-request" in told
        if cookie:  # hardly two are the same
            return self._places.of(Told(path, query, cookie, language, is_piece), shop)
        if shop is not self._known_for or len(self._known) >= _MOST_PLACES:
            # Read anew every few seconds, and seldom another one.
            if shop != self._known_for or len(self._known) >= _MOST_PLACES:
                self._known.clear()
            self._known_for = shop
        key = (path, query, language, is_piece)
        place = self._known.get(key, _UNKNOWN)
        if place is _UNKNOWN:
            place = self._known[key] = self._places.of(Told(path, query, b"", language, is_piece), shop)
        return place

    def _count(self) -> None:
        counted.inc(self._uncounted)
        self._uncounted = 0


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
