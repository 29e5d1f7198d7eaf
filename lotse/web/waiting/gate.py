"""The waiting room at the front door: who may go on to the shop, who gets a place in the line, who is shown it.

On a normal day no room is open and a request costs one look at a flag. In a room that is open a visitor with a pass
costs one HMAC and no query; one who waits costs, per refresh, an HMAC and his share of a statement that writes down
once a second who was there; only one whose number has been called costs a statement of his own.

Never waits: staff, the API, health and metrics, files, signing in, and every page whose route says
`opt={"waits": False}`: what the law wants to be reachable, an order by its link, the way back from a payment.
"""

import asyncio
import random
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from typing import Any, Protocol

import msgspec
import structlog
from prometheus_client import Counter

from lotse.kernel import clock
from lotse.kernel.auth import sessions
from lotse.kernel.db import Database, is_unavailable
from lotse.kernel.ids import uuid7
from lotse.kernel.pages.i18n import chosen
from lotse.kernel.problems import MEDIA_TYPE
from lotse.kernel.problems import of as problem_of
from lotse.kernel.refusals import Refusal
from lotse.kernel.waiting import places, rules
from lotse.kernel.waiting.places import COOKIE, Place
from lotse.kernel.waiting.rooms import Rooms, TooManyArrive
from lotse.kernel.waiting.rules import Room
from lotse.web.bounds import Bound
from lotse.web.front import API_PATHS
from lotse.web.waiting.parts import BARE, SECONDS, Parts

log = structlog.get_logger()

# Where the page of somebody who waits asks for its place.
POLL = "/waiting/place"
LANGUAGE_COOKIE = "lotse_language"
# What never waits, whatever routes say: files, the back office, the way in to it, what programs read.
FREE = ("/office", "/signin", "/signout", "/static/", "/media/", "/favicon.ico", "/robots.txt")

# Where pages render its parts (see parts.py); not reached from outside while visitors wait.
PARTS = "/waiting/parts"
# Pages may be what is overloaded; the bare page does as well for a moment.
_PATIENCE_SECONDS = 2.0
# The rendered page changes when staff plan another sale; pages are asked no more often than this.
PARTS_SECONDS = 10.0
# A staff session that was found, and a cookie that was none, hold so long; so many of them are remembered.
STAFF_SECONDS = 30.0
_REMEMBERED = 2_000
# New tickets per address: 200 at once and 20 a second thereafter. A university or a mobile network comes from one
# address, so this is no limit for people; it keeps a program that drops its cookies from filling the line.
_BURST = 200
_PER_SECOND = 20.0
_ADDRESSES = 20_000
# Who is told to come back for a place: as long as a burst lasts.
_COME_BACK_SECONDS = 8

# What calls itself a robot is told to come back later and takes nobody's place; none is let in for its name.
_ROBOTS = re.compile(rb"bot\b|bot/|crawl|spider|slurp|mediapartners|facebookexternalhit|preview", re.IGNORECASE)

REFUSED = Counter("lotse_waiting_refused_total", "Requests that got no place in the line", ("why",))
SHOWN = Counter("lotse_waiting_pages_total", "Answers to those who wait", ("what",))


class WaitingRoom(Refusal, status=503, title="Visitors wait in line at this moment"):
    """Robots are asked to come back later. The API has no line: programs are refused only when it is full."""

    retry_after_seconds: int = 120


# What a page costs stands behind the gate, so the bound of pages is taken where the visitor goes on to them.
App = Callable[[Any, Any, Any], Awaitable[None]]


class Patterns(Protocol):
    """Routes by method and path (see front.Posts)."""

    def has(self, method: str, path: str) -> bool: ...


