"""Outbox, relay and log: nothing is lost, nothing comes twice, the order within a key holds.

The control is the reader that most systems have: it remembers the greatest id it has seen and asks for greater ones.
"""

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from lotse.kernel import consumers, outbox, relay
from lotse.kernel.db import Connection, Database, Transaction, opened
from lotse.testing import Fresh

AT = datetime(2011, 6, 1, 12, tzinfo=UTC)


class Noted(Struct, frozen=True, tag="kernel_test.Noted"):
    """A fact of these tests."""

    version: ClassVar[int] = 1
    key: str
    number: int


class NaiveReader:
    """The control: `id > cursor`."""

    def __init__(self) -> None:
        self.cursor = 0
        self.seen: list[int] = []

    async def read(self, conn: Connection) -> None:
        rows = await conn.raw.fetch(
            "select id, payload->>'number' as number from kernel.outbox where id > $1 order by id", self.cursor
        )
        for row in rows:
            self.cursor = row["id"]
            self.seen.append(int(row["number"]))


async def logged(conn: Connection, prefix: str) -> list[tuple[str, int]]:
    """Keys (that begin with `prefix`) and numbers in the log's order."""
    rows = await conn.raw.fetch(
        "select key, (payload->>'number')::int as number from kernel.event_log"
        " where key like $1 || '%' order by position",
        prefix,
    )
    return [(row["key"], row["number"]) for row in rows]


async def test_naive_reader_loses_what_commits_late_and_the_relay_does_not(db: Database, fresh: Fresh):
    naive, name = NaiveReader(), fresh.text()
    async with db.reading() as watch:
        await relay.move_all(watch)
        async with db.transaction() as late:
            await outbox.emit(late, Noted(f"{name}-late", 1), at=AT)
            async with db.transaction() as early:
                await outbox.emit(early, Noted(f"{name}-early", 2), at=AT)
            # The greater id is committed, the smaller one is not.
            await naive.read(watch)
            await relay.move_all(watch)
        await naive.read(watch)
        await relay.move_all(watch)

        assert naive.seen == [2], "the control must lose the late one, or this test proves nothing"
        assert await logged(watch, name) == [(f"{name}-early", 2), (f"{name}-late", 1)]


# One step of an interleaving: a transaction (of four) emits for a key (of three) or ends, or the relay moves a batch.
steps = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.integers(0, 3), st.integers(0, 2)),
        st.tuples(st.sampled_from(("commit", "rollback")), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("move"), st.integers(1, 3), st.just(0)),
    ),
    max_size=30,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps)
async def test_any_interleaving_keeps_every_event_once_and_in_its_keys_order(
    dsn: str, fresh: Fresh, steps: list[tuple[str, int, int]]
):
    name = fresh.text()
    async with opened(dsn, connections=5) as database, database.reading() as watch:
        open_now: dict[int, tuple[Any, Transaction, list[tuple[str, int]]]] = {}
        holder: dict[str, int] = {}
        committed: dict[str, list[int]] = defaultdict(list)
        number = 0

        async def end(which: int, how: str) -> None:
            context, _, written = open_now.pop(which)
            await context.__aexit__(*((None, None, None) if how == "commit" else (Aborted, Aborted(), None)))
            for key in [key for key, by in holder.items() if by == which]:
                del holder[key]
            if how == "commit":
                for key, value in written:
                    committed[key].append(value)

        for kind, which, of_key in steps:
            if kind == "move":
                await relay.move(watch, limit=which)
            elif kind == "emit":
                key = f"{name}-{of_key}"
                if holder.get(key, which) != which:
                    continue  # it would wait for the row's lock, which is what keeps the order
                if which not in open_now:
                    context = database.transaction()
                    open_now[which] = (context, await context.__aenter__(), [])
                _, tx, written = open_now[which]
                await tx.raw.execute("select pg_advisory_xact_lock(hashtext($1))", key)  # stands for the key's row
                holder[key] = which
                number += 1
                await outbox.emit(tx, Noted(key, number), at=AT)
                written.append((key, number))
            elif which in open_now:
                await end(which, kind)
        for which in list(open_now):
            await end(which, "commit")
        await relay.move_all(watch)

        found: dict[str, list[int]] = defaultdict(list)
        for key, value in await logged(watch, name):
            found[key].append(value)
        assert found == committed
        assert await gaps(watch) == 0


class Aborted(Exception):
    """Makes a transaction roll back."""


async def gaps(conn: Connection) -> int:
    """How many positions are missing, doubled, or have an id that does not rise."""
    return await conn.raw.fetchval(
        """
        select count(*) filter (where position <> number or id <= before) + abs(max(number) - min(position_of_head))
          from (select position, id, row_number() over (order by position) as number,
                       lag(id) over (order by position) as before,
                       (select position from kernel.event_head) as position_of_head
                  from kernel.event_log) log
        """
    )


