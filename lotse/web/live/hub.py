"""One reader of the event log per process, fanned out to everybody who watches.

While somebody watches, the hub looks for new events five times a second, counts the day on from what it read once, and
puts what has changed into *frames* that all watchers get. A watcher who is slow loses the connection, not the process
its memory: the browser comes back by itself and says where it was (`Last-Event-ID`, a position in the log). What it
missed is taken from the last frames, or from the log; if it was too much, it gets everything anew.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from lotse.domains.catalog.queries import variants_by_ids
from lotse.domains.inventory.queries import availability, locations
from lotse.domains.orders.contracts import OrderAmended, OrderPlaced
from lotse.domains.orders.queries import Seen, newest_seen, pieces_since, seen, sold_since
from lotse.domains.parties.contracts import Shop
from lotse.kernel import clock, locks, outbox
from lotse.kernel.consumers import Logged, Place
from lotse.kernel.db import Connection, Database
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements
from lotse.web.live.demo import buyers
from lotse.web.live.figures import Figures

EVENTS = statements("lotse.kernel", "events")
log = structlog.get_logger("lotse.live")

LOOK_SECONDS = 0.2
FIGURES_SECONDS = 1.0
TOP_SECONDS = 2.0
# Proxies and browsers give up on a line that is silent for longer; watchers that are gone are noticed by it, too.
HEARTBEAT_SECONDS = 10.0
# Reading the day takes some milliseconds; who waits longer has met a database that is away, and is told so.
JOIN_SECONDS = 10.0
# A hub without watchers stops looking after this: a reload comes back at once.
LINGER_SECONDS = 5.0
# Each watcher holds a place among the requests that the api works on at once (512) and a connection.
MOST_WATCHERS = 64
# Frames that wait for a watcher; a few seconds of all that there is to tell.
MOST_WAITING = 64
# Frames kept for who comes back, and events read back from the log for who was away longer.
KEPT_FRAMES = 150
RESUME_EVENTS = 500
READ_EVENTS = 500
# Orders named one by one in a frame; of a crowd the rest is only counted.
NAMED = 24
SHOWN = 30
# Orders that may be in the books and not in the log yet when the day is read: some seconds of the busiest trade.
OVERLAP = 1_000
TOP = 8
# An event of an order that was placed longer ago than this is of the past: an import, a replay, the demo's season.
FRESH = timedelta(minutes=10)
_RETRY_SECONDS = 1.0
_TYPES = sorted(outbox.described(event)[0] for event in (OrderPlaced, OrderAmended))
_PLACED = outbox.described(OrderPlaced)[0]


class TooManyWatchers(Refusal, status=503, title="Too many are watching already"):
    retry_after_seconds: int = 10


class Sale(Struct, frozen=True):
    """A line of the stream. `sign`: 1 an order, -1 one that was taken back (whole or in part)."""

    number: str
    at: datetime
    channel: str
    place: str
    gross_minor: int
    text: str
    more: int = 0
    sign: int = 1


class Sum(Struct):
    orders: int = 0
    gross_minor: int = 0

    def add(self, gross_minor: int) -> None:
        self.orders += 1
        self.gross_minor += gross_minor


class Day(Struct):
    """The day so far, as a snapshot and counted on from there."""

    day: date
    whole: Sum
    channels: dict[str, Sum]
    places: dict[str, Sum]


class Seller(Struct, frozen=True):
    """An article among the best of the day: how many were sold, how many are left. `names` by language."""

    id: UUID
    names: dict[str, str]
    option: str
    pieces: int
    left: int


class Watcher:
    """One who watches: what is still to be told to them."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        self.gone = False

    def tell(self, frame: bytes) -> None:
        """Queue a frame; a watcher who has not taken so many is let go."""
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.gone = True

    async def next(self) -> bytes:
        """The next frame, or a heartbeat."""
        try:
            return await asyncio.wait_for(self._frames.get(), HEARTBEAT_SECONDS) or b""
        except TimeoutError:
            return b": still here\n\n"


