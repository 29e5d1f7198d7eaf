"""Consumers: each event takes effect once; a failing one is tried, parked and retried without disturbing others."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
import structlog
from msgspec import Struct

from lotse.kernel import consumers, outbox, relay
from lotse.kernel.consumers import Place, Reactions
from lotse.kernel.db import Database, Transaction
from lotse.kernel.refusals import NotFound
from lotse.testing import Fresh

AT = datetime(2011, 6, 1, 12, tzinfo=UTC)


class Sold(Struct, frozen=True, tag="kernel_test.Sold"):
    """A fact of these tests."""

    version: ClassVar[int] = 1
    key: str
    number: int


class Ignored(Struct, frozen=True, tag="kernel_test.Ignored"):
    """A fact that no consumer of these tests reacts to."""

    version: ClassVar[int] = 1
    key: str


class Shelf:
    """A consumer that writes what it handles into kernel.audit, in the transaction that it is given."""

    def __init__(self, db: Database, name: str) -> None:
        self.db = db
        self.name = name
        self.reactions = Reactions()
        self.fails: Callable[[Sold], bool] = lambda _: False
        self.tries = 0
        self.reactions.reacts(Sold, consumer=name)(self._react)

    async def _react(self, tx: Transaction, event: Sold, *, at: datetime) -> None:
        self.tries += 1
        await tx.raw.execute(
            "insert into kernel.audit (id, subject, actor, new, recorded_at) values (uuidv7(), $1, 'test', $2, $3)",
            self.name,
            [event.key, event.number],
            at,
        )
        if self.fails(event):
            raise RuntimeError(f"cannot bear {event.number}")

    async def start_here(self) -> None:
        async with self.db.transaction() as tx:
            await relay.move_all(tx)
            await tx.execute(consumers.SQL.add_consumer, name=self.name)
            head = await tx.one(consumers.SQL.head, Place)
            await tx.execute(consumers.SQL.advance_consumer, name=self.name, position=head.position, id=head.id)

    async def emit(self, *events: Struct) -> None:
        async with self.db.transaction() as tx:
            await outbox.emit(tx, *events, at=AT)

    async def settle(self) -> int:
        return await consumers.settle(self.db, self.reactions)

    async def effects(self) -> list[tuple[str, int]]:
        async with self.db.reading() as conn:
            rows = await conn.raw.fetch("select new from kernel.audit where subject = $1 order by id", self.name)
            return [tuple(row["new"]) for row in rows]

    async def parked(self) -> list[tuple[int, bool]]:
        """Numbers of the parked events, and whether each has an error of its own."""
        async with self.db.reading() as conn:
            rows = await conn.raw.fetch(
                "select (e.payload->>'number')::int as number, p.error is not null as own from kernel.parked_events p"
                " join kernel.event_log e using (position) where p.consumer = $1 order by position",
                self.name,
            )
            return [(row["number"], row["own"]) for row in rows]

    async def position(self) -> int:
        async with self.db.reading() as conn:
            return await conn.raw.fetchval("select position from kernel.consumers where name = $1", self.name)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged; not rendered, since a traceback of each failure would take most of the time."""
    with structlog.testing.capture_logs() as entries:
        yield entries


