"""The index follows the event log: what changed is read and written anew, within a second; what is missing is built.

Each host that runs a worker has an index of its own, a projection with its own place in the log: a lost disk or another
version costs a rebuild and nothing else. Building takes a core for half a minute per 50,000 articles, so it happens in
a process of its own; whoever asks meanwhile is answered from the old index.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from lotse.domains.catalog.contracts import CategoryChanged, ProductChanged, ProductStateChanged
from lotse.domains.offers.contracts import OfferChanged
from lotse.domains.orders.contracts import OrderAmended, OrderPlaced
from lotse.domains.parties.contracts import Shop, ShopChanged
from lotse.domains.pricing.contracts import PriceChanged
from lotse.domains.search import commands, queries
from lotse.domains.search.contracts import Index
from lotse.domains.search.queries import FOLDER, index_of, shops_with_pages
from lotse.kernel import clock, locks, outbox, relay
from lotse.kernel.consumers import SQL as EVENTS
from lotse.kernel.consumers import Logged, Place
from lotse.kernel.db import Database
from lotse.kernel.jobs import Job
from lotse.kernel.postgres.locks import FileLock
from lotse.kernel.settings import Settings

# Events read at a time, and documents written at a time: a write is seen when it is done.
READ = 500
WRITTEN = 200
POLL_SECONDS = 1.0
RETRY_SECONDS = 2.0
# Of what no event tells (goods counted, received, held) a slice is looked at each second: 50,000 articles in four
# minutes. What was sold is looked at at once.
SLICE = 200
# An import tells of each article four times: events are read to the end of the log, for so long at most, and each of
# the articles is written once. Where a quarter of an index changed, and more than these, it is built anew: that takes
# less for each, and in another process.
GATHER_SECONDS = 5.0
ANEW_ARTICLES = 2_000
ANEW_SHARE = 4
FORGOTTEN_AT_ONCE = 1_000

# By product, by variant, by the variants of an order, by category, by shop.
_BY_PRODUCT = (ProductChanged, ProductStateChanged)
_BY_VARIANT = (OfferChanged, PriceChanged)
_BY_ORDER = (OrderPlaced, OrderAmended)
_TYPES = {
    outbox.described(event)[0]: event
    for event in (*_BY_PRODUCT, *_BY_VARIANT, *_BY_ORDER, CategoryChanged, ShopChanged)
}

_log = structlog.get_logger("lotse.search")


class _Variants(msgspec.Struct):
    variants: dict[str, int] = {}


async def follow(database: Database, stop: asyncio.Event, *, settings: Settings) -> None:
    """Keep this host's indexes until `stop` is set. One worker of a host does; the others wait to take over."""
    folder = settings.home / FOLDER
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    lock = FileLock(folder / ".following")
    try:
        while not stop.is_set() and not lock.try_exclusive():
            await locks.pause(stop, POLL_SECONDS)
        while not stop.is_set():
            try:
                async with locks.session(database, "lotse search") as conn:
                    follower = _Follower(database, settings, stop)
                    await conn.raw.add_listener(relay.CHANNEL, follower.hear)
                    await follower.run()
            except locks.OUTAGES as error:
                _log.warning("search interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            except Exception:
                # The shop sells without its search; it is tried again, and the log says what is wrong.
                _log.exception("search interrupted", retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)
    finally:
        lock.close()


class _Follower:
    """The indexes of this host, and how far each shop's stock was looked at."""

    def __init__(self, database: Database, settings: Settings, stop: asyncio.Event) -> None:
        self.database = database
        self.settings = settings
        self.stop = stop
        self.told = asyncio.Event()
        self.swept: dict[UUID, UUID | None] = {}
        self.swept_at = 0.0

    def hear(self, *_: object) -> None:
        """The relay moved something into the log."""
        self.told.set()

    async def run(self) -> None:
        while not self.stop.is_set():
            self.told.clear()
            for shop in await shops_with_pages(self.database):
                await self._keep(shop)
            await self._told_or_due()

    async def _keep(self, shop: Shop) -> None:
        index = index_of(self.settings, shop)
        mark = await asyncio.to_thread(index.mark)
        if mark is None:
            await self._build(shop)
            return
        position, _, id = mark.partition(":")
        place = Place(int(position), UUID(id))
        more = True
        while more and not self.stop.is_set():
            most = max(ANEW_ARTICLES, await asyncio.to_thread(index.size) // ANEW_SHARE)
            place, changed, more = await self._gather(place, most)
            if len(changed) > most:
                await self._build(shop)
                return
            await self._write(shop, index, changed, f"{place.position}:{place.id}")
        await self._look(shop, index, place)

    async def _gather(self, place: Place, most: int) -> tuple[Place, list[UUID], bool]:
        """The place behind what is in the log, the products that it tells of, each once, and whether there is more."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        changed: dict[UUID, None] = {}
        more = True
        while more and len(changed) <= most and loop.time() - began < GATHER_SECONDS and not self.stop.is_set():
            place, found, more = await self._read(place)
            changed.update(dict.fromkeys(found))
        return place, list(changed), more

    async def _read(self, place: Place) -> tuple[Place, list[UUID], bool]:
        """The place behind the next events, the products they tell of, and whether there are more."""
        async with self.database.reading() as conn:
            head = await conn.one(EVENTS.head, Place)
            if head.position <= place.position:
                return place, [], False
            logged = await conn.many(
                EVENTS.events_after,
                Logged,
                after=place.position,
                id=place.id,
                until=head.position,
                types=sorted(_TYPES),
                limit=READ,
            )
            products: dict[UUID, None] = {}
            variants: set[UUID] = set()
            categories: set[UUID] = set()
            for event in logged:
                kind = _TYPES[event.type]
                if kind in _BY_PRODUCT:
                    products[UUID(event.key)] = None
                elif kind in _BY_VARIANT:
                    variants.add(UUID(event.key))
                elif kind in _BY_ORDER:
                    variants.update(UUID(id) for id in msgspec.json.decode(event.payload, type=_Variants).variants)
                elif kind is CategoryChanged:
                    categories.add(UUID(event.key))
            if variants:
                found = await queries.products_of_variants(conn, variant_ids=sorted(variants))
                products.update(dict.fromkeys(found))
            if categories:
                below = await queries.products_below(conn, category_ids=sorted(categories))
                products.update(dict.fromkeys(below))
        if len(logged) == READ:
            return Place(logged[-1].position, logged[-1].id), list(products), True
        return head, list(products), False

    async def _write(self, shop: Shop, index: Index, changed: Sequence[UUID], mark: str) -> None:
        if not changed:
            await index.write((), (), mark)
            return
        for begin in range(0, len(changed), WRITTEN):
            ids = changed[begin : begin + WRITTEN]
            at = clock.now()
            async with self.database.reading() as conn:
                found = await queries.documents(conn, shop=shop, product_ids=ids, at=at)
            there = {document.id for document in found}
            # In a thread: analysis takes milliseconds per article, and the worker's loop also relays events.
            last = begin + WRITTEN >= len(changed)
            await asyncio.to_thread(
                _run, index.write(found, [id for id in ids if id not in there], mark if last else "")
            )

    async def _look(self, shop: Shop, index: Index, place: Place) -> None:
        """What no event tells: prices whose time has come, and the next slice of stock."""
        due = await index.due(clock.now())
        loop = asyncio.get_running_loop()
        if loop.time() - self.swept_at >= POLL_SECONDS:
            self.swept_at = loop.time()
            due += await self._sweep(shop, index)
        if due:
            await self._write(shop, index, list(dict.fromkeys(due)), f"{place.position}:{place.id}")

    async def _sweep(self, shop: Shop, index: Index) -> list[UUID]:
        async with self.database.reading() as conn:
            ids = await queries.shown_after(conn, after=self.swept.get(shop.id), limit=SLICE)
            signs = await queries.stock_signs(conn, shop=shop, product_ids=ids) if ids else {}
        self.swept[shop.id] = ids[-1] if len(ids) == SLICE else None
        known = await index.signs(list(signs))
        return [id for id, sign in signs.items() if known.get(id) != sign]

    async def _build(self, shop: Shop) -> None:
        """In a process of its own, which takes a core for a while."""
        _log.info("the search index is built", shop=shop.code)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "lotse", "search", "rebuild", "--shop", shop.code),
            env={**os.environ, **_told_by(self.settings)},
            stdout=asyncio.subprocess.DEVNULL,
        )
        ended = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(self.stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not ended.done():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await ended
        elif ended.result():
            _log.error("the search index could not be built", shop=shop.code, code=ended.result())
            await locks.pause(self.stop, RETRY_SECONDS)

    async def _told_or_due(self) -> None:
        waits = [asyncio.create_task(event.wait()) for event in (self.stop, self.told)]
        await asyncio.wait(waits, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


def _told_by(settings: Settings) -> dict[str, str]:
    """What a process of ours has to be told, so that it finds the same database and folder."""
    told = {"LOTSE_HOME": str(settings.home.absolute())}
    return told | ({"LOTSE_DATABASE_URL": settings.database_url} if settings.database_url else {})


def _run(write: Coroutine[Any, Any, None]) -> None:
    asyncio.run(write)


async def forget_asked(database: Database, *, at: datetime) -> int:
    """Forget in batches what nobody asked for since long; how many."""
    total = 0
    while True:
        async with database.transaction() as tx:
            gone = await commands.forget_asked(tx, before=at - commands.KEPT, limit=FORGOTTEN_AT_ONCE)
        total += gone
        if gone < FORGOTTEN_AT_ONCE:
            return total


jobs = (Job("search.forget_asked", forget_asked, timetable="20 3 * * *", rights=()),)
loops = (follow,)
