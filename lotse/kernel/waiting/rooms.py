"""The rooms as one process knows them: looked at once a second, tickets taken and shown in batches, lines moved on.

While all rooms are closed this is one small read a second and nothing else. A line is moved on by whichever process
comes first in each second, so every process can die. Nothing here waits for another process but for the row that deals
out the numbers.
"""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace
from prometheus_client import Counter, Gauge

from lotse.kernel import clock
from lotse.kernel.auth.links import secret_of
from lotse.kernel.db import Database, Transaction, is_unavailable
from lotse.kernel.db import opened as connected
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Refusal
from lotse.kernel.sql import statements
from lotse.kernel.waiting import rules
from lotse.kernel.waiting.places import Place, Places, pass_until, ticket
from lotse.kernel.waiting.rules import Room

SQL = statements("lotse.kernel", "waiting")
log = structlog.get_logger()

LOOK_SECONDS = 1.0
# A little less than a second, so that a process whose timer is early does not miss its turn.
_TURN = timedelta(seconds=0.9)
# A door that has not spoken for so long is gone, or it sees nobody.
_LOADS_COUNT_FOR = timedelta(seconds=5)
# How many visitors one statement gives numbers to; more wait for the next one, a few milliseconds.
MOST_TAKEN_AT_ONCE = 1_000
# Visitors who wait for a number in this process. Past this they are asked to come again: a refusal here costs no place,
# because they hold none yet.
MOST_TAKING = 4_000
# How many of the line one tick looks at beyond those it admits: whoever left without a word is passed over.
_LOOK_BEYOND = 2_000

WAITING = Gauge("lotse_waiting_visitors", "Visitors in lines, those included who left", multiprocess_mode="livemax")
OPEN = Gauge("lotse_waiting_open", "Rooms in which visitors wait", multiprocess_mode="livemax")
RATE = Gauge("lotse_waiting_rate_per_minute", "Admissions per minute as set now", multiprocess_mode="livemax")
STRAIN = Gauge("lotse_waiting_strain", "What the shop is asked to do; 1 is what it can", multiprocess_mode="livemax")
TAKEN = Counter("lotse_waiting_tickets_total", "Tickets taken")
ADMITTED = Counter("lotse_waiting_admitted_total", "Visitors admitted from a line")
PASSED_OVER = Counter("lotse_waiting_passed_over_total", "Places passed over because nobody was there")


class TooManyArrive(Refusal, status=503, title="Too many people come at this moment; try again in a few seconds"):
    """No place was given yet, so none is lost."""

    retry_after_seconds: int = 5


class NoLine(Refusal, status=409, title="Nobody waits here any more"):
    """The line ended between two looks at it."""


class _Taken(Struct, frozen=True):
    id: UUID
    number: int


class _Claimed(Struct, frozen=True):
    number: int
    state: Literal["waiting", "away", "admitted"]
    pass_until: datetime | None


class _Load(Struct, frozen=True):
    strain: float | None
    newcomers: int


class _Reached(Struct, frozen=True):
    admitted: int = 0
    passed_over: int = 0
    reached: int = 0


class Moved(Struct, frozen=True):
    """What a tick did: the room afterwards, and how many of its line came in or were passed over."""

    room: Room
    admitted: int = 0
    passed_over: int = 0


class Seen(Struct, frozen=True):
    """What a door has seen in the last second: the strain (1: all it can take), and visitors who are new."""

    strain: float = 0.0
    newcomers: int = 0