class Gate:
    """ASGI, before the front: lets visitors through to it, or answers those who wait."""

    def __init__(
        self,
        app: App,
        rooms: Rooms,
        database: Database,
        *,
        shop: Callable[[], Awaitable[Any]],
        languages: Callable[[Any], list[str]],
        free: Patterns,
        pages: Bound,
    ) -> None:
        """`shop` gives the shop of this installation, `languages` those it is offered in, `free` the routes that never
        wait, `pages` is the bound of what goes on to them."""
        self._app = app
        self._rooms = rooms
        self._database = database
        self._shop = shop
        self._languages = languages
        self._free = free
        self._pages = pages
        self._parts: dict[str, tuple[float, Parts]] = {}
        self._asking: set[str] = set()
        self._staff: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._arrivals: OrderedDict[str, tuple[float, float]] = OrderedDict()
        # Since the load was told last.
        self._newcomers = 0

    def newcomers(self) -> int:
        """How many visitors came since this was asked last."""
        count, self._newcomers = self._newcomers, 0
        return count

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path: str = scope["path"]
        if scope["type"] != "http" or path.startswith(API_PATHS):
            await self._app(scope, receive, send)
            return
        if self._rooms.any_open or path == POLL:
            # The route's name in log and metrics, unless the visitor goes on.
            scope["state"]["route"] = "waiting"
            scope["state"]["routine"] = path == POLL
            send = await self._enter(scope, send, path)
            if send is None:
                return
        if scope["method"] != "GET" or path.startswith("/static/"):
            await self._app(scope, receive, send)  # writes have their bound, files cost nearly nothing
            return
        if not self._pages.enter(path):
            await self._pages.refuse(scope, send)
            return
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            self._pages.leave(time.perf_counter() - started)

    async def _enter(self, scope: Any, send: Any, path: str) -> Any:
        """What to answer the visitor with, or None if that is done: he waits."""
        if path.startswith(FREE) or self._free.has(scope["method"], path):
            return send
        try:
            return await self._entered(scope, send, path)
        except Refusal as refusal:
            REFUSED.labels(refusal.code).inc()
            await self._show_unnumbered(scope, send)
        except Exception as error:
            if not is_unavailable(error):
                raise
            log.warning("waiting room: database unavailable", error=repr(error))
            REFUSED.labels("unavailable").inc()
            await self._show_unnumbered(scope, send)
        return None

    async def _entered(self, scope: Any, send: Any, path: str) -> Any:
        at = clock.now()
        shop = await self._shop()
        room = self._rooms.room(str(shop.id))
        phase = rules.phase(room, at) if room else "closed"
        if room is None or phase == "closed":
            return await self._let_go(scope, send, path, None)
        place = self._place(scope, at)
        if phase == "armed":
            return await self._let_go(scope, send, path, self._handed_out(scope, room, place, at))
        sale = room.opening if phase == "open" and room.opens_at is not None else None
        if place is not None and places.holds(place, sale, at):
            longer = places.renewed(place, room.pass_minutes, at) if phase == "open" else None
            return await self._let_go(scope, send, path, longer)
        if scope["method"] not in ("GET", "HEAD"):
            if place is not None and place.kind == "pass" and sale in (None, place.opening):
                return send  # it ended a moment ago, with a form open
            await _send_to_the_line(scope, send)
            return None
        if await self._is_staff(scope, at):
            return send
        return await self._line(scope, send, path, room, place, at)

    async def _line(self, scope: Any, send: Any, path: str, room: Room, place: Place | None, at: datetime) -> Any:
        """Show the visitor his place, or let him in if it has come."""
        if _header(scope, b"hx-request") and path != POLL:
            await _refresh(send, None, scope)  # a piece of a page that has had its time
            return None
        if _ROBOTS.search(_header(scope, b"user-agent") or b""):
            await _refuse_robot(send)
            return None
        if b"html" not in (accept := _header(scope, b"accept") or b"") and b"*/*" not in accept:
            await _refuse_robot(send)
            return None
        before = place
        if place is not None and (place.kind != "ticket" or place.opening != room.opening):
            place = None
        if place is not None and rules.is_called(room, place.number):
            place = await self._rooms.claim(room, place, at)
        elif place is not None:
            self._rooms.present(place)
        if place is not None and place.kind == "pass":
            return await self._let_go(scope, send, path, place)
        if path == POLL and before is not None and place is not None and before.number == 0 < place.number:
            await _refresh(send, self._cookie_of(place, scope), scope)  # lots are drawn: the page says other things now
            return None
        if place is None:
            if not self._may_arrive(scope):
                raise TooManyArrive()
            self._newcomers += 1
            place = await self._rooms.take(room)
        await self._show_place(scope, send, room, place, None if place == before else place)
        return None

    # -- passes and tickets

    def _place(self, scope: Any, at: datetime) -> Place | None:
        text = _cookie(scope, COOKIE)
        return self._rooms.places.read(text, at) if text else None

    def _handed_out(self, scope: Any, room: Room, place: Place | None, at: datetime) -> Place | None:
        """A pass for who is here before the room opens, so that nobody is put out of the shop in the middle."""
        if (
            scope["method"] != "GET"
            or _header(scope, b"hx-request")
            or b"html" not in (_header(scope, b"accept") or b"")
        ):
            return None
        if place is not None and places.holds(place, None, at):
            return places.renewed(place, room.pass_minutes, at)
        self._newcomers += 1
        now = int(at.timestamp())
        return Place("pass", 0, uuid7(), 0, now, now + room.pass_minutes * 60)

    async def _let_go(self, scope: Any, send: Any, path: str, place: Place | None) -> Any:
        """On to the shop, with a pass to carry if one is given."""
        if path == POLL:
            await _refresh(send, place and self._cookie_of(place, scope), scope)
            return None
        if place is None:
            return send
        cookie = self._cookie_of(place, scope)

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"set-cookie", cookie)]}
            await send(message)

        return sent

    def _cookie_of(self, place: Place, scope: Any) -> bytes:
        seconds = place.until - int(time.time()) + (places.GRACE_SECONDS if place.kind == "pass" else 0)
        secure = "; Secure" if scope["scheme"] == "https" else ""
        value = self._rooms.places.sign(place)
        return f"{COOKIE}={value}; Max-Age={max(seconds, 0)}; Path=/; HttpOnly; SameSite=Lax{secure}".encode()

    def _may_arrive(self, scope: Any) -> bool:
        """Whether an address has not just had too many tickets (a leaky bucket in this process)."""
        address = _network((scope.get("client") or ("",))[0])
        now = time.monotonic()
        level, since = self._arrivals.get(address, (0.0, now))
        level = max(0.0, level - (now - since) * _PER_SECOND)
        if level >= _BURST:
            return False
        self._arrivals[address] = (level + 1, now)
        self._arrivals.move_to_end(address)
        if len(self._arrivals) > _ADDRESSES:
            self._arrivals.popitem(last=False)
        return True

    async def _is_staff(self, scope: Any, at: datetime) -> bool:
        """Whether staff ask, who look at their shop while others wait. Remembered, also what was none."""
        token = _cookie(scope, sessions.COOKIE)
        if not token:
            return False
        key = sha256(token.encode()).digest()
        until, found = self._staff.get(key, (0.0, False))
        if until < time.monotonic():
            found = await sessions.session_of(self._database, token, at) is not None
            self._staff[key] = (time.monotonic() + STAFF_SECONDS, found)
            self._staff.move_to_end(key)
            if len(self._staff) > _REMEMBERED:
                self._staff.popitem(last=False)
        return found

    # -- what is shown

    async def _show_place(self, scope: Any, send: Any, room: Room, place: Place, changed: Place | None) -> None:
        parts = await self._parts_for(scope)
        position: int | None = None
        if room.gathering or place.number == 0:
            wait = (room.opens_at - clock.now()).total_seconds() if room.opens_at else None
            refresh = rules.jittered(rules.refresh_seconds(wait), random.random())
            fragment = parts.gathering.replace(SECONDS, str(refresh))
        else:
            position = max(1, place.number - room.mark)
            wait = rules.wait_seconds(room, place.number)
            refresh = rules.jittered(rules.refresh_seconds(wait), random.random())
            fragment = parts.place(position, wait, refresh)
        is_poll = scope["path"] == POLL
        body = parts.refreshed(fragment, position) if is_poll else parts.whole(fragment, refresh)
        SHOWN.labels("place" if is_poll else "page").inc()
        await _html(send, body, self._cookie_of(changed, scope) if changed else None)

    async def _show_unnumbered(self, scope: Any, send: Any) -> None:
        """For who could not be given a place at this moment."""
        if scope["method"] not in ("GET", "HEAD"):
            await _send_to_the_line(scope, send)
            return
        parts = await self._parts_for(scope)
        refresh = rules.jittered(_COME_BACK_SECONDS, random.random())
        fragment = parts.unnumbered.replace(SECONDS, str(refresh))
        is_poll = scope["path"] == POLL
        body = parts.refreshed(fragment, None) if is_poll else parts.whole(fragment, refresh)
        await _html(
            send, body, None, status=HTTPStatus.OK if is_poll else HTTPStatus.SERVICE_UNAVAILABLE, retry=refresh
        )

    async def _parts_for(self, scope: Any) -> Parts:
        """The parts in the visitor's language. While they are asked for, everybody else gets the ones before."""
        try:
            offered = self._languages(await self._shop())
        except Exception as error:
            if not (isinstance(error, Refusal) or is_unavailable(error)):
                raise
            return BARE
        first = scope["path"].lstrip("/").partition("/")[0]
        accept = (_header(scope, b"accept-language") or b"").decode("latin-1")
        language = chosen(offered, first, _cookie(scope, LANGUAGE_COOKIE), accept=accept)
        until, parts = self._parts.get(language, (0.0, BARE))
        if until < time.monotonic() and language not in self._asking:
            self._asking.add(language)
            try:
                found = await self._asked_of_pages(f"/{language}{PARTS}")
                parts = msgspec.json.decode(found, type=Parts) if found else parts
            except (msgspec.DecodeError, TimeoutError) as error:
                log.warning("waiting page cannot be had", error=repr(error))
            finally:
                self._asking.discard(language)
            # What could not be had is asked for again soon, but not by every visitor.
            self._parts[language] = (time.monotonic() + PARTS_SECONDS, parts)
        return parts

    async def _asked_of_pages(self, path: str) -> bytes | None:
        """Ask `pages` as a visitor would, through the front."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"accept", b"application/json")],
            "client": ("", 0),
            "server": ("", 0),
            "state": {"request_id": uuid7().hex},
        }
        status, body = 0, b""

        async def receive() -> Any:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def collect(message: Any) -> None:
            nonlocal status, body
            status = message.get("status", status)
            body += message.get("body", b"")

        async with asyncio.timeout(_PATIENCE_SECONDS):
            await self._app(scope, receive, collect)
        return body if status == HTTPStatus.OK else None


def _header(scope: Any, wanted: bytes) -> bytes | None:
    return next((value for name, value in scope["headers"] if name == wanted), None)


def _cookie(scope: Any, name: str) -> str | None:
    """The value of a cookie, if a request carries it."""
    prefix = name.encode() + b"="
    for header, value in scope["headers"]:
        if header == b"cookie":
            for part in value.split(b";"):
                if (part := part.strip()).startswith(prefix):
                    return part[len(prefix) :].decode("latin-1")
    return None


def _network(address: str) -> str:
    """An IPv6 visitor has a network of his own and as many addresses in it as he likes."""
    return ":".join(address.split(":")[:4]) if ":" in address else address


def _ending() -> list[tuple[bytes, bytes]]:
    # `close`: somebody who waits comes back in a minute; until then his connection is worth more to another.
    return [(b"cache-control", b"private, no-store"), (b"vary", b"Cookie"), (b"connection", b"close")]


async def _html(
    send: Any, body: bytes, cookie: bytes | None, *, status: HTTPStatus = HTTPStatus.OK, retry: int = 0
) -> None:
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"x-robots-tag", b"noindex"),
        *_ending(),
    ]
    if retry:
        headers.append((b"retry-after", str(retry).encode()))
    if cookie:
        headers.append((b"set-cookie", cookie))
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _refresh(send: Any, cookie: bytes | None, scope: Any) -> None:
    """Have the browser load the page that it shows anew: by htmx where it asks, else by going home."""
    is_htmx = _header(scope, b"hx-request") is not None
    headers = [(b"hx-refresh", b"true")] if is_htmx else [(b"location", b"/")]
    headers += [(b"content-length", b"0"), *_ending()]
    if cookie:
        headers.append((b"set-cookie", cookie))
    status = HTTPStatus.OK if is_htmx else HTTPStatus.SEE_OTHER
    await send({"type": "http.response.start", "status": int(status), "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _send_to_the_line(scope: Any, send: Any) -> None:
    """A form from somebody who is not in the shop: nothing is done, and its page shows the line."""
    if _header(scope, b"hx-request"):
        await _refresh(send, None, scope)
        return
    headers = [(b"location", b"/"), (b"content-length", b"0"), *_ending()]
    await send({"type": "http.response.start", "status": int(HTTPStatus.SEE_OTHER), "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse_robot(send: Any) -> None:
    """What is no browser gets no place: 503, come back later (RFC 9110, section 15.6.4)."""
    REFUSED.labels("robot").inc()
    problem = problem_of(WaitingRoom())
    body = problem.body("")
    headers = [
        (b"content-type", MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        *((name.lower().encode(), value.encode()) for name, value in problem.headers.items()),
        *_ending(),
    ]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
