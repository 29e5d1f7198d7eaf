"""Jobs: enqueued with their transaction, retried, put aside, taken over from the dead; the timetable ticks once."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import pytest
from msgspec import Struct
from pgqueuer.adapters.persistence import qb

from lotse.kernel import housekeeping, jobs
from lotse.kernel.db import Database, opened
from lotse.kernel.jobs import Job
from lotse.testing import Fresh

# How long a worker may be silent, and how often it looks for itself.
SHORT = timedelta(seconds=1)
AT = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)


class Wanted(Struct, frozen=True):
    """What these tests enqueue."""

    number: int


class Board:
    """A job that notes its payloads, and does as it is told."""

    def __init__(self, name: str, *, tries: int, limit_seconds: float = 60) -> None:
        self.done: asyncio.Queue[int] = asyncio.Queue()
        self.begun: asyncio.Queue[int] = asyncio.Queue()
        self.failures: list[int] = []
        self.hold: asyncio.Event | None = None
        self.job = Job(
            f"test.{name}", self._note, payload=Wanted, pause=timedelta(0), tries=tries, limit_seconds=limit_seconds
        )

    async def _note(self, database: Database, wanted: Wanted, *, at: datetime) -> None:
        self.begun.put_nowait(wanted.number)
        if self.hold:
            await self.hold.wait()
        if wanted.number in self.failures:
            self.failures.remove(wanted.number)
            raise RuntimeError(f"cannot do {wanted.number}")
        self.done.put_nowait(wanted.number)


class Worker:
    """A worker's jobs for the length of a block."""

    def __init__(self, database: Database, *known: Job) -> None:
        self._database = database
        self._known = known
        self.stop = asyncio.Event()

    async def __aenter__(self) -> "Worker":
        self.task = asyncio.create_task(jobs.run(self._database, self.stop, self._known, lease=SHORT))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        async with asyncio.timeout(20):
            await self.task


@pytest.fixture
def board(fresh: Fresh) -> Board:
    return Board(f"note_{fresh.number()}", tries=3)


async def state(db: Database, job: Job) -> list[str]:
    async with db.reading() as conn:
        rows = await conn.raw.fetch(
            "select status::text from pgqueuer.pgqueuer where entrypoint = $1 order by id", job.name
        )
        return [row[0] for row in rows]


async def test_a_job_exists_if_and_only_if_its_transaction_commits(db: Database, board: Board):
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await jobs.enqueue(tx, board.job, Wanted(2))
            raise ZeroDivisionError
    async with Worker(db, board.job), asyncio.timeout(20):
        assert await board.done.get() == 1
        async with db.transaction() as tx:
            await jobs.enqueue(tx, board.job, Wanted(3))
        assert await board.done.get() == 3, "a running worker is told of it"
    assert await state(db, board.job) == []


async def test_a_unique_job_is_put_in_once_while_it_waits(db: Database, board: Board, fresh: Fresh):
    key = fresh.text()
    async with db.transaction() as tx:
        assert await jobs.enqueue(tx, board.job, Wanted(1), unique=key)
        assert not await jobs.enqueue(tx, board.job, Wanted(2), unique=key)
        with pytest.raises(TypeError):
            await jobs.enqueue(tx, board.job)
    async with Worker(db, board.job), asyncio.timeout(20):
        assert await board.done.get() == 1
    async with db.transaction() as tx:
        assert await jobs.enqueue(tx, board.job, Wanted(3), unique=key)


async def test_what_fails_is_tried_again_then_put_aside_and_can_be_requeued(db: Database, board: Board):
    board.failures = [1, 2, 2, 2]
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
        await jobs.enqueue(tx, board.job, Wanted(2))
    async with Worker(db, board.job), asyncio.timeout(30):
        assert await board.done.get() == 1
        begun = [await board.begun.get() for _ in range(5)]
        assert sorted(begun) == [1, 1, 2, 2, 2]
    assert await state(db, board.job) == ["failed"]
    async with db.reading() as conn:
        found = await jobs.failed(conn, job=board.job.name)
    assert [one.error for one in found] == ["cannot do 2"]
    async with Worker(db, board.job), asyncio.timeout(30):
        async with db.transaction() as tx:
            assert await jobs.requeue(tx, job=board.job.name) == 1
        assert await board.done.get() == 2
    assert await state(db, board.job) == []


