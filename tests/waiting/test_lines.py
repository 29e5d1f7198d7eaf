"""The line in the database: numbers, admission, who left and came back, lots, restart."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import psycopg
import pytest

from lotse.kernel import audit
from lotse.kernel.db import Database
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements
from lotse.kernel.waiting import commands, rules
from lotse.kernel.waiting.places import Place, Places
from lotse.kernel.waiting.rooms import SQL, NoLine, Rooms, Seen, TooManyArrive, tick
from lotse.kernel.waiting.rules import Room
from lotse.testing import Fresh

AT = datetime(2026, 11, 27, 8, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def rooms_of(db: Database, seen: Seen = Seen()) -> Rooms:  # noqa: B008 - a constant
    return Rooms(db, Places(b"k" * 32), lambda: seen)


@pytest.fixture
async def name(db: Database, fresh: Fresh):
    """A room of its own, closed again afterwards: rooms that stay open are ticked by every test's `look`."""
    name = fresh.text()
    yield name
    async with db.transaction() as tx:
        await commands.close(tx, room=name, actor="system", at=AT)


async def opened(db: Database, name: str, *, per_minute: int | None = 60, opens_at: datetime | None = None) -> Room:
    async with db.transaction() as tx:
        await commands.set_limits(
            tx, room=name, per_minute=per_minute, most_per_minute=6000, pass_minutes=20, actor="system", at=AT
        )
        return await commands.open_room(tx, room=name, begins_at=AT, opens_at=opens_at, actor="staff:1", at=AT)


async def now(db: Database, name: str) -> Room:
    async with db.reading() as conn:
        return await commands.room_of(conn, room=name)


async def ticked(db: Database, name: str, at: datetime) -> Room:
    async with db.transaction() as tx:
        moved = await tick(tx, name, at)
    assert moved
    return moved.room


async def seen(db: Database, places: Iterable[Place], at: datetime) -> None:
    async with db.reading() as conn:
        await conn.raw.execute(
            "update kernel.waiting_tickets set seen_at = $2 where id = any ($1)", [p.id for p in places], at
        )


async def taken(rooms: Rooms, room: Room, count: int) -> list[Place]:
    return list(await asyncio.gather(*(rooms.take(room) for _ in range(count))))


async def test_numbers_are_dense_and_in_the_order_of_arrival(db: Database, name: str) -> None:
    room = await opened(db, name)
    rooms = rooms_of(db)
    first = await taken(rooms, room, 5)
    second = await taken(rooms, room, 5)
    assert [place.number for place in first + second] == list(range(1, 11))
    assert (await now(db, name)).last_number == 10


async def test_two_hundred_at_once_through_two_processes(db: Database, name: str) -> None:
    room = await opened(db, name)
    doors = rooms_of(db), rooms_of(db)
    places = await asyncio.gather(*(doors[number % 2].take(room) for number in range(200)))
    assert sorted(place.number for place in places) == list(range(1, 201))
    for door in (0, 1):
        mine = [place.number for place in places[door::2]]
        assert mine == sorted(mine)


async def test_without_the_lock_two_visitors_would_get_one_number(db: Database, name: str) -> None:
    """The control: numbers counted from what is there, as a first idea would have it."""
    room = await opened(db, name)
    counted = "select coalesce(max(number), 0) + 1 from kernel.waiting_tickets where opening = $1"
    async with db.reading() as one, db.reading() as other, one.raw.transaction(), other.raw.transaction():
        numbers = [await conn.raw.fetchval(counted, room.opening) for conn in (one, other)]
    assert numbers[0] == numbers[1]


