"""Consumers: what an upper domain does when a lower one reports a fact.

    @reacts(Placed)
    async def post_sale(tx: Transaction, event: Placed, *, at: datetime) -> None:
        ...

A domain's reactions together are one consumer with one position in the event log. It handles events in the order of
their positions; what a reaction writes and the new position commit together, so each event takes effect exactly once
as far as the database goes (mail and other systems are reached through jobs, enqueued in the same transaction).
Several events share a transaction where all goes well; when one fails they are repeated one by one.

A reaction that fails is tried again with growing pauses. After the last try its event is *parked*, and so is every
later event of the same key, which keeps the order within the key; all other keys go on. `lotse events parked` shows
them, `lotse events retry` tries them again, `lotse events replay` sets a consumer back: reactions must bear that.
"""

import asyncio
import inspect
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import structlog
from msgspec import Struct
from prometheus_client import Counter, Gauge

from lotse.kernel import audit, clock, locks, outbox, relay, seams
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.refusals import NotFound
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "events")

Reaction = TypeVar("Reaction", bound=Callable[..., Coroutine[Any, Any, None]])

# How many events are read at once, and how long one transaction may gather their effects: reactions lock rows that
# others want, so a transaction ends soon even if it could take more.
READ = 200
GATHER_SECONDS = 0.02
# Five tries in about eight seconds: longer than a lock wait or a deadlock, shorter than anybody waits for an answer.
PAUSES_SECONDS = (0.1, 0.4, 1.6, 6.0)
# A look without being told: a notification is lost when its connection breaks, an operator may set a consumer back.
POLL_SECONDS = 1.0
# How often a consumer writes down that it passed over events of others' types: passing them again costs little.
SKIP_SECONDS = 1.0
RETRY_SECONDS = 1.0
_NO_ID = UUID(int=0)
# One error in the table of parked events; a traceback of any length stays in the log.
MAX_ERROR_CHARACTERS = 2_000

_log = structlog.get_logger("lotse.consumers")
_handled = Counter("lotse_events_handled", "Events that a consumer handled.", ["consumer"])
_retried = Counter("lotse_events_retried", "Tries of a reaction that failed.", ["consumer"])
_parked = Counter("lotse_events_parked", "Events parked, also those that only wait behind another.", ["consumer"])
_lag = Gauge(
    "lotse_consumer_lag_events",
    "Events in the log that the consumer has not seen.",
    ["consumer"],
    multiprocess_mode="mostrecent",
)


class Place(Struct, frozen=True):
    """A place in the log: a position, and the id of the event there (or a smaller one)."""

    position: int
    id: UUID


class Consumer(Struct, frozen=True):
    """How far a consumer has read."""

    name: str
    position: int
    id: UUID


class _Count(Struct, frozen=True):
    consumer: str
    events: int


class _Standing(Struct, frozen=True):
    position: int
    id: UUID
    head_position: int
    head_id: UUID


class Logged(Struct, frozen=True):
    """A row of the event log; `payload` is JSON."""

    position: int
    id: UUID
    type: str
    version: int
    key: str
    payload: str
    occurred_at: datetime
    recorded_at: datetime


class Parked(Struct, frozen=True):
    """An event that waits. `error` is None for one that only waits behind another of its key."""

    consumer: str
    position: int
    type: str
    key: str
    error: str | None
    attempts: int
    parked_at: datetime


# -- who reacts to what


class _Handler(Struct, frozen=True):
    event: Any
    run: Callable[..., Coroutine[Any, Any, None]]
    takes_at: bool
    takes_id: bool


class Reactions:
    """What is registered: per consumer and type of event, the reactions in the order they were declared."""

    def __init__(self) -> None:
        self.by_consumer: dict[str, dict[str, list[_Handler]]] = defaultdict(lambda: defaultdict(list))

    def reacts(self, event: type[Struct], *, consumer: str | None = None) -> Callable[[Reaction], Reaction]:
        """Register a reaction: `async def verb(tx, event)`, or with `*, at` to get the time at which it happened, and
        with `event_id` to get the id of the event, which stays the same in every replay.

        The consumer is the package that the module lies in: `ledger` for `lotse.domains.ledger.reactions`.
        """
        name, _ = outbox.described(event)

        def register(reaction: Reaction) -> Reaction:
            owner = consumer or reaction.__module__.split(".")[-2]
            wanted = inspect.signature(reaction).parameters
            handler = _Handler(event, reaction, "at" in wanted, "event_id" in wanted)
            self.by_consumer[owner][name].append(handler)
            return reaction

        return register

    @property
    def consumers(self) -> tuple[str, ...]:
        """The names of all consumers."""
        return tuple(sorted(self.by_consumer))

    def types(self, consumer: str) -> list[str]:
        """The types of events that a consumer reacts to."""
        return sorted(self.by_consumer[consumer])

    async def handle(self, tx: Transaction, consumer: str, logged: Logged) -> None:
        """Do what this consumer does about one event."""
        audit.origin.set(audit.Origin("event", f"{consumer} {logged.type}"))
        for handler in self.by_consumer[consumer].get(logged.type, ()):
            event = outbox.decode(handler.event, logged.payload)
            more: dict[str, Any] = {"at": logged.occurred_at} if handler.takes_at else {}
            if handler.takes_id:
                more["event_id"] = logged.id
            await handler.run(tx, event, **more)


