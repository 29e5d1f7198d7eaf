"""Jobs: work that nobody waits for. A domain's `jobs.py` exports `jobs`, each of which runs one command.

    jobs = (
        Job("pricing.notify_changes", notify_changes, timetable="*/5 * * * *"),
        Job("orders.send_confirmation", send_confirmation, payload=ConfirmationWanted),
    )

A job of the *timetable* (cron, UTC) is `async def verb(database, *, at)`; one with a *payload* is
`async def verb(database, payload, *, at)` and comes from `enqueue(tx, "orders.send_confirmation", payload)` in a
reaction: the job exists if and only if that transaction commits.

The queue is pgqueuer's, on tables of its own schema: it hands out jobs, retries with growing pauses, and keeps what
failed for good until an operator has looked (`lotse jobs`). A worker that runs a job renews its lease; when it dies
another one takes the job over. So a job can run more than once, and its command must bear that.

The timetable is ours: pgqueuer's scheduler runs a function in place, without retries, and two hosts whose clocks differ
by a second may both run it. Here a due time is moved on and the job enqueued in one transaction, by one worker.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import cache, partial
from importlib import import_module
from typing import Any

import asyncpg
import msgspec
import structlog
from croniter import croniter
from msgspec import Struct
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence import qb
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job as QueuedJob
from pgqueuer.domain.settings import DBSettings
from prometheus_client import Counter, Histogram

from lotse.kernel import audit, clock, locks, seams
from lotse.kernel.auth.principal import Principal, acting, holding
from lotse.kernel.db import Connection, Database, Transaction, server_settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "jobs")
SETTINGS = DBSettings(db_schema="pgqueuer")
# The library's own statement, run on our transaction. A job whose `unique` key waits or runs already is left out.
_ENQUEUE = qb.QueryQueueBuilder(settings=SETTINGS).build_enqueue_query("skip")

# A worker that has not renewed its lease for so long is dead; its jobs go to others.
LEASE = timedelta(seconds=30)
# Jobs wait for mail servers rather than for us, but each may hold one of the worker's few connections.
AT_ONCE_PER_WORKER = 8
# Without a notification (its connection broke) a job waits so long at most; dead workers' jobs are found by this, too.
POLL = timedelta(seconds=5)
LONGEST_PAUSE = timedelta(hours=1)
# How long the timetable sleeps at most: a new version may have put in something earlier.
LOOK_SECONDS = 30.0
RETRY_SECONDS = 1.0

_NAME = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_log = structlog.get_logger("lotse.jobs")
_runs = Counter("lotse_job_runs", "Runs of jobs by how they ended.", ["job", "outcome"])
_seconds = Histogram("lotse_job_seconds", "How long jobs ran.", ["job"], buckets=(0.01, 0.1, 1, 10, 60, 300))


class Job(Struct, frozen=True):
    """One kind of job: its name (`domain.verb_noun`), what it runs, and its limits."""

    name: str
    run: Callable[..., Coroutine[Any, Any, object]]
    # When: minute, hour, day, month, weekday; UTC.
    timetable: str | None = None
    # The Struct that `enqueue` takes, if it takes one.
    payload: type[Struct] | None = None
    # How often it is begun before it is put aside, and the first pause between; each further one is twice as long.
    tries: int = 8
    pause: timedelta = timedelta(seconds=2)
    # How many run at once in all workers together; 0: as many as there is room for.
    at_once: int = 0
    # A run that takes longer is stopped and counts as failed.
    limit_seconds: float = 300
    # What it may change of what the log of changes keeps, e.g. ("pricing.write",). Each job says so, a test sees to it;
    # one that says nothing may change nothing.
    rights: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name} is no name of a job: domain.verb_noun")
        if self.timetable is not None and not croniter.is_valid(self.timetable):
            raise ValueError(f"{self.name}: {self.timetable} is no timetable")
        if self.timetable is not None and self.payload is not None:
            raise ValueError(f"{self.name}: the timetable has no payload to give")

    def principal(self) -> Principal:
        """Who a run of it is: what it may is what it has declared."""
        return Principal("job", self.name, self.name, holding(*(self.rights or ())))

    def next_after(self, at: datetime) -> datetime:
        """The first due time after a moment."""
        return croniter(self.timetable or "", start_time=at).get_next(datetime)


class FailedJob(Struct, frozen=True):
    """A job that failed for good."""

    id: int
    job: str
    enqueued_at: datetime
    failed_at: datetime
    error: str | None


class TooManyStarts(Exception):
    """The job was begun as often as it may be; its workers died of it, or it never came to an end."""


class _Queued(Struct, frozen=True):
    job: str
    jobs: int


class _InState(Struct, frozen=True):
    state: str
    jobs: int


class _Due(Struct, frozen=True):
    job: str
    due_at: datetime


# The kernel's own jobs, by name as those of the domains: they stand on this file.
_OWN = (
    "lotse.kernel.housekeeping",
    "lotse.kernel.media.tending",
    "lotse.kernel.imports.jobs",
    "lotse.kernel.mail.tending",
    "lotse.kernel.push.sender",
)


@cache  # domains do not come and go while a process lives
def installed() -> dict[str, Job]:
    """The jobs of the kernel, of the domains and of the plugins, by name. `ValueError` on a name that stands twice."""
    own = [job for module in _OWN for job in import_module(module).jobs]
    plugins = [seams.Domain(package, package) for package in seams.load_plugins()]
    exported = [job for part in (*seams.domains(), *plugins) for job in part.exported("jobs", "jobs")]
    found: dict[str, Job] = {}
    for job in (*own, *exported):
        if found.setdefault(job.name, job) is not job:
            raise ValueError(f"two jobs named {job.name}")
    return found


async def enqueue(
    tx: Transaction,
    job: str | Job,
    payload: Struct | None = None,
    *,
    after: timedelta = timedelta(0),
    unique: str | None = None,
) -> bool:
    """Have a job run once this transaction has committed, not before `after` has passed.

    While a job with the same `unique` key waits or runs, another one is not put in: False then.
    """
    known = installed()[job] if isinstance(job, str) else job
    if type(payload) is not (known.payload or type(None)):
        raise TypeError(f"{known.name} takes {known.payload}, not {type(payload)}")
    body = None if payload is None else msgspec.json.encode(payload)
    rows = await tx.raw.fetch(_ENQUEUE, [0], [known.name], [body], [after], [unique], [None])
    return bool(rows)


# -- running


_stop: ContextVar[asyncio.Event | None] = ContextVar("stop", default=None)


def stopping() -> bool:
    """Whether the worker that runs this job is about to end. A long run then puts the rest in anew and returns: what
    does not within the supervisor's ten seconds is killed, and begun again once its lease is over."""
    stop = _stop.get()
    return stop is not None and stop.is_set()