async def test_admission_is_by_number_and_at_the_rate(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=120)
    rooms = rooms_of(db)
    places = await taken(rooms, room, 10)
    await seen(db, places, AT)
    for second in range(1, 4):
        room = await ticked(db, name, AT + second * SECOND)
        assert room.mark == 2 * second
    for place in places[:6]:
        found = await rooms.claim(room, place, AT + 3 * SECOND)
        assert found and found.kind == "pass" and found.until == int((AT + 3 * SECOND).timestamp()) + 20 * 60
    for place in places[6:]:
        found = await rooms.claim(room, place, AT + 3 * SECOND)
        assert found and found.kind == "ticket" and found.number == place.number


async def test_a_line_moves_once_a_second_however_many_doors_tick(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=60)
    await seen(db, await taken(rooms_of(db), room, 10), AT)

    async def one(at: datetime) -> bool:
        async with db.transaction() as tx:
            return await tick(tx, name, at) is not None

    for second in range(1, 4):
        assert sum(await asyncio.gather(*(one(AT + second * SECOND) for _ in range(4)))) == 1
    assert (await now(db, name)).mark == 3


async def test_who_left_is_passed_over_and_comes_back_at_his_place(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=60)
    rooms = rooms_of(db)
    places = await taken(rooms, room, 6)
    late = AT + 2 * rules.AWAY_AFTER
    gone, here = places[:3], places[3:]
    await seen(db, gone, AT)
    await seen(db, here, late)
    room = await ticked(db, name, late)
    assert room.mark == 4  # three passed over, one admitted
    found = await rooms.claim(room, gone[1], late + SECOND)  # he is back
    assert found and found.kind == "ticket" and found.number == 2
    room = await ticked(db, name, late + SECOND)
    assert room.mark == 4  # the place went to him, not to number 5
    found = await rooms.claim(room, gone[1], late + SECOND)
    assert found and found.kind == "pass"
    room = await ticked(db, name, late + 2 * SECOND)
    assert room.mark == 5


async def test_a_ticket_gives_one_pass_and_no_second(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=60)
    rooms = rooms_of(db)
    [place] = await taken(rooms, room, 1)
    await seen(db, [place], AT)
    room = await ticked(db, name, AT + SECOND)
    first = await rooms.claim(room, place, AT + SECOND)
    other_tab = await rooms.claim(room, place, AT + 60 * SECOND)
    assert first and other_tab and (first.id, first.until) == (other_tab.id, other_tab.until)
    assert await rooms.claim(room, place, AT + timedelta(minutes=21)) is None


async def test_a_ticket_of_another_line_is_worth_nothing(db: Database, name: str) -> None:
    room = await opened(db, name)
    rooms = rooms_of(db)
    [place] = await taken(rooms, room, 1)
    async with db.transaction() as tx:
        await commands.close(tx, room=name, actor="staff:1", at=AT)
    again = await opened(db, name)
    assert again.opening != room.opening
    assert await rooms.claim(again, place, AT) is None
    with pytest.raises(NoLine):
        await rooms.take(room)


async def test_places_survive_the_processes(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=60)
    places = await taken(rooms_of(db), room, 3)
    rooms = rooms_of(db)  # another process, which has never heard of them
    await rooms.look(AT)
    later = rooms.room(name)
    assert later and later.last_number == 3
    found = await rooms.claim(later, places[2], AT)
    assert found and found.number == 3
    assert (await taken(rooms, later, 1))[0].number == 4