async def test_a_stop_waits_for_the_job_under_way(db: Database, board: Board):
    board.hold = asyncio.Event()
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
    async with Worker(db, board.job) as worker, asyncio.timeout(20):
        await board.begun.get()
        worker.stop.set()
        board.hold.set()
        await worker.task
    assert board.done.qsize() == 1
    assert await state(db, board.job) == []


async def test_a_long_run_hears_of_a_stop(db: Database):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def long(database: Database, *, at: datetime) -> None:
        begun.set()
        while not jobs.stopping():
            async with database.reading():
                pass
        ended.set()

    job = Job("test.run_long", long, limit_seconds=60)
    assert not jobs.stopping()
    async with Worker(db, job):
        async with db.transaction() as tx:
            await jobs.enqueue(tx, job)
        async with asyncio.timeout(20):
            await begun.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_a_job_whose_worker_is_cancelled_is_not_lost(db: Database, board: Board):
    board.hold = asyncio.Event()
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
    worker = Worker(db, board.job)
    async with asyncio.timeout(20):
        await worker.__aenter__()
        await board.begun.get()
        # As when the relay beside it fails of a bug: the task group cancels all.
        for task in asyncio.all_tasks():
            if task is worker.task or "_dispatch" in repr(task.get_coro()):
                task.cancel()
        await asyncio.wait([worker.task])
        board.hold.set()
        async with Worker(db, board.job):
            assert await board.done.get() == 1


async def test_a_run_that_takes_too_long_is_stopped(db: Database, fresh: Fresh):
    board = Board(f"slow_{fresh.number()}", tries=2, limit_seconds=0.05)
    board.hold = asyncio.Event()
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
    async with Worker(db, board.job), asyncio.timeout(20):
        assert [await board.begun.get(), await board.begun.get()] == [1, 1]
    assert await state(db, board.job) == ["failed"]


# -- the timetable


async def nothing(database: Database, *, at: datetime) -> None:
    """A job of the timetable."""


async def test_a_due_time_leads_to_one_run_however_many_workers_look(db: Database, fresh: Fresh):
    job = Job(f"test.tick_{fresh.number()}", nothing, timetable="0 * * * *")
    await asyncio.gather(*(jobs.schedule(db, [job], at=AT) for _ in range(3)))
    assert await jobs.tick(db, [job], at=AT) == datetime(2030, 1, 1, 13, tzinfo=UTC)
    assert await state(db, job) == []

    late = AT + timedelta(hours=5)  # five due times missed: one run
    ends = await asyncio.gather(*(jobs.tick(db, [job], at=late) for _ in range(4)))
    assert set(ends) == {datetime(2030, 1, 1, 18, tzinfo=UTC)}
    assert await state(db, job) == ["queued"]

    # It still waits at the next due time: no second one.
    await jobs.tick(db, [job], at=late + timedelta(hours=1))
    assert await state(db, job) == ["queued"]


async def test_changed_times_count_from_the_next_start(db: Database, fresh: Fresh):
    name = f"test.tick_{fresh.number()}"
    hourly, yearly = (Job(name, nothing, timetable=cron) for cron in ("0 * * * *", "0 0 1 1 *"))
    await jobs.schedule(db, [yearly], at=AT)
    assert await jobs.tick(db, [yearly], at=AT) == datetime(2031, 1, 1, tzinfo=UTC)
    await jobs.schedule(db, [hourly], at=AT)
    assert await jobs.tick(db, [hourly], at=AT) == datetime(2030, 1, 1, 13, tzinfo=UTC)
    await jobs.schedule(db, [hourly], at=AT + timedelta(days=1))
    assert await jobs.tick(db, [hourly], at=AT) == datetime(2030, 1, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "timetable", "payload"),
    [
        ("no_domain", None, None),
        ("Test.upper", None, None),
        ("test.x", "61 * * * *", None),
        ("test.x", "* * * * *", Wanted),
    ],
)
def test_a_job_that_cannot_be_is_refused(name: str, timetable: str | None, payload: type[Struct] | None):
    with pytest.raises(ValueError, match=name):
        Job(name, nothing, timetable=timetable, payload=payload)


