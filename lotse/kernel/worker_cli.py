"""`lotse events …` and `lotse jobs …`: see what the workers do, and deal with what they could not do."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from cyclopts import App

from lotse.kernel import clock, consumers, logs
from lotse.kernel import jobs as queue
from lotse.kernel.db import Database, opened
from lotse.kernel.postgres import attached
from lotse.kernel.refusals import NotFound
from lotse.kernel.settings import Settings

Answer = TypeVar("Answer")

events = App(name="events", help="See how far the consumers of events are; retry and replay.")
jobs = App(name="jobs", help="See jobs that failed for good; put them back into the queue.")


@events.command
def status() -> None:
    """Show each consumer: where it stands, how many events lie before it, how many are parked."""

    async def look(database: Database) -> None:
        async with database.snapshot() as conn:
            head, found = await consumers.positions(conn)
            waiting = await consumers.parked_counts(conn)
        print(f"{'consumer':<24} {'position':>12} {'behind':>8} {'parked':>8}")
        for one in found:
            behind = head.position - one.position
            print(f"{one.name:<24} {one.position:>12} {behind:>8} {waiting.get(one.name, 0):>8}")
        print(f"the log ends at {head.position}")

    _run(look)


@events.command
def parked(*, consumer: str | None = None, limit: int = 100) -> None:
    """List events that a consumer could not handle, and those that wait behind them.

    Parameters
    ----------
    consumer
        Only this one's.
    limit
        At most so many.
    """

    async def look(database: Database) -> None:
        async with database.reading() as conn:
            found = await consumers.parked(conn, consumer=consumer, limit=limit)
        for one in found:
            why = one.error or "waits behind an earlier event of its key"
            print(f"{one.consumer} {one.position} {one.type} {one.key} after {one.attempts} tries: {why}")
        print(f"{len(found)} parked" if len(found) < limit else f"{limit} shown, there may be more")

    _run(look)


@events.command
def retry(*, consumer: str) -> int:
    """Try the parked events of a consumer again, in order; exit with 1 if some failed again.

    Parameters
    ----------
    consumer
        The domain whose reactions failed, as `lotse events parked` shows it.
    """

    async def again(database: Database) -> int:
        handled, failed = await consumers.retry(database, consumer, at=clock.now())
        print(f"{handled} handled, {failed} failed again")
        return 1 if failed else 0

    return _run(again)


@events.command
def replay(*, consumer: str, from_: int) -> int:
    """Let a consumer handle events again from a position on, or skip to a later one.

    Its reactions run again for what they have handled before; they are made for that.

    Parameters
    ----------
    consumer
        The domain whose reactions shall run again.
    from_
        Position of the next event that it handles.
    """

    async def move(database: Database) -> int:
        moved = await consumers.replay(database, consumer, position=from_)
        print(f"{moved.name} goes on after position {moved.position}")
        return 0

    return _run(move)


@jobs.command
def failed(*, job: str | None = None, limit: int = 100) -> None:
    """List jobs that failed for good.

    Parameters
    ----------
    job
        Only of this kind.
    limit
        At most so many.
    """

    async def look(database: Database) -> None:
        async with database.reading() as conn:
            found = await queue.failed(conn, job=job, limit=limit)
        for one in found:
            print(f"{one.id} {one.job} failed at {one.failed_at:%Y-%m-%d %H:%M:%S}: {one.error}")
        print(f"{len(found)} failed" if len(found) < limit else f"{limit} shown, there may be more")

    _run(look)


@jobs.command
def requeue(*, job: str | None = None) -> None:
    """Put jobs that failed for good back into the queue.

    Parameters
    ----------
    job
        Only of this kind.
    """

    async def again(database: Database) -> None:
        async with database.transaction() as tx:
            count = await queue.requeue(tx, job=job)
        print(f"{count} back in the queue")

    _run(again)


def _run(work: Callable[[Database], Coroutine[Any, Any, Answer]]) -> Answer:
    async def main(dsn: str) -> Answer:
        async with opened(dsn, role="lotse events", connections=2) as database:
            return await work(database)

    settings = Settings.load()
    logs.configure(settings, "command")
    with attached(settings) as dsn:
        try:
            return asyncio.run(main(dsn))
        except NotFound as refusal:
            sys.exit(f"lotse: {refusal}")