async def test_a_sale_draws_lots_among_those_who_came_before(db: Database, name: str) -> None:
    opens = AT + timedelta(minutes=30)
    room = await opened(db, name, opens_at=opens)
    rooms = rooms_of(db)
    early = await taken(rooms, room, 300)
    assert {place.number for place in early} == {0}
    room = await ticked(db, name, opens - SECOND)
    assert (room.mark, room.gathering, room.waiting) == (0, True, 300)
    found = await rooms.claim(room, early[0], AT)
    assert found and (found.kind, found.number) == ("ticket", 0)
    async with db.reading() as conn:
        await conn.raw.execute("update kernel.waiting_tickets set taken_at = $2, seen_at = $3 where opening = $1",
                               room.opening, opens - SECOND, opens)  # fmt: skip
    between = await taken(rooms, room, 2)  # a moment too late, and nobody has drawn yet
    async with db.reading() as conn:
        await conn.raw.execute("update kernel.waiting_tickets set taken_at = $2 where id = any ($1)",
                               [place.id for place in between], opens)  # fmt: skip
    room = await ticked(db, name, opens)
    after = await taken(rooms, room, 3)
    assert [place.number for place in after] == [303, 304, 305]
    async with db.reading() as conn:
        rows = await conn.raw.fetch("select id, number from kernel.waiting_tickets where opening = $1", room.opening)
        seed = await conn.raw.fetchval("select seed from kernel.waiting_openings where id = $1", room.opening)
    numbers = {row["id"]: row["number"] for row in rows}
    assert sorted(numbers.values()) == list(range(1, 306))
    assert [numbers[place.id] for place in between] == [301, 302]
    # Anybody can do the drawing again, and it is not the order of arrival.
    by_lot = sorted(early, key=lambda place: sha256(place.id.bytes + seed).digest())
    assert [numbers[place.id] for place in by_lot] == list(range(1, 301))
    assert [numbers[place.id] for place in early] != list(range(1, 301))


async def test_nobody_is_lost_who_arrives_while_lots_are_drawn(db: Database, name: str) -> None:
    opens = AT + timedelta(minutes=30)
    room = await opened(db, name, opens_at=opens)
    rooms = rooms_of(db)
    await taken(rooms, room, 100)
    arriving = [asyncio.create_task(rooms.take(room)) for _ in range(50)]
    async with db.transaction() as tx:
        assert await tick(tx, name, opens)
        arriving += [asyncio.create_task(rooms.take(room)) for _ in range(50)]
        await asyncio.sleep(0)
    await asyncio.gather(*arriving)
    async with db.reading() as conn:
        numbers = await conn.raw.fetch("select number from kernel.waiting_tickets where opening = $1", room.opening)
    assert sorted(row["number"] for row in numbers) == list(range(1, 201))


async def test_a_room_opens_and_closes_itself(db: Database, name: str) -> None:
    async with db.transaction() as tx:
        await commands.watch(tx, room=name, actor="staff:1", at=AT)
    async with db.reading() as conn:
        report = (
            "insert into kernel.waiting_loads values ($1, $2, $3, 10)"
            " on conflict (reporter) do update set at = $2, strain = $3"
        )
        at, room = AT, await now(db, name)
        for _ in range(rules.OPENS_AFTER_SECONDS):
            assert not (await now(db, name)).opening
            at += SECOND
            await conn.raw.execute(report, name, at, 1.5)
            room = await ticked(db, name, at)
        assert rules.phase(room, at) == "open"
        assert room.rate == pytest.approx(10 * 60 * rules.CUT)
        for _ in range(rules.CLOSES_AFTER_SECONDS):
            assert (await now(db, name)).opening
            at += SECOND
            await conn.raw.execute(report, name, at, 0.1)
            room = await ticked(db, name, at)
        assert not room.opening and rules.phase(room, at) == "armed"
        await conn.raw.execute("delete from kernel.waiting_loads where reporter = $1", name)


