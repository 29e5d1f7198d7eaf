"""How much one process takes on at once; what is beyond is refused at once, before anything was read of it.

A queue without an end serves nobody: when more comes than can be done, every answer is late, clients give up and ask
again, and the work done for them is lost. So the api holds a bounded number of requests and the rest get `503` with
`Retry-After`, outside everything that costs (request id, log line, routing, body): see docs/operations/metrics.md for
what a refusal costs.
"""

import asyncio
import random
import time
from collections import deque
from typing import Any

from prometheus_client import Counter, Gauge

from lotse.kernel import problems
from lotse.kernel.refusals import Refusal

# Requests that the api works on at once. At 5,000 orders a second this is what a tenth of a second brings; every
# further one would only wait for longer than a buyer should. A body may have 1 MiB, so it is memory, too.
MOST_AT_ONCE = 512
# Requests handed to pages: a hundred are worked on (see front.py), as many as a page's patience allows wait for them.
MOST_PAGES = 400
# Places beyond the bound for the back office: whoever has to open the waiting room must not stand before a full door.
# A number and no exemption, because addresses that have no bound at all are where the next flood comes in.
RESERVE = 32
BACK_OFFICE = ("/office", "/signin", "/signout")
# Not always the same second, else those who were refused together come back together.
RETRY_SECONDS = (1, 2, 3)

# A refusal is cheap (some 0.07 ms of CPU), but clients that ask again at once ask ten thousand times a second. So they
# took all the time of those who were let in: with twenty times the usual buyers not one order came through. Therefore
# refusals leave at this rate and no faster: the more wait for theirs, the longer each waits.
REFUSALS_PER_SECOND = 1_000
# Nobody waits longer than this to be told: clients give up, and a connection takes the place of another.
LONGEST_HELD_SECONDS = 5.0

# An answer that takes longer than this for one in twenty is what buyers notice; strain 1.
SLOW_WRITE_SECONDS = 0.25
SLOW_PAGE_SECONDS = 1.0
# Of a full house: the last part of the room is for bursts.
FULL = 0.8
# A sample of each second is enough for its 95th percentile, and sorting it costs nothing.
_SAMPLE = 512

IN_FLIGHT = Gauge("lotse_in_flight", "Requests under way, by what they ask", ("what",), multiprocess_mode="livesum")
REFUSED = Counter("lotse_refused_total", "Requests refused because too many were under way", ("what",))


class ShopBusy(Refusal, status=503, title="Too much is asked of the shop at this moment; try again in a second"):
    """Nothing was done. The same request may be sent again, with the same Idempotency-Key."""

    retry_after_seconds: int = 1


class Bound:
    """Requests of one sort: how many are under way, how long they took, how strained the process is by them."""

    def __init__(self, what: str, most: int, slow_seconds: float) -> None:
        self.most = most
        self.under_way = 0
        self._slow_seconds = slow_seconds
        self._took: deque[float] = deque(maxlen=_SAMPLE)
        self._highest = 0
        self._refused_now = 0
        self._held = 0
        self._gauge = IN_FLIGHT.labels(what)
        self._refused = REFUSED.labels(what)

    def enter(self, path: str) -> bool:
        """Take a place; False if there is none."""
        if self.under_way >= self.most and (self.under_way >= self.most + RESERVE or not path.startswith(BACK_OFFICE)):
            self._refused_now += 1
            self._refused.inc()
            return False
        self.under_way += 1
        if self.under_way > self._highest:
            self._highest = self.under_way
        return True

    def leave(self, seconds: float | None) -> None:
        """Give the place back. `seconds`: how long it took, where that says something."""
        self.under_way -= 1
        if seconds is not None:
            self._took.append(seconds)

    async def refuse(self, scope: Any, send: Any) -> None:
        """Answer somebody who got no place, after a pause that grows with how many wait for one."""
        self._held += 1
        try:
            await asyncio.sleep(min(self._held / REFUSALS_PER_SECOND, LONGEST_HELD_SECONDS))
        finally:
            self._held -= 1
        await _refuse(scope, send)

    def strain(self) -> float:
        """How strained since it was asked last; 1 is as much as should be."""
        took = sorted(self._took)
        self._took.clear()
        highest, self._highest = self._highest, self.under_way
        refused, self._refused_now = self._refused_now, 0
        self._gauge.set(highest)
        slow = took[int(len(took) * 0.95)] / self._slow_seconds if took else 0.0
        full = highest / (self.most * FULL)
        # Who was refused was too much, whatever the clock says of the others.
        return max(slow, full, 1.5 if refused else 0.0)


class Bounded:
    """ASGI, before everything that costs: counts what the api is asked, and refuses what is beyond its bound."""

    def __init__(self, app: Any, bound: Bound) -> None:
        self._app = app
        self._bound = bound

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or not _is_bounded(scope):
            await self._app(scope, receive, send)
            return
        if not self._bound.enter(scope["path"]):
            await self._bound.refuse(scope, send)
            return
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            # Reading is quick or slow by what is read; what is written goes through the desk, whose strain this is.
            self._bound.leave(time.perf_counter() - started if scope["method"] != "GET" else None)


def _is_bounded(scope: Any) -> bool:
    """The API and every write. Pages have a bound of their own behind the waiting room; health and metrics have none:
    they are asked most when all is full."""
    path: str = scope["path"]
    return path.startswith("/api/") or scope["method"] not in ("GET", "HEAD")


async def _refuse(scope: Any, send: Any) -> None:
    """Answer that there is no room, for people in words and for programs as a problem. Made beforehand: cheap."""
    answers = _FOR_PEOPLE if _accepts_html(scope) else _FOR_PROGRAMS
    start, body = answers[random.randrange(len(answers))]
    await send(start)
    await send(body)


def _accepts_html(scope: Any) -> bool:
    return any(name == b"accept" and b"text/html" in value for name, value in scope["headers"])


def _answer(retry: int, media_type: str, body: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(retry).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    start = {"type": "http.response.start", "status": ShopBusy.status, "headers": headers}
    return start, {"type": "http.response.body", "body": body}


_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{0}</title><h1>Too many people are here at this moment</h1>"
    "<p>Nothing was done and nothing is lost. Please go back and try again in a few seconds.</p>"
    '<div lang="de"><h1>Im Moment sind zu viele Menschen hier</h1>'
    "<p>Es ist nichts geschehen und nichts verloren. Bitte geh zurück und versuche es in ein paar Sekunden"
    " noch einmal.</p></div>"
)
_FOR_PROGRAMS = [
    _answer(seconds, problems.MEDIA_TYPE, problems.of(ShopBusy(retry_after_seconds=seconds)).body(""))
    for seconds in RETRY_SECONDS
]
_FOR_PEOPLE = [
    _answer(seconds, "text/html; charset=utf-8", _PAGE.format(ShopBusy.status).encode()) for seconds in RETRY_SECONDS
]