def test_every_installed_job_has_a_name_of_its_own():
    assert {"kernel.make_months", "kernel.forget_answers"} <= jobs.installed().keys()


async def test_the_kernels_own_jobs_run(db: Database, fresh: Fresh):
    principal = fresh.text()
    async with db.transaction() as tx:
        for key, expires_at in (("old", AT - timedelta(days=1)), ("new", AT + timedelta(days=1)), ("natural", None)):
            await tx.raw.execute(
                "insert into kernel.idempotency values ($1, $2, '', '', $3, $4)", principal, key, AT, expires_at
            )
        await tx.raw.execute(
            "insert into pgqueuer.pgqueuer_log (created, job_id, status, priority, entrypoint)"
            " values ($1, 0, 'successful', 0, 'test.old')",
            AT - timedelta(days=31),
        )
    # AT lies in the future: what other tests keep expires as well, and nobody reads it again.
    assert await housekeeping.forget_answers(db, at=AT) >= 1
    assert await housekeeping.forget_diary(db, at=AT) >= 1
    await housekeeping.sweep_sign_in(db, at=datetime(2001, 1, 1, tzinfo=UTC))
    await housekeeping.make_months(db, at=datetime.now(UTC))
    async with db.reading() as conn:
        kept = await conn.raw.fetch("select key from kernel.idempotency where principal = $1 order by key", principal)
        month = "kernel.event_log_" + datetime.now(UTC).strftime("%Y_%m")
        home = await conn.raw.fetchval("select to_regclass($1)", month)
    assert [row[0] for row in kept] == ["natural", "new"]
    assert home is not None


def test_the_queues_tables_are_the_librarys():
    """A new version of pgqueuer with other tables fails here, and asks for a migration."""
    text = qb.QueryBuilderEnvironment(settings=jobs.SETTINGS).build_install_query().strip()
    assert text in (files("lotse.kernel") / "sql" / "schema.sql").read_text("utf-8")


# -- a worker that dies


async def die(database: Database, wanted: Wanted, *, at: datetime) -> None:
    """Tell that the job runs, then never end."""
    print("running", flush=True)
    await asyncio.Event().wait()


async def main(name: str, dsn: str) -> None:
    """What the killed process runs."""
    async with opened(dsn, connections=2) as database:
        await jobs.run(database, asyncio.Event(), [Job(name, die, payload=Wanted)])


async def test_a_killed_workers_job_is_taken_over(db: Database, board: Board):
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(7))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        board.job.name,
        db.dsn,
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout
    async with asyncio.timeout(60):
        assert await process.stdout.readline() == b"running\n"
        process.send_signal(signal.SIGKILL)
        await process.wait()
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(jobs.run(db, stop, [board.job], lease=SHORT))
            assert await board.done.get() == 7
            stop.set()
    assert board.done.empty()
    assert await state(db, board.job) == []


async def test_a_job_that_kills_every_worker_is_put_aside(db: Database, board: Board):
    async with db.transaction() as tx:
        await jobs.enqueue(tx, board.job, Wanted(1))
        await tx.raw.execute(
            "insert into pgqueuer.pgqueuer_log (job_id, status, priority, entrypoint)"
            " select id, 'picked', 0, entrypoint from pgqueuer.pgqueuer, generate_series(1, 3) where entrypoint = $1",
            board.job.name,
        )
    async with Worker(db, board.job), asyncio.timeout(20):
        while await state(db, board.job) != ["failed"]:  # noqa: ASYNC110 - the library tells nobody
            await asyncio.sleep(0.005)
    assert board.begun.empty()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