async def test_more_arrivals_than_a_process_holds_are_refused_by_name(
    db: Database, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lotse.kernel.waiting import rooms as module

    monkeypatch.setattr(module, "MOST_TAKING", 3)
    room = await opened(db, name)
    rooms = rooms_of(db)
    outcomes = await asyncio.gather(*(rooms.take(room) for _ in range(5)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Place, Place, Place, TooManyArrive, TooManyArrive]


# -- commands


@pytest.mark.parametrize(
    ("begins", "opens", "refusal"),
    [
        (timedelta(), timedelta(), commands.SaleInThePast),
        (timedelta(hours=2), timedelta(hours=1), commands.DoorsAfterSale),
        (timedelta(days=91), None, Invalid),
        (timedelta(), timedelta(days=91), Invalid),
        (timedelta(), None, None),
        (timedelta(), timedelta(hours=1), None),
    ],
)
async def test_opening_a_room(
    db: Database, name: str, begins: timedelta, opens: timedelta | None, refusal: type[Refusal] | None
) -> None:
    async def run() -> Room:
        async with db.transaction() as tx:
            return await commands.open_room(
                tx, room=name, begins_at=AT + begins, opens_at=None if opens is None else AT + opens,
                actor="staff:1", at=AT,
            )  # fmt: skip

    if refusal:
        with pytest.raises(refusal):
            await run()
        return
    room = await run()
    assert room.opening and room.gathering is (opens is not None)
    with pytest.raises(commands.AlreadyOpen):
        await run()
    async with db.reading() as conn:
        [change] = await audit.history(conn, subject=f"kernel.waiting:{name}")
    assert (change.actor, change.old["mode"], change.new["mode"]) == ("staff:1", "closed", "open")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"per_minute": 0}, "per_minute"),
        ({"most_per_minute": 60_001}, "most_per_minute"),
        ({"pass_minutes": 4}, "pass_minutes"),
    ],
)
async def test_limits_that_make_no_sense_are_refused(
    db: Database, name: str, change: dict[str, int], field: str
) -> None:
    given = {"per_minute": None, "most_per_minute": 100, "pass_minutes": 20} | change
    async with db.transaction() as tx:
        with pytest.raises(Invalid) as refused:
            await commands.set_limits(tx, room=name, **given, actor="staff:1", at=AT)  # type: ignore[arg-type]
    assert refused.value.field == field


async def test_a_plan_can_be_changed_until_it_begins(db: Database, name: str) -> None:
    later = AT + timedelta(hours=1)
    async with db.transaction() as tx:
        first = await commands.open_room(tx, room=name, begins_at=later, actor="staff:1", at=AT)
        second = await commands.open_room(tx, room=name, begins_at=later, opens_at=later, actor="staff:1", at=AT)
    assert second.opening != first.opening and second.gathering
    async with db.transaction() as tx:
        with pytest.raises(commands.AlreadyOpen):
            await commands.watch(tx, room=name, actor="staff:1", at=later)


async def test_the_check_finds_a_line_that_does_not_add_up(db: Database, name: str) -> None:
    room = await opened(db, name, per_minute=60)
    places = await taken(rooms_of(db), room, 3)
    await seen(db, places, AT)
    await ticked(db, name, AT + SECOND)
    checked = statements("lotse.kernel", "reads").check_waiting_lines.sql
    broken = [
        "delete from kernel.waiting_tickets where opening = $1 and number = 3",
        "update kernel.waiting_tickets set state = 'admitted', admitted_at = now() where opening = $1 and number = 2",
    ]
    async with db.reading() as conn:
        subject = f"waiting line {room.opening}"
        assert subject not in {row["subject"] for row in await conn.raw.fetch(checked)}
        for statement in broken:
            transaction = conn.raw.transaction()
            await transaction.start()
            await conn.raw.execute(statement, room.opening)
            assert subject in {row["subject"] for row in await conn.raw.fetch(checked)}
            await transaction.rollback()


# -- plans


@pytest.mark.parametrize(
    "statement", ["take", "touch", "claim", "admit", "begin_tick", "report", "note_minute", "minutes"]
)
def test_what_runs_while_visitors_wait_uses_its_indexes(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off")
        sql: str = getattr(SQL, statement).sql
        plan = "\n".join(row[0] for row in connection.execute(f"explain (generic_plan) {sql}".encode()))
    assert "Seq Scan" not in plan, plan
    # Nothing is counted over the line: what is read of it is bounded by `look`.
    assert statement != "admit" or "waiting_tickets_head" in plan, plan