async def test_concurrent_writers_reach_the_consumer_once_and_in_order(db: Database, fresh: Fresh):
    """The real thing at once: writers that contend for keys, a relay, a consumer. A failure prints the seed."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    rng, name = random.Random(seed), fresh.text()
    keys = [f"{name}-{i}" for i in range(5)]
    reactions, got = consumers.Reactions(), list[tuple[str, int]]()
    done = asyncio.Event()
    writers, per_writer = 4, 25

    @reactions.reacts(Noted, consumer=name)
    async def note(tx: Transaction, event: Noted) -> None:
        got.append((event.key, event.number))
        if len(got) == writers * per_writer:
            done.set()

    await start_here(db, name)
    committed: dict[str, list[int]] = defaultdict(list)

    async def write(writer: int) -> None:
        for i in range(per_writer):
            key = rng.choice(keys)
            async with db.transaction() as tx:
                await tx.raw.execute("select pg_advisory_xact_lock(hashtext($1))", key)
                await outbox.emit(tx, Noted(key, writer * 1000 + i), at=AT)
                for _ in range(rng.randrange(3)):
                    await tx.raw.execute("select 1")  # lets others in between
                # Under the key's lock, so this is the order of the commits.
                committed[key].append(writer * 1000 + i)

    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(relay.run(db, stop))
        group.create_task(consumers.run(db, stop, reactions))
        await asyncio.gather(*(write(i) for i in range(writers)))
        async with asyncio.timeout(20):
            await done.wait()
        stop.set()
    assert {key: [n for k, n in got if k == key] for key in committed} == committed


async def start_here(db: Database, name: str) -> None:
    """A consumer of this name that begins with the next event."""
    async with db.transaction() as tx:
        await relay.move_all(tx)
        await tx.execute(consumers.SQL.add_consumer, name=name)
        head = await tx.one(consumers.SQL.head, consumers.Place)
        await tx.execute(consumers.SQL.advance_consumer, name=name, position=head.position, id=head.id)


async def test_two_relays_at_once_give_each_position_once(db: Database, fresh: Fresh):
    """A relay that lost its lock without noticing, and its successor."""
    name = fresh.text()
    async with db.reading() as one, db.reading() as two:
        await relay.move_all(one)
        async with db.transaction() as tx:
            await outbox.emit(tx, *(Noted(name, i) for i in range(30)), at=AT)
        async with one.raw.transaction():
            await relay.move(one, limit=10)
            other = asyncio.create_task(relay.move(two, limit=20))
            await blocked(db, two)
        first_try = await other
        await relay.move_all(two)
        assert first_try.events <= 20
        assert await logged(one, name) == [(name, i) for i in range(30)]
        assert await gaps(one) == 0


async def blocked(db: Database, conn: Connection) -> None:
    """Wait until what runs on this connection waits for a lock of another's."""
    pid = conn.raw.get_server_pid()
    async with db.reading() as watch, asyncio.timeout(10):
        while not await watch.raw.fetchval("select cardinality(pg_blocking_pids($1)) > 0", pid):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_the_relay_notifies_with_the_types_of_the_batch(db: Database, fresh: Fresh):
    heard: asyncio.Queue[str] = asyncio.Queue()

    def hear(connection: object, pid: int, channel: str, payload: object) -> None:
        heard.put_nowait(str(payload))

    async with db.reading() as conn:
        await relay.move_all(conn)
        raw: Any = conn.raw
        await raw.add_listener(relay.CHANNEL, hear)
        try:
            assert (await relay.move(conn)).events == 0
            async with db.transaction() as tx:
                await outbox.emit(tx, Noted(fresh.text(), 1), Noted(fresh.text(), 2), at=AT)
            assert heard.empty(), "a business transaction notifies nobody"
            await relay.move(conn)
            async with asyncio.timeout(5):
                assert await heard.get() == "kernel_test.Noted"
        finally:
            await raw.remove_listener(relay.CHANNEL, hear)


class NoTag(Struct, frozen=True):
    version: ClassVar[int] = 1
    key: str = "k"


class NoVersion(Struct, frozen=True, tag="kernel_test.NoVersion"):
    key: str = "k"


class VersionField(Struct, frozen=True, tag="kernel_test.VersionField"):
    key: str = "k"
    version: int = 1


class OddTag(Struct, frozen=True, tag="placed"):
    version: ClassVar[int] = 1
    key: str = "k"


class NoKey(Struct, frozen=True, tag="kernel_test.NoKey"):
    version: ClassVar[int] = 1


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        (NoTag(), "needs a tag"),
        (OddTag(), "needs a tag"),
        (NoVersion(), "needs `version"),
        (VersionField(), "needs `version"),
        (NoKey(), "has no key"),
        (Noted("", 1), "has no key"),
    ],
)
def test_what_is_no_event_is_refused_before_it_spoils_a_transaction(event: Struct, complaint: str):
    with pytest.raises(TypeError, match=complaint):
        outbox.encode(event, AT)


def test_an_event_is_encoded_with_its_name_version_and_key():
    row = outbox.encode(Noted("k", 7), AT)
    assert (row.type, row.version, row.key, row.occurred_at) == ("kernel_test.Noted", 1, "k", AT)
    assert outbox.decode(Noted, row.payload) == Noted("k", 7)
    assert outbox.encode(NoKey(), AT, key="given").key == "given"


def test_newer_and_older_versions_are_read():
    class Later(Struct, frozen=True, tag="kernel_test.Noted"):
        key: str
        number: int
        colour: str = "not told"

    assert outbox.decode(Noted, '{"type":"kernel_test.Noted","key":"k","number":1,"colour":"blue"}') == Noted("k", 1)
    assert outbox.decode(Later, outbox.encode(Noted("k", 1), AT).payload).colour == "not told"