async def run(
    database: Database, stop: asyncio.Event, jobs: Sequence[Job] | None = None, *, lease: timedelta = LEASE
) -> None:
    """Keep the timetable and run what is queued. Returns once `stop` is set and the jobs under way are done: those that
    take long look whether they are `stopping`."""
    _stop.set(stop)
    known = tuple(installed().values()) if jobs is None else tuple(jobs)
    async with asyncio.TaskGroup() as group:
        group.create_task(_keep_time(database, known, stop), name="timetable")
        group.create_task(_work(database, known, stop, lease), name="queue")


async def _work(database: Database, jobs: Sequence[Job], stop: asyncio.Event, lease: timedelta) -> None:
    while not stop.is_set():
        try:
            async with _queue(database) as queries:
                manager = QueueManager(queries, channel=SETTINGS.channel)
                # One event for both, so that a stop reaches the library at once.
                manager.shutdown = stop
                for job in jobs:
                    _register(manager, job, database)
                await manager.run(
                    dequeue_timeout=min(POLL, lease),
                    batch_size=AT_ONCE_PER_WORKER // 2,
                    max_concurrent_tasks=AT_ONCE_PER_WORKER,
                    heartbeat_timeout=lease,
                )
        except locks.OUTAGES as error:
            _log.warning("queue interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            await locks.pause(stop, RETRY_SECONDS)


@asynccontextmanager
async def _queue(database: Database) -> AsyncGenerator[Queries]:
    """The library on a connection of its own: it writes and reads jsonb as text, unlike our pool."""
    raw = await asyncpg.connect(database.dsn, server_settings=server_settings("lotse jobs"))
    try:
        yield Queries(
            AsyncpgDriver(raw),
            qbe=qb.QueryBuilderEnvironment(settings=SETTINGS),
            qbq=qb.QueryQueueBuilder(settings=SETTINGS),
            qbs=qb.QuerySchedulerBuilder(settings=SETTINGS),
        )
    finally:
        if not raw.is_closed():
            await raw.close(timeout=5)


def _register(manager: QueueManager, job: Job, database: Database) -> None:
    manager.entrypoint(
        job.name,
        concurrency_limit=job.at_once,
        accepts_context=False,
        on_failure="hold",
        executor_factory=lambda parameters: DatabaseRetryEntrypointExecutor(
            parameters,
            # The library counts the retries, we the starts.
            max_attempts=job.tries - 1,
            initial_delay=job.pause,
            max_delay=LONGEST_PAUSE,
        ),
    )(partial(_run_one, database, job))


async def _run_one(database: Database, job: Job, queued: QueuedJob) -> None:
    """Run a job once, within its time, and count how it ended."""
    outcome = "failed"
    # The library runs each job in a task of its own, so this ends with it.
    audit.origin.set(audit.Origin("job", job.name))
    acting.set(job.principal())
    try:
        async with database.reading() as conn:
            if await conn.value(SQL.starts, job_id=queued.id) > job.tries:
                raise TooManyStarts(f"{job.name} was begun {job.tries} times and never came to an end")
        with _seconds.labels(job.name).time():
            async with asyncio.timeout(job.limit_seconds):
                if job.payload is None:
                    await job.run(database, at=clock.now())
                else:
                    payload = msgspec.json.decode(queued.payload or b"", type=job.payload)
                    await job.run(database, payload, at=clock.now())
        outcome = "done"
    except asyncio.CancelledError:
        # The library would take it off the queue as cancelled; but only this process ends, the job is still wanted.
        outcome = "interrupted"
        raise RetryRequested(reason="its worker ended") from None
    finally:
        _runs.labels(job.name, outcome).inc()


async def _keep_time(database: Database, jobs: Sequence[Job], stop: asyncio.Event) -> None:
    scheduled = False
    while not stop.is_set():
        seconds = LOOK_SECONDS
        try:
            at = clock.now()
            if not scheduled:
                await schedule(database, jobs, at=at)
                scheduled = True
            due = await tick(database, jobs, at=at)
            if due is not None:
                seconds = min(seconds, max((due - clock.now()).total_seconds(), 0.01))
        except locks.OUTAGES as error:
            _log.warning("timetable interrupted", error=str(error), retry_seconds=RETRY_SECONDS)
            seconds = RETRY_SECONDS
        await locks.pause(stop, seconds)


async def schedule(database: Database, jobs: Sequence[Job], *, at: datetime) -> None:
    """Note when each job of the timetable is due next, where that is not noted yet or its times have changed."""
    async with database.transaction() as tx:
        for job in sorted(jobs, key=lambda job: job.name):  # in one order, so that two workers cannot deadlock
            if job.timetable is not None:
                await tx.execute(SQL.schedule, job=job.name, cron=job.timetable, due_at=job.next_after(at))


async def tick(database: Database, jobs: Sequence[Job], *, at: datetime) -> datetime | None:
    """Enqueue what is due at `at`; when the next one is due.

    However late it comes, a job runs once and is then due after `at`. One that still waits or runs from the last
    time is not enqueued a second time.
    """
    known = {job.name: job for job in jobs if job.timetable is not None}
    upcoming: list[datetime] = []
    async with database.reading() as conn:
        timetable = await conn.many(SQL.timetable, _Due, jobs=list(known))
    for entry in timetable:
        job, due_at = known[entry.job], entry.due_at
        if due_at <= at:
            due_at = job.next_after(at)
            async with database.transaction() as tx:
                if await tx.execute(SQL.move_on, job=job.name, was=entry.due_at, due_at=due_at):
                    await enqueue(tx, job, unique=f"timetable:{job.name}")
        upcoming.append(due_at)
    return min(upcoming, default=None)


# -- what an operator can do


async def failed(conn: Connection, *, job: str | None = None, limit: int = 100) -> list[FailedJob]:
    """Jobs that failed for good, the oldest first."""
    return await conn.many(SQL.failed, FailedJob, job=job, limit=limit)


class Timed(Struct, frozen=True):
    """A job of the timetable: when it is due, and how its last run ended (`successful`, `exception`, `failed`)."""

    job: str
    cron: str
    due_at: datetime
    last_state: str | None
    last_at: datetime | None


async def timed(conn: Connection) -> list[Timed]:
    """The timetable, what is due first."""
    return await conn.many(SQL.timetable_all, Timed)


async def counts(conn: Connection) -> dict[str, int]:
    """How many jobs of the queue are in which state: `queued`, `picked`, `failed`."""
    return {row.state: row.jobs for row in await conn.many(SQL.job_counts, _InState)}


async def requeue_one(tx: Transaction, *, id: int) -> bool:
    """Put one job that failed for good back into the queue; whether there was one."""
    return bool(await tx.execute(SQL.requeue_one, id=id))


async def requeue(tx: Transaction, *, job: str | None = None) -> int:
    """Put jobs that failed for good (of one kind) back into the queue; how many."""
    return await tx.execute(SQL.requeue, job=job)


async def queued(conn: Connection) -> dict[str, int]:
    """How many jobs wait or run, for each kind that has some."""
    return {row.job: row.jobs for row in await conn.many(SQL.queued, _Queued)}
