"""What staff decide about a waiting room. Each change is audited as `kernel.waiting:<room>`."""

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements
from lotse.kernel.waiting import rules
from lotse.kernel.waiting.rules import Room

SQL = statements("lotse.kernel", "waiting")

MOST_PER_MINUTE = 60_000
PASS_MINUTES = (5, 120)
# A plan for later than this is a typing error.
_LATEST = timedelta(days=90)


class SaleInThePast(Refusal, status=422, title="A sale must open later than now"):
    opens_at: datetime


class DoorsAfterSale(Refusal, status=422, title="The doors must close before the sale opens"):
    """From `begins_at` on visitors wait for `opens_at`."""

    begins_at: datetime
    opens_at: datetime


class AlreadyOpen(Refusal, status=409, title="This room is open already; close it first"):
    """Another plan would take the places away from those who wait."""

    waiting: int


class Minute(Struct, frozen=True):
    """What happened in a minute; `waiting`, `rate` at its end, the others in all, `strain` at its highest."""

    minute: datetime
    waiting: int
    arrived: int
    admitted: int
    passed_over: int
    rate: float
    strain: float


async def open_room(
    tx: Transaction,
    *,
    room: str,
    begins_at: datetime,
    actor: str,
    at: datetime,
    opens_at: datetime | None = None,
) -> Room:
    """Let newcomers wait from `begins_at` on; until then who comes is given a pass.

    With `opens_at` it is a sale: nobody is admitted before, and those who came before are drawn by lot.
    Refusals: `SaleInThePast`, `DoorsAfterSale`, `Invalid`, `AlreadyOpen`.
    """
    if opens_at is not None and opens_at <= at:
        raise SaleInThePast(opens_at=opens_at)
    if opens_at is not None and begins_at > opens_at:
        raise DoorsAfterSale(begins_at=begins_at, opens_at=opens_at)
    if max(begins_at, opens_at or begins_at) > at + _LATEST:
        raise Invalid(field="opens_at", rule=f"within {_LATEST.days} days")
    before = await _locked(tx, room, at)
    if before.opening and rules.phase(before, at) != "armed":
        raise AlreadyOpen(waiting=before.waiting)
    if before.opening:  # a plan that has not begun: another one takes its place
        await tx.execute(SQL.end_opening, name=room, opening=before.opening, at=at)
    await tx.execute(SQL.set_mode, name=room, mode="open", begins_at=begins_at, opens_at=opens_at, at=at)
    rate = float(before.per_minute or rules.FIRST_PER_MINUTE)
    await tx.execute(SQL.begin_opening, name=room, at=at, gathering=opens_at is not None, rate=rate)
    return await _changed(tx, before, actor, at)


async def watch(tx: Transaction, *, room: str, actor: str, at: datetime) -> Room:
    """Let the room open and close itself by the strain of the shop. A line that stands goes on until it is empty.

    Refusal: `AlreadyOpen`, while visitors wait for a sale: they were told when it opens.
    """
    before = await _locked(tx, room, at)
    if rules.phase(before, at) == "gathering":
        raise AlreadyOpen(waiting=before.waiting)
    if before.opening and rules.phase(before, at) == "armed":
        await tx.execute(SQL.end_opening, name=room, opening=before.opening, at=at)
    await tx.execute(SQL.set_mode, name=room, mode="automatic", begins_at=None, opens_at=None, at=at)
    return await _changed(tx, before, actor, at)


async def close(tx: Transaction, *, room: str, actor: str, at: datetime) -> Room:
    """Let everybody in, now."""
    before = await _locked(tx, room, at)
    await tx.execute(SQL.end_opening, name=room, opening=before.opening, at=at)
    await tx.execute(SQL.set_mode, name=room, mode="closed", begins_at=None, opens_at=None, at=at)
    return await _changed(tx, before, actor, at)


async def set_limits(
    tx: Transaction,
    *,
    room: str,
    per_minute: int | None,
    most_per_minute: int,
    pass_minutes: int,
    actor: str,
    at: datetime,
) -> Room:
    """How many come in per minute (None: as the shop can take, up to `most_per_minute`), and how long a pass lasts.

    Refusal: `Invalid`.
    """
    for field, value in (("per_minute", per_minute), ("most_per_minute", most_per_minute)):
        if value is not None and not 1 <= value <= MOST_PER_MINUTE:
            raise Invalid(field=field, rule=f"1 to {MOST_PER_MINUTE}")
    if not PASS_MINUTES[0] <= pass_minutes <= PASS_MINUTES[1]:
        raise Invalid(field="pass_minutes", rule=f"{PASS_MINUTES[0]} to {PASS_MINUTES[1]}")
    before = await _locked(tx, room, at)
    await tx.execute(
        SQL.set_limits,
        name=room,
        per_minute=per_minute,
        most_per_minute=most_per_minute,
        pass_minutes=pass_minutes,
        at=at,
    )
    return await _changed(tx, before, actor, at)


async def room_of(conn: Connection, *, room: str) -> Room:
    """A room as it is; one that staff never touched is closed."""
    found = {row.name: row for row in await conn.many(SQL.rooms, Room)}
    return found.get(room) or Room(name=room)


async def minutes(conn: Connection, *, room: str, since: datetime) -> list[Minute]:
    """What happened per minute, the oldest first. Minutes in which the room was closed are absent."""
    return await conn.many(SQL.minutes, Minute, room=room, since=since)


async def _locked(tx: Transaction, room: str, at: datetime) -> Room:
    await tx.execute(SQL.make_room, name=room, at=at)
    return await tx.one(SQL.lock_room, Room, name=room)


async def _changed(tx: Transaction, before: Room, actor: str, at: datetime) -> Room:
    after = await tx.one(SQL.lock_room, Room, name=before.name)
    await audit.record(
        tx, actor=actor, subject=f"kernel.waiting:{before.name}", old=_decided(before), new=_decided(after), at=at
    )
    return after


def _decided(room: Room) -> dict[str, Any]:
    """What staff decide; where the line stands is no change that anybody made."""
    return {
        "mode": room.mode,
        "begins_at": room.begins_at,
        "opens_at": room.opens_at,
        "per_minute": room.per_minute,
        "most_per_minute": room.most_per_minute,
        "pass_minutes": room.pass_minutes,
    }