@pytest.fixture
async def shelf(db: Database, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(consumers, "PAUSES_SECONDS", (0.0, 0.0))
    made = Shelf(db, fresh.text("shelf"))
    await made.start_here()
    return made


async def test_every_event_is_handled_once_in_order_with_its_time(shelf: Shelf):
    await shelf.emit(*(Sold("a", i) for i in range(500)))
    assert await shelf.settle() == 500
    assert await shelf.settle() == 0
    assert await shelf.effects() == [("a", i) for i in range(500)]
    async with shelf.db.reading() as conn:
        times = await conn.raw.fetch("select distinct recorded_at from kernel.audit where subject = $1", shelf.name)
    assert [row[0] for row in times] == [AT]


async def test_events_of_other_types_are_passed_over(shelf: Shelf):
    await shelf.emit(Ignored("x"), Sold("a", 1), Ignored("x"), Ignored("x"))
    assert await shelf.settle() == 1
    async with shelf.db.reading() as conn:
        assert await shelf.position() == (await conn.one(consumers.SQL.head, Place)).position


async def test_what_fails_for_good_is_parked_with_what_follows_in_its_key_and_others_go_on(
    shelf: Shelf, logs: list[MutableMapping[str, Any]]
):
    shelf.fails = lambda event: event.number == 2
    await shelf.emit(Sold("a", 1), Sold("a", 2), Sold("b", 3), Sold("a", 4), Sold("b", 5))
    assert await shelf.settle() == 5
    assert await shelf.effects() == [("a", 1), ("b", 3), ("b", 5)], "what a failed try wrote is gone"
    assert await shelf.parked() == [(2, True), (4, False)]
    async with shelf.db.reading() as conn:
        shown = await consumers.parked(conn, consumer=shelf.name)
    assert [(one.key, one.error, one.attempts) for one in shown] == [
        ("a", "RuntimeError: cannot bear 2", 3),
        ("a", None, 0),
    ]
    assert [(log["type"], log["attempts"]) for log in logs if log["event"] == "event parked"] == [
        ("kernel_test.Sold", 3)
    ]
    # A later batch remembers it.
    await shelf.emit(Sold("a", 6), Sold("c", 7))
    await shelf.settle()
    assert await shelf.parked() == [(2, True), (4, False), (6, False)]
    assert (await shelf.effects())[-1] == ("c", 7)

    # Still broken: nothing overtakes it.
    assert await consumers.retry(shelf.db, shelf.name, at=AT, reactions=shelf.reactions) == (0, 1)
    assert await shelf.parked() == [(2, True), (4, False), (6, False)]
    # Mended: in order.
    shelf.fails = lambda _: False
    assert await consumers.retry(shelf.db, shelf.name, at=AT, reactions=shelf.reactions) == (3, 0)
    assert await shelf.parked() == []
    assert [number for key, number in await shelf.effects() if key == "a"] == [1, 2, 4, 6]


async def test_what_fails_once_is_tried_again_and_not_parked(shelf: Shelf):
    failures = iter([True])
    shelf.fails = lambda event: event.number == 2 and next(failures, False)
    await shelf.emit(Sold("a", 1), Sold("a", 2), Sold("a", 3))
    await shelf.settle()
    assert await shelf.effects() == [("a", 1), ("a", 2), ("a", 3)]
    assert await shelf.parked() == []


async def test_what_fails_at_commit_is_parked_too(shelf: Shelf, db: Database):
    async with db.transaction() as tx:
        await tx.raw.execute(
            "create table if not exists kernel.test_late (n int, unique (n) deferrable initially deferred)"
        )

    @shelf.reactions.reacts(Sold, consumer=shelf.name)
    async def late(tx: Transaction, event: Sold) -> None:
        await tx.raw.execute(
            "insert into kernel.test_late select $1 from generate_series(1, $2)", event.number, event.number
        )

    try:
        await shelf.emit(Sold("a", 1), Sold("b", 2), Sold("c", 0))
        await shelf.settle()
        assert await shelf.parked() == [(2, True)]
        assert await shelf.effects() == [("a", 1), ("c", 0)]
    finally:
        async with db.transaction() as tx:
            await tx.raw.execute("drop table kernel.test_late")


async def test_replay_repeats_from_a_position_and_forgets_what_was_parked_there(shelf: Shelf):
    shelf.fails = lambda event: event.number == 3
    await shelf.emit(Sold("a", 1), Sold("b", 2), Sold("a", 3))
    await shelf.settle()
    assert await shelf.parked() == [(3, True)]
    shelf.fails = lambda _: False
    async with shelf.db.reading() as conn:
        first = await conn.raw.fetchval(
            "select position from kernel.event_log where payload->>'number' = '2' and type = 'kernel_test.Sold'"
            " order by position desc limit 1"
        )
    moved = await consumers.replay(shelf.db, shelf.name, position=first)
    assert moved.position == first - 1
    await shelf.settle()
    assert await shelf.parked() == []
    assert await shelf.effects() == [("a", 1), ("b", 2), ("b", 2), ("a", 3)]


async def test_replay_and_retry_refuse_what_does_not_exist(shelf: Shelf):
    with pytest.raises(NotFound, match="consumer"):
        await consumers.replay(shelf.db, "nobody", position=1)
    with pytest.raises(NotFound, match="position"):
        await consumers.replay(shelf.db, shelf.name, position=2**40)
    with pytest.raises(NotFound, match="position"):
        await consumers.replay(shelf.db, shelf.name, position=0)
    with pytest.raises(NotFound, match="consumer"):
        await consumers.retry(shelf.db, "nobody", at=AT, reactions=shelf.reactions)


async def test_two_processes_share_the_consumers_and_a_replay_is_noticed(shelf: Shelf):
    """One holds, the other stands by; `replay` reaches the holder although no event comes."""
    seen: asyncio.Queue[int] = asyncio.Queue()

    @shelf.reactions.reacts(Sold, consumer=shelf.name)
    async def tell(tx: Transaction, event: Sold) -> None:
        seen.put_nowait(event.number)

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group, asyncio.timeout(20):
        group.create_task(relay.run(shelf.db, stop))
        for _ in range(2):
            group.create_task(consumers.run(shelf.db, stop, shelf.reactions))
        await shelf.emit(Sold("a", 1), Sold("a", 2))
        assert [await seen.get(), await seen.get()] == [1, 2]
        async with shelf.db.reading() as conn:
            holders = await conn.raw.fetchval(
                "select count(*) from pg_locks where locktype = 'advisory' and granted"
                " and objid = ((hashtext($1)::bigint + 4294967296) % 4294967296)::oid",
                shelf.name,
            )
            head = await conn.one(consumers.SQL.head, Place)
        assert holders == 1
        # It waits for the transaction that handles the two.
        await consumers.replay(shelf.db, shelf.name, position=head.position)
        assert await seen.get() == 2
        stop.set()
    assert seen.empty()


async def test_a_consumer_moved_behind_its_back_handles_nothing_twice(shelf: Shelf):
    """Two holders of one consumer: the second one's transaction finds that the position is not where it left it."""
    async with asyncio.TaskGroup() as group:
        await shelf.emit(*(Sold("a", i) for i in range(300)))
        for _ in range(3):
            group.create_task(shelf.settle())
    assert await shelf.effects() == [("a", i) for i in range(300)]
