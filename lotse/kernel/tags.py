"""Copies of master data that a process keeps, and how it learns within a second that one is stale.

A *tag* is what an event tells of: its type and key, e.g. `offers.OfferChanged` of a variant. Whoever keeps a copy keeps
it under the tags of all that it was made of; when such an event reaches the log, every process drops the copy.

    offer_tag = tagged(OfferChanged)                # once, at the top of the module

    articles = tags.copies("checkout.articles", size=50_000)
    found = await articles.many(keys, load)         # `load` reads what is missing and says its tags

What was read before a drop and would be put in after it is refused (it may be what was dropped). While the process has
no line to the database's notifications nothing is kept, and a new line begins with nothing. While the relay lags or
stands still, events tell too late or nothing; then a copy lives for `MAX_AGE_SECONDS` at most.
"""

import asyncio
import contextlib
import math
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import structlog
from msgspec import Struct
from prometheus_client import Counter

from lotse.kernel import locks, outbox, relay
from lotse.kernel.consumers import Place
from lotse.kernel.db import Connection, Database
from lotse.kernel.sql import statements

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

SQL = statements("lotse.kernel", "events")

# The bound on staleness when nobody relays events. Short enough that nobody sells long at yesterday's price, whatever
# has failed; long enough that reading anew costs a busy process next to nothing (a flash sale makes the relay lag).
MAX_AGE_SECONDS = 30.0
# An event that waits for longer than this has met a relay that lags.
LAG_SECONDS = 2.0
# A look without being told, as consumers do.
POLL_SECONDS = 1.0
# After more drops than this at once (an import), forgetting everything is cheaper than finding what is meant.
MANY = 10_000

_log = structlog.get_logger("lotse.tags")
_dropped = Counter("lotse_tags_dropped", "Copies dropped because what they were made of has changed.", ["copies"])


# The types of events that any tag is made of; all others are passed over.
_watched: set[str] = set()


def tagged(event: type[Struct]) -> Callable[[object], str]:
    """Tags of what events of this type tell of, by their key. Called at import, before anything is kept."""
    name, _ = outbox.described(event)
    _watched.add(name)
    return lambda key: f"{name}:{key}"


def any_of(event: type[Struct]) -> str:
    """What stands before the colon in tags of this type, for what changes with any of its events. Called at import."""
    name, _ = outbox.described(event)
    _watched.add(name)
    return name


# What a loader gives back: for each key that there is, the thing and its tags.
Loaded = Mapping[K, tuple[V, Iterable[str]]]
Load = Callable[[list[K]], Awaitable[Loaded[K, V]]]