class Rooms:
    """The rooms, for one process. `opened` gives one that is kept up to date."""

    def __init__(self, database: Database, places: Places, seen: Callable[[], Seen] = Seen) -> None:
        self._database = database
        self.places = places
        self._seen = seen
        self._rooms: dict[str, Room] = {}
        self._present: set[UUID] = set()
        self._wanted: list[tuple[int, UUID, asyncio.Future[int]]] = []
        self._taking: asyncio.Task[None] | None = None
        # Two doors on one host are two reporters, also across a restart.
        self._reporter = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        # The one flag that a request looks at on a normal day.
        self.any_open = False

    def room(self, name: str) -> Room | None:
        """A room that is at work: not closed, and not planned for later."""
        return self._rooms.get(name)

    # -- for visitors

    async def take(self, room: Room) -> Place:
        """A ticket of a room that is open. Refusals: `TooManyArrive`, `NoLine`.

        While one statement gives out numbers the next visitors gather, as at the desk.
        """
        if len(self._wanted) >= MOST_TAKING:
            raise TooManyArrive()
        id = uuid7()
        numbered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._wanted.append((room.opening, id, numbered))
        if self._taking is None or self._taking.done():
            self._taking = asyncio.create_task(self._give_numbers(), name="give numbers")
        return ticket(room.opening, id, await numbered, clock.now())

    def present(self, place: Place) -> None:
        """Whoever holds this ticket is still there; written with everybody else's within a second."""
        self._present.add(place.id)

    async def claim(self, room: Room, place: Place, at: datetime) -> Place | None:
        """What became of a ticket: the pass, the ticket (with its number), or None if it is worth nothing any more."""
        until = at + timedelta(minutes=room.pass_minutes)
        async with self._database.reading() as conn:
            found = await conn.maybe(SQL.claim, _Claimed, id=place.id, opening=room.opening, at=at, until=until)
        if found is None:
            return None
        if found.state != "admitted" or found.pass_until is None:
            return Place("ticket", place.opening, place.id, found.number, place.since, place.until)
        return pass_until(room.opening, place.id, found.pass_until, at) if found.pass_until > at else None

    async def _give_numbers(self) -> None:
        while self._wanted:
            opening = self._wanted[0][0]
            taken = [wanted for wanted in self._wanted if wanted[0] == opening][:MOST_TAKEN_AT_ONCE]
            chosen = {id for _, id, _ in taken}
            self._wanted = [wanted for wanted in self._wanted if wanted[1] not in chosen]
            try:
                async with self._database.reading() as conn:
                    # In the order of arrival: numbers are given in the order of the list.
                    ids = [id for _, id, _ in taken]
                    rows = await conn.many(SQL.take, _Taken, opening=opening, ids=ids, at=clock.now())
            except Exception as error:
                for _, _, numbered in taken:
                    if not numbered.done():
                        numbered.set_exception(error)
                continue
            TAKEN.inc(len(rows))
            numbers = {row.id: row.number for row in rows}
            for _, id, numbered in taken:
                if numbered.done():  # the visitor went away; his place will be passed over
                    continue
                if id in numbers:
                    numbered.set_result(numbers[id])
                else:
                    numbered.set_exception(NoLine())

    # -- every second

    async def look(self, at: datetime) -> None:
        """Read the rooms; for those that are not closed say who is there and move the lines on."""
        async with self._database.reading() as conn:
            found = await conn.many(SQL.rooms, Room)
        self._rooms = {room.name: room for room in found if rules.is_at_work(room, at)}
        self.any_open = bool(self._rooms)
        waiting_in = [room for room in self._rooms.values() if rules.phase(room, at) in ("gathering", "open")]
        OPEN.set(len(waiting_in))
        WAITING.set(sum(room.waiting for room in waiting_in))
        RATE.set(sum(room.rate for room in waiting_in))
        STRAIN.set(max((room.strain for room in self._rooms.values()), default=0))
        if not self._rooms:
            self._present.clear()
            return
        present, self._present = self._present, set()
        seen = self._seen()
        async with self._database.transaction() as tx:
            await tx.execute(SQL.report, reporter=self._reporter, at=at, strain=seen.strain, newcomers=seen.newcomers)
            if present:
                await tx.execute(SQL.touch, ids=list(present), at=at)
        for name in sorted(self._rooms):
            async with self._database.transaction() as tx:
                moved = await tick(tx, name, at)
            if moved is not None:
                self._rooms[name] = moved.room
                ADMITTED.inc(moved.admitted)
                PASSED_OVER.inc(moved.passed_over)

    async def keep(self) -> None:
        """Look once a second until cancelled. A database that is away leaves the rooms as they were."""
        is_away = False
        while True:
            try:
                await self.look(clock.now())
                is_away = False
            except Exception as error:
                # A bug as well: a line that one bad second stops would keep everybody out for ever.
                if not is_unavailable(error):
                    log.error("waiting rooms", exc_info=error)
                elif not is_away:  # once, and not every second
                    log.warning("waiting rooms not seen", error=repr(error))
                is_away = True
            await asyncio.sleep(LOOK_SECONDS)


