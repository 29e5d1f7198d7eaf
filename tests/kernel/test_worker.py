"""The worker role as a whole: an event becomes a reaction, the reaction a job; a stop leaves nothing half done."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from msgspec import Struct

from lotse.kernel import consumers, jobs, locks, outbox, relay, worker
from lotse.kernel.consumers import Reactions
from lotse.kernel.db import Database, Transaction
from lotse.kernel.settings import Settings
from lotse.testing import Fresh

AT = datetime(2011, 6, 1, 12, tzinfo=UTC)


class Shipped(Struct, frozen=True, tag="kernel_test.Shipped"):
    """A fact of these tests."""

    version: ClassVar[int] = 1
    key: str


class Mail(Struct, frozen=True):
    """What the job of these tests takes."""

    key: str


@pytest.fixture
async def mailed(db: Database, fresh: Fresh, monkeypatch: pytest.MonkeyPatch) -> asyncio.Queue[str]:
    """The keys for which a job was run that a reaction had enqueued."""
    name, mailed, reactions = fresh.text("worker"), asyncio.Queue[str](), Reactions()

    async def mail(database: Database, wanted: Mail, *, at: datetime) -> None:
        mailed.put_nowait(wanted.key)

    job = jobs.Job(f"test.mail_{fresh.number()}", mail, payload=Mail)

    @reactions.reacts(Shipped, consumer=name)
    async def tell(tx: Transaction, event: Shipped) -> None:
        await jobs.enqueue(tx, job, Mail(event.key))

    async with db.transaction() as tx:
        await relay.move_all(tx)
        await tx.execute(consumers.SQL.add_consumer, name=name)
        head = await tx.one(consumers.SQL.head, consumers.Place)
        await tx.execute(consumers.SQL.advance_consumer, name=name, position=head.position, id=head.id)
    monkeypatch.setattr(consumers, "installed", lambda: reactions)
    monkeypatch.setattr(jobs, "installed", lambda: {job.name: job})
    return mailed


async def test_an_event_becomes_a_job_and_a_stop_is_graceful(
    settings: Settings, dsn: str, db: Database, mailed: asyncio.Queue[str], fresh: Fresh
):
    stop = asyncio.Event()
    before = await _backends(db)  # the desk of other tests lives for the session
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(worker.run(settings, dsn, stop))
        for key in ("first", "second"):
            async with db.transaction() as tx:
                await outbox.emit(tx, Shipped(key), at=AT)
            assert await mailed.get() == key
        stop.set()
    # The server ends a backend a moment after its client has gone.
    async with asyncio.timeout(10):
        while await _backends(db) > before:
            pass
    assert mailed.empty()


async def _backends(db: Database) -> int:
    async with db.reading() as conn:
        return await conn.raw.fetchval(
            "select count(*) from pg_stat_activity"
            " where application_name like 'lotse %' and datname = current_database()"
        )


async def test_a_part_that_fails_ends_the_worker_in_order(
    settings: Settings, dsn: str, mailed: asyncio.Queue[str], monkeypatch: pytest.MonkeyPatch
):
    async def broken(database: Database, stop: asyncio.Event) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(relay, "run", broken)
    async with asyncio.timeout(30):
        with pytest.raises(ZeroDivisionError):
            await worker.run(settings, dsn, asyncio.Event())


async def test_an_event_reaches_the_log_soon(db: Database, fresh: Fresh):
    """Light load: the relay looks for itself, nobody notifies it. Generous, for a machine that is busy with others."""
    heard, stop, waits = asyncio.Event(), asyncio.Event(), list[float]()

    def hear(connection: object, pid: int, channel: str, payload: object) -> None:
        heard.set()

    async with asyncio.timeout(30), asyncio.TaskGroup() as group, locks.session(db, "test") as conn:
        raw: Any = conn.raw
        await raw.add_listener(relay.CHANNEL, hear)
        group.create_task(relay.run(db, stop))
        for _ in range(11):
            heard.clear()
            async with db.transaction() as tx:
                await outbox.emit(tx, Shipped(fresh.text()), at=AT)
            begin = time.perf_counter()
            await heard.wait()
            waits.append(time.perf_counter() - begin)
        stop.set()
    print("ms:", [round(seconds * 1000) for seconds in waits])
    assert sorted(waits)[5] < 0.25, waits
