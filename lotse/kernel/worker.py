"""The worker role: the relay, the consumers, the jobs, the webhooks and mail, in one process.

Run as many as you like: one relay works, each consumer runs in one of them, jobs are shared out.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import structlog
from prometheus_client import Gauge

from lotse.kernel import clock, consumers, jobs, locks, partitions, relay, seams
from lotse.kernel.db import Database, opened
from lotse.kernel.mail import sender as mail
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements
from lotse.kernel.webhooks import sender

EVENTS = statements("lotse.kernel", "events")

# Eight per process: the relay, the consumers' locks, the queue, the webhooks and mail have one each.
POOL_CONNECTIONS = 3
MEASURE_SECONDS = 10.0

_log = structlog.get_logger("lotse.worker")
# Every worker measures the same, so any recent one will do.
_age = Gauge(
    "lotse_outbox_age_seconds", "How long the oldest event waits for the relay.", multiprocess_mode="mostrecent"
)
_queued = Gauge("lotse_jobs_queued", "Jobs that wait or run.", ["job"], multiprocess_mode="mostrecent")
_waiting = Gauge("lotse_events_waiting_parked", "Events parked now.", ["consumer"], multiprocess_mode="mostrecent")


async def run(settings: Settings, dsn: str, stop: asyncio.Event) -> None:
    """Be a worker until `stop` is set; what is under way is done then.

    An error that is neither an outage of the database nor the failure of one reaction or job stops the parts in order
    and is raised: the supervisor starts a new process, and what was not committed begins again.
    """
    async with opened(dsn, role="lotse worker", connections=POOL_CONNECTIONS) as database:
        await _months(database)
        parts = (
            relay.run,
            consumers.run,
            jobs.run,
            partial(sender.run, settings=settings),
            partial(mail.run, settings=settings),
            _measure,
            *(partial(loop, settings=settings) for loop in _loops()),
        )
        ended = await asyncio.gather(*(_part(part(database, stop), stop) for part in parts), return_exceptions=True)
    for error in ended:
        if error is not None:
            raise error


def _loops() -> Iterator[Callable[..., Coroutine[Any, Any, None]]]:
    """What domains run for as long as a worker lives: `async def follow(database, stop, *, settings)`.

    A loop says itself what it does about its own failures; one that raises ends the worker, as any part of it.
    """
    for domain in seams.domains():
        yield from domain.exported("jobs", "loops")


async def _part(running: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    try:
        await running
    finally:
        stop.set()  # a worker without one of its parts is none


async def _months(database: Database) -> None:
    """The daily job may not have run for long, so look once at every start; a failure only means: the default holds."""
    try:
        async with database.transaction() as tx:
            await partitions.ensure_all(tx, at=clock.now())
    except locks.OUTAGES as error:
        _log.warning("no look at the months", error=str(error))


async def _measure(database: Database, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            async with database.reading() as conn:
                _age.set(await conn.value(EVENTS.outbox_age_seconds))
                _set(_waiting, await consumers.parked_counts(conn))
                _set(_queued, await jobs.queued(conn))
        except locks.OUTAGES as error:
            _log.warning("cannot measure", error=str(error))
        await locks.pause(stop, MEASURE_SECONDS)


def _set(gauge: Gauge, counts: dict[str, int]) -> None:
    """Set a gauge per label; those that are not counted any more fall to nought."""
    known = _labels.setdefault(id(gauge), set())
    known.update(counts)
    for label in known:
        gauge.labels(label).set(counts.get(label, 0))


_labels: dict[int, set[str]] = {}