class Copies(Generic[K, V]):
    """Things kept by key under tags; the least used go first when there are more than `size`."""

    def __init__(self, name: str, tags: "Tags", *, size: int, lasts_seconds: float = math.inf) -> None:
        self.name = name
        self._tags = tags
        self._size = size
        self._lasts_seconds = lasts_seconds
        self._kept: OrderedDict[K, tuple[V, float, frozenset[str]]] = OrderedDict()
        self._by_tag: dict[str, set[K]] = {}
        self._wanted: dict[K, asyncio.Future[V | None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._load: Load[K, V] | None = None

    async def many(self, keys: Iterable[K], load: Load[K, V]) -> dict[K, V]:
        """Those of the keys that there are. What is missing is read for all who ask at once.

        One read at a time: while it runs the next one gathers, so the busier the process, the fewer reads per key.
        """
        found: dict[K, V] = {}
        missing: dict[K, asyncio.Future[V | None]] = {}
        for key in keys:
            value = self.get(key)
            if value is not None:
                found[key] = value
            elif key not in missing:
                missing[key] = self._want(key)
        if missing:
            self._load = load
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            for key, future in missing.items():
                # Shielded: others wait for the same future.
                value = await asyncio.shield(future)
                if value is not None:
                    found[key] = value
        return found

    def get(self, key: K) -> V | None:
        """The copy, or None if there is none that may be used."""
        found = self._kept.get(key)
        if found is None:
            return None
        now = time.monotonic()
        if max(found[1], self._tags.told_at) + MAX_AGE_SECONDS < now or found[1] + self._lasts_seconds < now:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, tags: Iterable[str], mark: int) -> bool:
        """Keep a copy of what was read after `mark`; False if one of its tags was dropped since."""
        named = frozenset(tags)
        if not self._tags.may_keep(named, mark):
            return False
        self._forget(key)
        while len(self._kept) >= self._size:
            self._forget(next(iter(self._kept)))
        self._kept[key] = (value, time.monotonic(), named)
        for one in named:
            self._by_tag.setdefault(one, set()).add(key)
        return True

    def drop(self, tags: Iterable[str]) -> None:
        """Forget every copy under one of the tags."""
        for one in tags:
            for key in list(self._by_tag.get(one, ())):
                self._forget(key)
                _dropped.labels(self.name).inc()

    def clear(self) -> None:
        self._kept.clear()
        self._by_tag.clear()

    def __len__(self) -> int:
        return len(self._kept)

    def _want(self, key: K) -> "asyncio.Future[V | None]":
        if key not in self._wanted:
            self._wanted[key] = asyncio.get_running_loop().create_future()
        return self._wanted[key]

    async def _read(self) -> None:
        while self._wanted and self._load:
            wanted, self._wanted = self._wanted, {}
            mark = self._tags.mark()
            try:
                loaded = await self._load(list(wanted))
            except BaseException as error:
                for future in wanted.values():
                    future.set_exception(error)
                    future.exception()  # whoever waited may have left; that is no error of its own
                if not isinstance(error, Exception):
                    raise
                continue
            for key, future in wanted.items():
                value, tags = loaded.get(key, (None, ()))
                if value is not None:
                    self.put(key, value, tags, mark)
                future.set_result(value)

    def _forget(self, key: K) -> None:
        found = self._kept.pop(key, None)
        if found is None:
            return
        for one in found[2]:
            keys = self._by_tag[one]
            keys.discard(key)
            if not keys:
                del self._by_tag[one]


async def kept(
    conn: Connection, name: str, key: Hashable, read: Callable[[], Awaitable[V]], tags: Callable[[V], Iterable[str]]
) -> V:
    """Master data that every page asks for and that hardly ever changes, from a copy: `read` reads it and `tags` says
    what it was made of. On connections of a process that hears of no changes, and in transactions, it is read."""
    if conn.tags is None:
        return await read()
    copies = conn.tags.copies(name, size=_KEPT)
    found: V | None = copies.get(key)
    if found is None:
        mark = conn.tags.mark()
        found = await read()
        if found is not None:
            copies.put(key, found, tags(found), mark)
    return found


# Shops, countries: a handful.
_KEPT = 1_000


class Tags:
    """What one process keeps copies of, and the drops that it has heard of."""

    def __init__(self) -> None:
        self._copies: dict[str, Copies[Any, Any]] = {}
        self._listeners: list[Callable[[frozenset[str] | None], None]] = []
        # Counts drops; a mark is its value when somebody began to read.
        self._clock = 0
        self._all_dropped_at = 0
        self._dropped_at: OrderedDict[str, int] = OrderedDict()
        self._live = False
        # Until when (monotonic) this process has heard of everything that is committed.
        self.told_at = 0.0

    def copies(self, name: str, *, size: int, lasts_seconds: float = math.inf) -> Copies[Any, Any]:
        """The copies of this name; the first to ask says how many are kept, and how long at most, for what no event
        tells."""
        found = self._copies.get(name)
        if found is None:
            found = self._copies[name] = Copies(name, self, size=size, lasts_seconds=lasts_seconds)
        return found

    def on_drop(self, listener: Callable[[frozenset[str] | None], None]) -> None:
        """Call this with the tags of each drop, or with None when everything is dropped."""
        self._listeners.append(listener)

    def mark(self) -> int:
        """Take this before the first read of what shall be kept."""
        return self._clock

    def may_keep(self, tags: frozenset[str], mark: int) -> bool:
        """Whether what was read since `mark` is still all true, as far as this process has heard."""
        if not self._live or mark < self._all_dropped_at:
            return False
        return all(self._dropped_at.get(one, -1) <= mark for one in tags)

    def drop(self, tags: Iterable[str]) -> None:
        """What these tags stand for has changed."""
        named = frozenset(tags)
        if not named:
            return
        if len(named) > MANY:
            self.clear()
            return
        self._clock += 1
        # A copy may also be kept under a type alone (`any_of`).
        meant = named | {one.partition(":")[0] for one in named}
        for one in meant:
            self._dropped_at[one] = self._clock
            self._dropped_at.move_to_end(one)
        while len(self._dropped_at) > MANY:
            # Whoever began before this was forgotten can no longer be told apart: nothing of theirs is kept.
            _, at = self._dropped_at.popitem(last=False)
            self._all_dropped_at = max(self._all_dropped_at, at)
        for copies in self._copies.values():
            copies.drop(meant)
        for listener in self._listeners:
            listener(named)

    def clear(self) -> None:
        """Anything may have changed."""
        self._clock += 1
        self._all_dropped_at = self._clock
        self._dropped_at.clear()
        for copies in self._copies.values():
            copies.clear()
        for listener in self._listeners:
            listener(None)

    def line(self, *, live: bool) -> None:
        """Whether drops reach this process from now on; begins and ends with nothing kept."""
        self._live = live
        self.told_at = 0.0
        self.clear()


@asynccontextmanager
async def heard(database: Database, role: str) -> AsyncGenerator[Tags]:
    """Tags that hear of every event for the life of the block."""
    database.tags = tags = Tags()
    listening = asyncio.create_task(_listen(database, role, tags), name="tags")
    try:
        yield tags
    finally:
        database.tags = None
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def _listen(database: Database, role: str, tags: Tags) -> None:
    while True:
        try:
            async with locks.session(database, f"{role} tags") as conn:
                await _follow(conn, tags)
        except locks.OUTAGES as error:
            _log.warning("no line to the events; nothing is kept until it is back", error=str(error))
        finally:
            tags.line(live=False)
        await asyncio.sleep(POLL_SECONDS)


async def _follow(conn: Connection, tags: Tags) -> None:
    told = asyncio.Event()

    def hear(_: object, __: int, ___: str, types: object) -> None:
        if types == relay.EVERYBODY or not _watched.isdisjoint(str(types).split()):
            told.set()

    await conn.raw.add_listener(relay.CHANNEL, hear)
    # From the end of the log on: whatever came before is in what will be read from now on.
    place = await conn.one(SQL.head, Place)
    tags.line(live=True)
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), POLL_SECONDS)
        told.clear()
        head = await conn.one(SQL.head, Place)
        if head.position > place.position:
            changed = await conn.values(
                SQL.tags_between, after=place.position, id=place.id, until=head.position, types=sorted(_watched)
            )
            tags.drop(changed)
            place = head
        lag: float | None = await conn.value(SQL.lag)
        if lag is None or lag < LAG_SECONDS:
            tags.told_at = time.monotonic()