@asynccontextmanager
async def opened(database: Database, seen: Callable[[], Seen] = Seen) -> AsyncGenerator[Rooms]:
    """Rooms that are kept up to date for the life of the block.

    On two connections of their own: the line must move on most of all when everything else waits for a connection.
    """
    secret = await secret_of(database, "waiting")
    async with connected(database.dsn, role="lotse waiting", connections=2) as own:
        rooms = Rooms(own, Places(secret), seen)
        keeping = asyncio.create_task(rooms.keep(), name="waiting rooms")
        try:
            yield rooms
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


async def tick(tx: Transaction, name: str, at: datetime) -> Moved | None:
    """Move a room's line on by one second; None if another process has just done so, or the room is closed."""
    before: datetime | None = await tx.value(SQL.begin_tick, name=name, at=at, not_after=at - _TURN)
    if before is None:
        return None
    load = await tx.one(SQL.load, _Load, since=at - _LOADS_COUNT_FOR)
    await tx.execute(SQL.sweep_loads, before=at - 10 * _LOADS_COUNT_FOR)
    room = rules.watched(await _locked(tx, name), load.strain or 0.0)
    if rules.opens_itself(room):
        rate = rules.first_rate(room, load.newcomers * 60)
        await tx.execute(SQL.begin_opening, name=name, at=at, gathering=False, rate=rate)
        log.warning("waiting room opens itself", room=name, strain=round(room.strain, 2), rate=round(rate))
        return Moved(await _locked(tx, name))
    if rules.closes_itself(room):
        await tx.execute(SQL.end_opening, name=name, opening=room.opening, at=at)
        log.info("waiting room closes itself", room=name)
        return Moved(await _locked(tx, name))
    if room.gathering and room.opens_at is not None and at >= room.opens_at:
        await draw(tx, room, secrets.token_bytes(32))
        room = replace(room, gathering=False)
    reached = _Reached()
    if rules.phase(room, at) == "open":
        room, reached = await _admit(tx, room, at, (at - before).total_seconds())
    await tx.execute(
        SQL.save_tick,
        name=name,
        mark=room.mark,
        rate=room.rate,
        carry=room.carry,
        pace=room.pace,
        strain=room.strain,
        strained=room.strained,
        calm=room.calm,
        noted=room.last_number,
    )
    if room.opening:
        await tx.execute(
            SQL.note_minute,
            room=name,
            at=at,
            waiting=room.waiting,
            arrived=max(0, room.last_number - room.noted),
            admitted=reached.admitted,
            passed_over=reached.passed_over,
            rate=room.rate,
            strain=room.strain,
        )
    return Moved(room, reached.admitted, reached.passed_over)


async def draw(tx: Transaction, room: Room, seed: bytes) -> None:
    """Draw the lots of a sale. The seed is kept, so that anybody can draw them again and compare."""
    await tx.execute(SQL.lock_opening, opening=room.opening)
    drawn = await tx.execute(SQL.draw, opening=room.opening, seed=seed, opens_at=room.opens_at)
    log.info("lots drawn", room=room.name, opening=room.opening, visitors=drawn)


async def _admit(tx: Transaction, room: Room, at: datetime, seconds: float) -> tuple[Room, _Reached]:
    rate = rules.next_rate(room, used=room.waiting > 0)
    places, carry = rules.places(rate, room.carry, seconds)
    reached = _Reached()
    if places:
        reached = await tx.one(
            SQL.admit,
            _Reached,
            opening=room.opening,
            places=places,
            look=places + _LOOK_BEYOND,
            present_since=at - rules.AWAY_AFTER,
            at=at,
        )
    mark = max(room.mark, reached.reached)
    pace = rules.next_pace(room.pace, mark - room.mark, seconds) if room.waiting else room.pace
    return replace(room, mark=mark, rate=rate, carry=carry, pace=pace), reached


async def _locked(tx: Transaction, name: str) -> Room:
    return await tx.one(SQL.lock_room, Room, name=name)
