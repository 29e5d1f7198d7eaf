"""Copies of master data that a process keeps, and how it learns within a second that one is stale.

A *tag* is what an event tells of: its type and key, e.g. `offers.OfferChanged` of a variant. Whoever keeps a copy keeps
it under the tags of all that it was made of; when such an event reaches the log, every process drops the copy.

    offer_tag = tagged(OfferChanged)                # once, at the top of the module

    articles = tags.copies("checkout.articles", size=50_000)
    found = articles.get(key)
    if found is None:
        mark = tags.mark()                      # before the first read
        found = await load(...)
        articles.put(key, found, [offer_tag(variant_id), price_tag(variant_id)], mark)

What was read before a drop and would be put in after it is refused (it may be what was dropped). While the process has
no line to the database's notifications nothing is kept, and a new line begins with nothing. If the relay stands still,
no event tells anything; then a copy lives for `MAX_AGE_SECONDS` at most.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

import structlog
from msgspec import Struct
from prometheus_client import Counter

from lotse.kernel import locks, outbox, relay
from lotse.kernel.consumers import Place
from lotse.kernel.db import Connection, Database
from lotse.kernel.sql import statements

V = TypeVar("V")

SQL = statements("lotse.kernel", "events")

# The bound on staleness when nobody relays events. Short enough that a price list that begins tonight is right in the
# morning whatever has failed; long enough that reading anew costs a busy process nothing.
MAX_AGE_SECONDS = 30.0
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


class Copies(Generic[V]):
    """Things kept by key under tags; the least used go first when there are more than `size`."""

    def __init__(self, name: str, tags: "Tags", *, size: int) -> None:
        self.name = name
        self._tags = tags
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[V, float, frozenset[str]]] = OrderedDict()
        self._by_tag: dict[str, set[Hashable]] = {}

    def get(self, key: Hashable) -> V | None:
        """The copy, or None if there is none that may be used."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found[1] < time.monotonic():
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: V, tags: Iterable[str], mark: int) -> bool:
        """Keep a copy of what was read after `mark`; False if one of its tags was dropped since."""
        named = frozenset(tags)
        if not self._tags.may_keep(named, mark):
            return False
        self._forget(key)
        while len(self._kept) >= self._size:
            self._forget(next(iter(self._kept)))
        self._kept[key] = (value, time.monotonic() + MAX_AGE_SECONDS, named)
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

    def _forget(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is None:
            return
        for one in found[2]:
            keys = self._by_tag[one]
            keys.discard(key)
            if not keys:
                del self._by_tag[one]


class Tags:
    """What one process keeps copies of, and the drops that it has heard of."""

    def __init__(self) -> None:
        self._copies: dict[str, Copies[Any]] = {}
        self._listeners: list[Callable[[frozenset[str] | None], None]] = []
        # Counts drops; a mark is its value when somebody began to read.
        self._clock = 0
        self._all_dropped_at = 0
        self._dropped_at: OrderedDict[str, int] = OrderedDict()
        self._live = False

    def copies(self, name: str, *, size: int) -> Copies[Any]:
        """The copies of this name; the first to ask says how many are kept."""
        if name not in self._copies:
            self._copies[name] = Copies(name, self, size=size)
        return self._copies[name]

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
        for one in named:
            self._dropped_at[one] = self._clock
            self._dropped_at.move_to_end(one)
        while len(self._dropped_at) > MANY:
            # Whoever began before this was forgotten can no longer be told apart: nothing of theirs is kept.
            _, at = self._dropped_at.popitem(last=False)
            self._all_dropped_at = max(self._all_dropped_at, at)
        for copies in self._copies.values():
            copies.drop(named)
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
        self.clear()


@asynccontextmanager
async def heard(database: Database, role: str) -> AsyncGenerator[Tags]:
    """Tags that hear of every event for the life of the block."""
    tags = Tags()
    listening = asyncio.create_task(_listen(database, role, tags), name="tags")
    try:
        yield tags
    finally:
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
