"""The queue before the batches: while one batch commits, the next one gathers. No lingering, one in flight."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Protocol, TypeVar, runtime_checkable

import asyncpg
import msgspec
from prometheus_client import Counter, Gauge, Histogram

from lotse.kernel import clock, idempotency
from lotse.kernel.db import is_unavailable, prepare_connection, server_settings
from lotse.kernel.desk.batch import Asked, Batches
from lotse.kernel.desk.kinds import Kind, Registry, registry
from lotse.kernel.idempotency import Key
from lotse.kernel.refusals import Refusal

A = TypeVar("A", bound=msgspec.Struct)

# Past this a batch gains no more per order, and its locks are held for longer than a page should wait.
MAX_BATCH = 256
# What a desk works off in about a second; more waiting only means that everybody waits too long.
MAX_QUEUE = 4096
# A batch is a few milliseconds; a desk that waits longer for a lock has met a foreign transaction that must not stay.
LOCK_TIMEOUT_MS = 3_000

BATCH_SIZE = Histogram("lotse_desk_batch_size", "Requests per batch", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256))
COMMIT_SECONDS = Histogram(
    "lotse_desk_commit_seconds",
    "From first lock to commit",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2),
)
QUEUE_LENGTH = Gauge("lotse_desk_queue_length", "Requests that wait for the next batch", multiprocess_mode="livesum")
REFUSED = Counter("lotse_desk_refused_total", "Refusals by kind of work", ("kind",))


class DeskBusy(Refusal, status=503, title="Too many people order at this moment; try again in a second"):
    """The queue is full; nothing was done."""

    retry_after_seconds: int = 1


class OutcomeUnknown(Refusal, status=503, title="The outcome is not known; ask again with the same key"):
    """The desk or the database went away after the request was sent. The key makes asking again safe."""

    key: str
    retry_after_seconds: int = 1


@runtime_checkable  # Litestar looks whether what it injects is what the handler asks for
class Desk(Protocol):
    """Where commands that take or give quantities are submitted, in this process or over the socket."""

    async def submit(self, kind: str, request: msgspec.Struct, answer: type[A], *, key: Key, at: datetime) -> A:
        """The answer after its commit. Raises the kind's refusals, `KeyReused`, `DeskBusy`, `OutcomeUnknown`."""
        ...


class InProcessDesk:
    """The desk itself; `running` gives one. The desk process serves it over a socket."""

    def __init__(self, dsn: str, known: Registry) -> None:
        self._dsn = dsn
        self._known = known
        self._waiting: list[tuple[Asked, asyncio.Future[bytes]]] = []
        self._arrived = asyncio.Event()
        self._raw: asyncpg.Connection | None = None

    async def submit(self, kind: str, request: msgspec.Struct, answer: type[A], *, key: Key, at: datetime) -> A:
        return idempotency.decode(await self.submit_raw(kind, request, key=key, at=at), answer)

    async def submit_raw(self, kind: str, request: msgspec.Struct, *, key: Key, at: datetime) -> bytes:
        """The kept bytes of the answer or refusal (see `idempotency.decode`)."""
        return await self.enqueue(self._known.kinds[kind], request, key=key, at=at)

    def enqueue(
        self, kind: Kind[Any, Any], request: msgspec.Struct, *, key: Key, at: datetime
    ) -> "asyncio.Future[bytes]":
        """The next batch takes it; the kept bytes come after its commit. Refusal: `DeskBusy`."""
        if len(self._waiting) >= MAX_QUEUE:
            raise DeskBusy()
        done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._waiting.append((Asked(kind, request, key, at), done))
        self._arrived.set()
        return done

    def known(self) -> Registry:
        """The kinds this desk can do."""
        return self._known

    async def run(self) -> None:
        """Commit batch after batch until cancelled."""
        try:
            while True:
                await self._arrived.wait()
                gathered, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
                QUEUE_LENGTH.set(len(self._waiting))
                if not self._waiting:
                    self._arrived.clear()
                if gathered:
                    await self._commit(gathered)
        finally:
            for asked, done in self._waiting:
                if not done.done():
                    done.set_exception(OutcomeUnknown(key=asked.key.key))
            if self._raw and not self._raw.is_closed():
                await self._raw.close(timeout=2)

    async def _commit(self, gathered: list[tuple[Asked, "asyncio.Future[bytes]"]]) -> None:
        batch = [asked for asked, _ in gathered]
        BATCH_SIZE.observe(len(batch))
        with COMMIT_SECONDS.time():
            try:
                batches = await self._batches()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as unreachable:
                for asked in batch:
                    asked.failed = unreachable
            else:
                await batches.commit(batch, clock.now())
        for asked, done in gathered:
            if done.done():  # the caller went away; what was committed stays committed
                continue
            if asked.kept is not None and asked.failed is None:
                done.set_result(asked.kept)
            elif is_unavailable(asked.failed) or isinstance(asked.failed, (OSError, asyncpg.InterfaceError)):
                done.set_exception(OutcomeUnknown(key=asked.key.key))
            else:
                done.set_exception(asked.failed or RuntimeError("the batch gave no answer"))

    async def _batches(self) -> Batches:
        if self._raw is None or self._raw.is_closed():
            settings = server_settings("lotse desk") | {
                "lock_timeout": str(LOCK_TIMEOUT_MS),
                # The statements are few and their plans do not depend on the values: plan once.
                "plan_cache_mode": "force_generic_plan",
                "jit": "off",
            }
            raw = await asyncpg.connect(self._dsn, server_settings=settings)
            try:
                await prepare_connection(raw)
            except BaseException:
                raw.terminate()  # half prepared it must not be taken for the desk's next time
                raise
            self._raw, self._batches_on = raw, Batches(raw, self._known)
        return self._batches_on


@asynccontextmanager
async def running(dsn: str) -> AsyncGenerator[InProcessDesk]:
    """A desk in this process, committing until the block ends."""
    desk = InProcessDesk(dsn, registry())
    loop = asyncio.create_task(desk.run(), name="desk")
    try:
        yield desk
    finally:
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