REACTIONS = Reactions()
reacts = REACTIONS.reacts


def installed() -> Reactions:
    """The reactions of every installed domain and plugin."""
    plugins = [seams.Domain(package, package) for package in seams.load_plugins()]
    for part in (*seams.domains(), *plugins):
        part.module("reactions")
    return REACTIONS


# -- running


async def run(database: Database, stop: asyncio.Event, reactions: Reactions | None = None) -> None:
    """Run every consumer whose lock is free, and take over those whose holder goes away.

    Returns once `stop` is set and the transactions under way are done.
    """
    found = reactions or installed()
    while not stop.is_set():
        try:
            async with locks.session(database, "lotse consumers") as conn:
                await _Crew(database, conn, found, stop).run()
        except locks.OUTAGES as error:
            _log.warning("consumers interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)


async def settle(database: Database, reactions: Reactions | None = None) -> int:
    """Relay and handle everything that is there, here and now; how many events were handled or parked by this call.

    For commands that end when their consequences are in place (a replay, a demo, a test). It may run beside workers:
    the locked rows decide who handles what.
    """
    found = reactions or installed()
    handled = 0
    while True:
        async with database.reading() as conn:
            await relay.move_all(conn)
        handled_now = 0
        for name in found.consumers:
            handled_now += await _Reader(database, name, found, asyncio.Event()).catch_up()
        handled += handled_now
        if not handled_now:
            return handled


class _Crew:
    """The consumers that this process holds, and the connection that holds them."""

    def __init__(self, database: Database, conn: Connection, reactions: Reactions, stop: asyncio.Event) -> None:
        self._database = database
        self._conn = conn
        self._reactions = reactions
        self._stop = stop
        # Set when this crew's time is over: the process stops, or the connection with the locks broke.
        self._over = asyncio.Event()
        self._held: dict[str, _Reader] = {}

    async def run(self) -> None:
        raw: Any = self._conn.raw  # its type is shared with the pool's proxy, whose listeners are typed otherwise
        raw.add_termination_listener(self._ended)
        await raw.add_listener(relay.CHANNEL, self._told)
        async with asyncio.TaskGroup() as group:
            try:
                while not self._stop.is_set() and not self._over.is_set():
                    await self._take_free(group)
                    self._wake(relay.EVERYBODY)
                    await self._either(POLL_SECONDS)
            except locks.OUTAGES as error:
                _log.warning("lost the connection that holds the consumers", error=str(error))
            finally:
                self._over.set()
                self._wake(relay.EVERYBODY)

    async def _take_free(self, group: asyncio.TaskGroup) -> None:
        for name in self._reactions.consumers:
            if name not in self._held and await locks.try_lock(self._conn, name):
                self._held[name] = reader = _Reader(self._database, name, self._reactions, self._over)
                group.create_task(reader.run(), name=f"consumer {name}")

    def _ended(self, connection: object) -> None:
        self._over.set()

    def _told(self, connection: object, pid: int, channel: str, payload: str) -> None:
        self._wake(payload)

    def _wake(self, told: str) -> None:
        """Wake those that react to one of the types that the relay names."""
        types = set(told.split())
        for reader in self._held.values():
            if told == relay.EVERYBODY or not types.isdisjoint(reader.types):
                reader.woken.set()

    async def _either(self, seconds: float) -> None:
        """Wait for the stop or for the end of the connection, but not longer."""
        waits = [asyncio.create_task(event.wait()) for event in (self._stop, self._over)]
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()


class _Failed(Exception):
    """A reaction failed: which event, and of what (the cause)."""

    def __init__(self, event: Logged) -> None:
        super().__init__(f"{event.type} at {event.position}")
        self.event = event


class _Moved(Exception):
    """Somebody else sets the consumer's position: a replay, a retry, or a second holder. Read it again."""


class _Reader:
    """One consumer at work."""

    def __init__(self, database: Database, name: str, reactions: Reactions, over: asyncio.Event) -> None:
        self.woken = asyncio.Event()
        self.types = reactions.types(name)
        self._database = database
        self._name = name
        self._reactions = reactions
        self._over = over
        # Where the table says that the consumer is, and where it has looked: events between are not of its types.
        self._place: Place = Place(-1, _NO_ID)
        self._seen: Place = self._place
        self._noted_at = 0.0

    async def run(self) -> None:
        """Catch up whenever woken, until it is over."""
        _log.info("consumer at work", consumer=self._name)
        while not self._over.is_set():
            self.woken.clear()
            try:
                await self.catch_up()
            except Exception as error:
                # Nothing is lost: what did not commit is handled next time. The process must not end for it, because
                # the other consumers go on and the database comes back.
                expected = isinstance(error, locks.OUTAGES)
                _log.warning("consumer interrupted", consumer=self._name, error=str(error), exc_info=not expected)
                await locks.pause(self._over, RETRY_SECONDS)
            else:
                await self.woken.wait()

    async def catch_up(self) -> int:
        """Handle what is in the log; how many events of the consumer's types there were."""
        count = 0
        while not self._over.is_set():
            head, batch = await self._read()
            try:
                await self._handle(batch)
                if self._over.is_set():
                    return count  # perhaps with some of the batch left
                if len(batch) < READ:
                    await self._pass(head)
                    return count + len(batch)
            except _Moved:
                continue
            count += len(batch)
        return count

    async def _read(self) -> tuple[Place, list[Logged]]:
        """The end of the log, and the next events of the consumer's types up to there."""
        async with self._database.reading() as conn:
            now = await conn.maybe(SQL.consumer_and_head, _Standing, name=self._name)
            if now is None:
                await conn.execute(SQL.add_consumer, name=self._name)
                now = await conn.one(SQL.consumer_and_head, _Standing, name=self._name)
            if now.position != self._place.position:
                self._at(Place(now.position, now.id))
            _lag.labels(self._name).set(now.head_position - self._seen.position)
            head = Place(now.head_position, now.head_id)
            if head.position <= self._seen.position:
                return head, []
            return head, await conn.many(
                SQL.events_after,
                Logged,
                after=self._seen.position,
                id=self._seen.id,
                until=head.position,
                types=self.types,
                limit=READ,
            )

    async def _handle(self, batch: Sequence[Logged]) -> None:
        """Handle the events in order, as many as go well in each transaction."""
        done = 0
        while done < len(batch) and not self._over.is_set():
            try:
                done += await self._together(batch[done:], asyncio.get_running_loop().time() + GATHER_SECONDS)
            except (_Moved, *locks.OUTAGES):
                raise
            except Exception as error:
                # A reaction's fault is known; a failing commit could be anybody's of this batch.
                until = batch.index(error.event, done) + 1 if isinstance(error, _Failed) else len(batch)
                for event in batch[done:until]:
                    await self._patiently(event)
                done = until

    async def _together(self, events: Sequence[Logged], until: float | None) -> int:
        """Handle the first of these events in one transaction, ended at the loop's time `until`; how many it took."""
        taken = waiting = 0
        async with self._database.transaction() as tx:
            await self._hold(tx)
            parked = await self._parked_keys(tx, events)
            for event in events:
                if event.key in parked:
                    await self._park(tx, event, None, 0)
                    waiting += 1
                else:
                    await self._react(tx, event)
                taken += 1
                if until is not None and asyncio.get_running_loop().time() > until:
                    break
            last = Place(events[taken - 1].position, events[taken - 1].id)
            await tx.execute(SQL.advance_consumer, name=self._name, position=last.position, id=last.id)
        self._at(last)
        _handled.labels(self._name).inc(taken - waiting)
        _parked.labels(self._name).inc(waiting)
        return taken

    async def _patiently(self, event: Logged) -> None:
        """Try one event alone, with growing pauses, and park it after the last try."""
        for attempt, pause_seconds in enumerate((*PAUSES_SECONDS, None), start=1):
            try:
                await self._together([event], None)
                return
            except (_Moved, *locks.OUTAGES):
                raise
            except Exception as failure:
                error = failure.__cause__ if isinstance(failure, _Failed) and failure.__cause__ else failure
            _retried.labels(self._name).inc()
            about = {"consumer": self._name, "type": event.type, "position": event.position, "key": event.key}
            if pause_seconds is None:
                _log.error("event parked", **about, attempts=attempt, exc_info=error)
                await self._give_up(event, error, attempt)
                return
            _log.warning("reaction failed", **about, attempt=attempt, exc_info=error)
            await locks.pause(self._over, pause_seconds)
            if self._over.is_set():
                raise _Moved  # not handled: whoever comes next begins with it

    async def _give_up(self, event: Logged, error: BaseException, attempts: int) -> None:
        async with self._database.transaction() as tx:
            await self._hold(tx)
            await self._park(tx, event, error, attempts)
            await tx.execute(SQL.advance_consumer, name=self._name, position=event.position, id=event.id)
        self._at(Place(event.position, event.id))
        _parked.labels(self._name).inc()

    async def _react(self, tx: Transaction, event: Logged) -> None:
        try:
            await self._reactions.handle(tx, self._name, event)
        except Exception as error:
            if tx.raw.is_closed():
                raise  # the database went away: not this event's fault
            raise _Failed(event) from error

    async def _hold(self, tx: Transaction) -> None:
        """Lock the consumer's row; `_Moved` if it is not where we left it, so that nobody handles an event twice."""
        try:
            at = await tx.one(SQL.hold_consumer, Consumer, name=self._name)
        except asyncpg.LockNotAvailableError:
            raise _Moved from None
        if at.position != self._place.position:
            raise _Moved

    def _at(self, place: Place) -> None:
        self._place = place
        self._seen = place

    async def _pass(self, head: Place) -> None:
        """Go on to the head: the events up to there are of others' types. Written down now and then only."""
        if head.position <= self._seen.position:
            head = self._seen
        self._seen = head
        now = asyncio.get_running_loop().time()
        if head.position > self._place.position and now - self._noted_at >= SKIP_SECONDS:
            async with self._database.reading() as conn:
                moved = await conn.execute(
                    SQL.skip_ahead,
                    name=self._name,
                    was=self._place.position,
                    position=head.position,
                    id=head.id,
                )
            if not moved:
                raise _Moved
            self._place = head
            self._noted_at = now

    async def _parked_keys(self, tx: Transaction, events: Iterable[Logged]) -> set[str]:
        return set(await tx.values(SQL.parked_keys, consumer=self._name, keys=list({event.key for event in events})))

    async def _park(self, tx: Transaction, event: Logged, error: BaseException | None, attempts: int) -> None:
        await tx.execute(
            SQL.park,
            consumer=self._name,
            position=event.position,
            id=event.id,
            key=event.key,
            error=None if error is None else _told(error),
            attempts=attempts,
            at=clock.now(),
        )


# -- what an operator can do


async def parked(conn: Connection, *, consumer: str | None = None, limit: int = 100) -> list[Parked]:
    """Events that wait, by consumer and in their order."""
    return await conn.many(SQL.parked, Parked, consumer=consumer, limit=limit)


async def retry(
    database: Database, consumer: str, *, at: datetime, reactions: Reactions | None = None
) -> tuple[int, int]:
    """Try the parked events of a consumer again, in order; how many were handled, and how many failed again.

    An event that fails keeps the later ones of its key waiting; they count as neither.
    """
    found = reactions or installed()
    handled, after = 0, 0
    failed: list[str] = []
    while True:
        async with database.transaction() as tx:
            # With the consumer's row locked the worker cannot park a further event of a key just as we finish with it.
            if await tx.maybe(SQL.hold_consumer, Consumer, name=consumer) is None:
                raise NotFound(what="consumer", id=consumer)
            event = await tx.maybe(SQL.next_parked, Logged, consumer=consumer, after=after, failed=failed)
            if event is None:
                return handled, len(failed)
            after = event.position
            try:
                async with tx.raw.transaction():  # a savepoint: what a failed reaction wrote goes, its error is kept
                    await found.handle(tx, consumer, event)
            except Exception as error:
                if tx.raw.is_closed():
                    raise
                _log.error("parked event failed again", consumer=consumer, position=event.position, exc_info=error)
                await tx.execute(
                    SQL.still_parked, consumer=consumer, position=event.position, error=_told(error), at=at
                )
                failed.append(event.key)
            else:
                await tx.execute(SQL.unpark, consumer=consumer, position=event.position)
                handled += 1


async def replay(database: Database, consumer: str, *, position: int) -> Consumer:
    """Set a consumer so that the event at `position` is the next it handles; also to skip ahead, up to the log's end.

    Parked events from there on are forgotten, for they come again. Refusals: `NotFound` for a consumer or a position
    that does not exist.
    """
    async with database.transaction() as tx:
        if await tx.maybe(SQL.hold_consumer, Consumer, name=consumer) is None:
            raise NotFound(what="consumer", id=consumer)
        head = await tx.one(SQL.head, Place)
        if not 1 <= position <= head.position + 1:
            raise NotFound(what="position in the event log", id=str(position))
        at: UUID = await tx.value(SQL.id_at, position=position - 1)
        await tx.execute(SQL.unpark_from, consumer=consumer, position=position)
        await tx.execute(SQL.advance_consumer, name=consumer, position=position - 1, id=at)
        return Consumer(consumer, position - 1, at)


async def positions(conn: Connection) -> tuple[Place, list[Consumer]]:
    """The end of the log, and every consumer."""
    return await conn.one(SQL.head, Place), await conn.many(SQL.consumers, Consumer)


async def parked_counts(conn: Connection) -> dict[str, int]:
    """How many events are parked, for each consumer that has some."""
    return {row.consumer: row.events for row in await conn.many(SQL.parked_counts, _Count)}


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_ERROR_CHARACTERS].replace("\0", "")