class Hub:
    """What everybody who watches in this process shares."""

    def __init__(self, database: Database, settings: Settings, shop: Shop) -> None:
        self._database = database
        self._figures = Figures(settings)
        self._shop = shop
        self._watchers: set[Watcher] = set()
        self._running: asyncio.Task[None] | None = None
        self._known: asyncio.Event = asyncio.Event()
        self._place = Place(-1, UUID(int=0))
        self._day = Day(date.min, Sum(), {}, {})
        self._sales: deque[Sale] = deque(maxlen=SHOWN)
        self._pieces: dict[UUID, int] = {}
        self._counted: set[UUID] = set()
        self._names: dict[UUID, tuple[dict[str, str], str]] = {}
        self._codes: dict[UUID, str] = {}
        self._top: list[Seller] = []
        self._kept: deque[tuple[int, int, bytes]] = deque(maxlen=KEPT_FRAMES)
        self._last_figures = b""

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    async def join(self, after: int | None) -> Watcher:
        """Begin to watch; `after` is the position that was told last. Refusal: `TooManyWatchers`."""
        if len(self._watchers) >= MOST_WATCHERS:
            raise TooManyWatchers()
        watcher = Watcher()
        self._watchers.add(watcher)
        try:
            if self._running is None or self._running.done():
                self._known.clear()
                self._running = asyncio.create_task(self._run(), name="live hub")
            await asyncio.wait_for(self._known.wait(), JOIN_SECONDS)
            for frame in await self._begin_with(after):
                watcher.tell(frame)
        except BaseException:
            self._watchers.discard(watcher)
            raise
        return watcher

    def leave(self, watcher: Watcher) -> None:
        self._watchers.discard(watcher)

    async def close(self) -> None:
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _begin_with(self, after: int | None) -> list[bytes]:
        """What was missed, or everything."""
        figures = [self._last_figures] if self._last_figures else []
        if after is not None and after == self._place.position:
            return figures
        if after is not None and self._kept and self._kept[0][0] <= after <= self._place.position:
            return [frame for _, until, frame in self._kept if until > after] + figures
        if after is not None and 0 <= self._place.position - after <= RESUME_EVENTS:
            async with self._database.reading() as conn:
                place = Place(after, await conn.value(EVENTS.id_at, position=after))
                missed = await self._read(conn, place, self._place)
                sales = await self._told(conn, missed)
            return [self._frame("sales", self._changed(sales, list(self._day.places)), self._place.position), *figures]
        return [self._snapshot(), *figures]

    def _snapshot(self) -> bytes:
        said = {
            "currency": self._shop.currency,
            "day": self._day,
            "sales": list(self._sales),
            "top": self._top,
        }
        return self._frame("snapshot", said, self._place.position)

    # -- at work

    async def _run(self) -> None:
        while True:
            try:
                async with aiohttp.ClientSession() as session:
                    await self._catch_on()
                    self._known.set()
                    await self._watch(session)
                return
            except locks.OUTAGES as error:
                log.warning("the live view waits for the database", error=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
            except Exception:
                # A bug: those who watch are let go and come back to a hub that begins anew, and the log says why.
                log.exception("the live view stopped")
                for watcher in self._watchers:
                    watcher.gone = True
                return

    async def _catch_on(self) -> None:
        """Where the log ends, and the day until now, of one moment."""
        async with self._database.snapshot() as conn:
            place = await conn.one(EVENTS.head, Place)
            if self._known.is_set() and place.position - self._place.position <= RESUME_EVENTS:
                return  # the database was away for a moment: go on
            found = (await locations(conn, limit=200)).items
            self._codes = {location.id: location.code for location in found}
            since = self._midnight()
            self._place = place
            self._kept.clear()
            self._day = Day(self._today(), Sum(), {}, {})
            for row in await sold_since(conn, since=since):
                self._count(row.channel, self._code(row.location_id), row.orders, row.gross_minor)
            newest = await newest_seen(conn, since=since, limit=OVERLAP)
            # In the books already, but perhaps not in the log: the relay is some moments behind.
            self._counted = {one.id for one in newest}
            self._sales = deque((self._sale(one) for one in reversed(newest[:SHOWN])), SHOWN)
            self._pieces = {row.variant_id: row.pieces for row in await pieces_since(conn, since=since, limit=500)}
            await self._look_at_top(conn)

    async def _watch(self, session: aiohttp.ClientSession) -> None:
        alone_since = 0.0
        figures_at = top_at = 0.0
        while True:
            now = time.monotonic()
            alone_since = (alone_since or now) if not self._watchers else 0.0
            if alone_since and now - alone_since > LINGER_SECONDS:
                return
            if self._today() != self._day.day:
                self._known.clear()
                await self._catch_on()
                self._known.set()
                self._tell(self._snapshot())
            await self._look(with_top=now >= top_at)
            if now >= top_at:
                top_at = now + TOP_SECONDS
            if now >= figures_at:
                figures_at = now + FIGURES_SECONDS
                self._last_figures = await self._figured(session)
                self._tell(self._last_figures)
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, *, with_top: bool) -> None:
        async with self._database.reading() as conn:
            head = await conn.one(EVENTS.head, Place)
            while self._place.position < head.position:
                events = await self._read(conn, self._place, head)
                before = self._place.position
                # Fewer than were asked for: these are all up to the head.
                last = Place(events[-1].position, events[-1].id) if len(events) == READ_EVENTS else head
                sales = await self._told(conn, events, counts=True)
                self._place = last
                if sales:
                    places = {sale.place for sale in sales}
                    frame = self._frame("sales", self._changed(sales, places), last.position)
                    self._kept.append((before, last.position, frame))
                    self._tell(frame)
            if with_top:
                before_top = self._top
                await self._look_at_top(conn)
                if self._top != before_top:
                    self._tell(self._frame("top", {"top": self._top}))

    async def _read(self, conn: Connection, after: Place, until: Place) -> list[Logged]:
        return await conn.many(
            EVENTS.events_after,
            Logged,
            after=after.position,
            until=until.position,
            id=after.id,
            types=_TYPES,
            limit=READ_EVENTS,
        )

    async def _told(self, conn: Connection, events: Sequence[Logged], *, counts: bool = False) -> list[Sale]:
        """Events as lines of the stream, the oldest first. `counts`: into the day, the stream and the best sellers."""
        since = clock.now() - FRESH
        fresh = [event for event in events if event.occurred_at > since]
        placed: dict[UUID, OrderPlaced] = {}
        lines: list[Sale] = []
        for event in fresh:
            if event.type == _PLACED:
                order: OrderPlaced = outbox.decode(OrderPlaced, event.payload)
                if not (counts and order.order_id in self._counted):
                    placed[order.order_id] = order
            else:
                amended: OrderAmended = outbox.decode(OrderAmended, event.payload)
                lines.append(Sale("", event.occurred_at, "", "", amended.gross_minor, amended.kind, sign=-1))
        if placed:
            # Of a crowd of orders only the last ones are named, but every one is counted at its place.
            for one in await seen(conn, order_ids=list(placed)):
                lines.append(self._sale(one))
                if counts:
                    self._count(one.channel, self._code(one.location_id), 1, one.gross_minor)
        if counts:
            for order in placed.values():
                for variant, pieces in order.variants.items():
                    id = UUID(variant)
                    self._pieces[id] = self._pieces.get(id, 0) + pieces
        lines.sort(key=lambda sale: sale.at)
        if counts:
            self._sales.extend(lines)
        return lines

    async def _look_at_top(self, conn: Connection) -> None:
        """The best sellers of the day, with what is left of them now."""
        best = sorted(self._pieces.items(), key=lambda item: (-item[1], item[0]))[:TOP]
        ids = [id for id, _ in best]
        missing = [id for id in ids if id not in self._names]
        for language in self._shop.languages if missing else ():
            for card in await variants_by_ids(conn, variant_ids=missing, language=language):
                names, option = self._names.setdefault(card.id, ({}, card.options.get("size", "")))
                names[language] = card.name
                self._names[card.id] = (names, option)
        left = {
            one.variant_id: one.available for one in await availability(conn, shop_id=self._shop.id, variant_ids=ids)
        }
        self._top = [Seller(id, *self._names[id], pieces, left.get(id, 0)) for id, pieces in best if id in self._names]

    async def _figured(self, session: aiohttp.ClientSession) -> bytes:
        processes = self._figures.processes()
        desk = await asyncio.to_thread(self._figures.desk, processes)
        beside = buyers()
        said: dict[str, Any] = {
            "desk": desk,
            "processes": processes,
            "watchers": len(self._watchers),
            "demo": await beside.state(session) if beside else None,
        }
        return self._frame("figures", said)

    # -- small things

    def _changed(self, sales: Sequence[Sale], places: Iterable[str]) -> dict[str, Any]:
        """What a frame of sales says: the last ones by name, how many there were, and sums as they stand now."""
        found = {place: self._day.places[place] for place in places if place in self._day.places}
        pulses: dict[str, int] = {}
        for sale in sales:
            if sale.sign > 0:
                pulses[sale.place] = pulses.get(sale.place, 0) + 1
        return {
            "sales": sales[-NAMED:],
            "pulses": pulses,
            "day": {"day": self._day.day, "whole": self._day.whole, "channels": self._day.channels, "places": found},
        }

    def _sale(self, one: Seen) -> Sale:
        text, more = one.text or "", max(0, one.lines - 1)
        return Sale(one.number, one.placed_at, one.channel, self._code(one.location_id), one.gross_minor, text, more)

    def _count(self, channel: str, place: str, orders: int, gross_minor: int) -> None:
        sums = (
            self._day.whole,
            self._day.channels.setdefault(channel, Sum()),
            self._day.places.setdefault(place, Sum()),
        )
        for one in sums:
            one.orders += orders
            one.gross_minor += gross_minor

    def _code(self, location_id: UUID | None) -> str:
        return self._codes.get(location_id, "") if location_id else ""

    def _tell(self, frame: bytes) -> None:
        for watcher in self._watchers:
            watcher.tell(frame)

    @staticmethod
    def _frame(event: str, said: Any, position: int | None = None) -> bytes:
        id = b"id: %d\n" % position if position is not None else b""
        return b"event: " + event.encode() + b"\n" + id + b"data: " + msgspec.json.encode(said) + b"\n\n"

    def _today(self) -> date:
        return clock.now().astimezone(ZoneInfo(self._shop.timezone)).date()

    def _midnight(self) -> datetime:
        zone = ZoneInfo(self._shop.timezone)
        return clock.now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
