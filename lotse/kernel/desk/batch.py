"""One batch is one transaction.

1. Take the idempotency keys, in key order, and read what was answered to those taken before.
2. Lock the rows that the requests need, highest domain first, in id order; freshen them (expired holds go back).
3. Decide every request in arrival order, in plain Python. A refusal leaves nothing and costs its neighbours nothing.
4. Write everything in one statement, commit, and only then answer.

A batch that fails for a reason that is not a refusal is rolled back and replayed one by one, so that one bad request
does not take others with it.
"""

import asyncio
from collections.abc import Hashable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import asyncpg
import msgspec
import structlog
from prometheus_client import Histogram

from lotse.kernel import idempotency
from lotse.kernel.db import Transaction
from lotse.kernel.desk.kinds import Draft, Kind, Lock, Registry
from lotse.kernel.idempotency import Key, KeyReused
from lotse.kernel.refusals import Refusal
from lotse.kernel.rows import Writer

log = structlog.get_logger()

# Locks are taken in one order everywhere, so a deadlock is a bug of somebody else's SQL; it must still not lose a sale.
DEADLOCK_TRIES = 3
# Numbers are fetched for many orders at once: a round trip per hundred instead of one per batch. A crash leaves a gap.
NUMBERS_AHEAD = 200

# Apart from the commit, because the remedies differ: a long wait is somebody else's transaction (or another desk's
# batch on the same article), a long commit is the disk.
LOCK_SECONDS = Histogram(
    "lotse_desk_lock_seconds",
    "Until all rows of a batch are locked and read; part of the commit's time",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 3),
)

SEQUENCE_NUMBERS = "select nextval($1::text::regclass) from generate_series(1, $2)"


class Answered(msgspec.Struct, frozen=True):
    """A row of the idempotency table gets its answer."""

    principal: str
    key: str
    answer: bytes


ANSWERS = Writer("lotse.kernel", "answers", Answered)


class Asked(msgspec.Struct):
    """One request in a batch and, later, what came of it (the kept bytes of an answer or a refusal)."""

    kind: Kind[Any, Any]
    request: Any
    key: Key
    at: datetime
    kept: bytes | None = None
    failed: BaseException | None = None


class Batches:
    """Commits batches on one connection, one at a time."""

    def __init__(self, connection: asyncpg.Connection, registry: Registry) -> None:
        self._raw = connection
        self._registry = registry
        self._numbers: dict[str, list[int]] = {}

    async def commit(self, batch: Sequence[Asked], now: datetime) -> None:
        """Decide and commit; every request has `kept` or `failed` afterwards."""
        try:
            await self._commit_whole(batch, now)
        except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as lost:
            # Committed or not, nobody here can know. The caller asks again with the same key and learns it.
            for asked in batch:
                asked.failed = lost
        except Exception as error:
            if len(batch) == 1:
                refusal = _refused_by_constraint(batch[0], error)
                if refusal:
                    await self._keep_refusal(batch[0], refusal, now)
                    return
                batch[0].kept, batch[0].failed = None, error
                log.error("desk request failed", kind=batch[0].kind.name, key=batch[0].key.key, exc_info=error)
                return
            log.warning("batch failed, replaying one by one", size=len(batch), error=repr(error))
            for asked in batch:
                asked.kept = None
                await self.commit([asked], now)

    async def _keep_refusal(self, asked: Asked, refusal: Refusal, now: datetime) -> None:
        """Keep what a constraint refused under its key, like any answer; what was to be written is rolled back.

        In a transaction of its own: who asked again meanwhile may have been quicker, and then that answer stands.
        """
        asked.kept = idempotency.encode_refusal(refusal)
        if asked.key.natural:
            return  # a refusal does not use it up
        try:
            async with self._raw.transaction():
                tx = Transaction(self._raw)
                known = await idempotency.take(tx, [asked.key], at=now)
                if not _answer_known([asked], known):
                    return
                await tx.execute(
                    idempotency.SQL.answer, principal=asked.key.principal, key=asked.key.key, answer=asked.kept
                )
        except Exception as error:  # it is not kept, so nobody may be told: asked again, it is decided again
            asked.kept, asked.failed = None, error

    async def _commit_whole(self, batch: Sequence[Asked], now: datetime) -> None:
        for attempt in range(1, DEADLOCK_TRIES + 1):
            try:
                async with self._raw.transaction():
                    await self._decide_and_write(Transaction(self._raw), batch, now)
                return
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                if attempt == DEADLOCK_TRIES:
                    raise
                for asked in batch:
                    asked.kept = None
                await asyncio.sleep(0.01 * attempt)  # let the other one finish

    async def _decide_and_write(self, tx: Transaction, batch: Sequence[Asked], now: datetime) -> None:
        known = await idempotency.take(tx, [asked.key for asked in batch], at=now)
        fresh = _answer_known(batch, known)
        if not fresh:
            return
        draft = Draft(now, now, self._numbers)
        await self._draw_numbers(fresh)
        wanted: dict[Lock[Any], set[Hashable]] = {}
        for asked in fresh:
            for lock, ids in asked.kind.locks(asked.request).items():
                wanted.setdefault(lock, set()).update(ids)
        with LOCK_SECONDS.time():
            await lock_rows(tx, wanted, draft, self._registry.locks)
        given_back: list[Key] = []
        for asked in fresh:
            draft.begin(asked.at)
            try:
                answer = asked.kind.decide(draft, asked.request)
            except Refusal as refusal:
                draft.undo()
                asked.kept = idempotency.encode_refusal(refusal)
                if asked.key.natural:
                    given_back.append(asked.key)
                    continue
            else:
                asked.kept = idempotency.encode_answer(answer)
            draft.add(ANSWERS, Answered(asked.key.principal, asked.key.key, asked.kept))
        draft.begin(now)
        for finish in self._registry.finishes:
            finish.finish(draft)
        await draft.written.write(tx)
        for key in given_back:
            await tx.execute(idempotency.SQL.give_back, principal=key.principal, key=key.key)
        _answer_repeats(batch)

    async def _draw_numbers(self, fresh: Sequence[Asked]) -> None:
        needed: dict[str, int] = {}
        for asked in fresh:
            for sequence, count in asked.kind.draws.items():
                needed[sequence] = needed.get(sequence, 0) + count
        for sequence, count in needed.items():
            numbers = self._numbers.setdefault(sequence, [])
            if len(numbers) < count:
                drawn = await self._raw.fetch(SEQUENCE_NUMBERS, sequence, count + NUMBERS_AHEAD)
                numbers[:0] = [record[0] for record in reversed(drawn)]


async def lock_rows(
    tx: Transaction, wanted: dict[Lock[Any], set[Hashable]], draft: Draft, locks: Sequence[Lock[Any]]
) -> None:
    """Lock what is wanted, and what that leads to, in the one order that everybody keeps; rows stand in the draft."""
    for lock in locks:
        ids = wanted.get(lock)
        if not ids:
            continue
        in_order: list[Any] = sorted(cast("set[Any]", ids))
        records = {record["id"]: dict(record) for record in await tx.raw.fetch(lock.statement.sql, in_order)}
        if lock.reads:
            in_order = [id for id, record in records.items() if lock.reads(record)]
        if lock.read and records and in_order:
            given = {"ids": in_order, "now": draft.at}
            arguments = [given[param] for param in lock.read.params]
            for record in await tx.raw.fetch(lock.read.sql, *arguments):
                records[record["id"]].update(record.items())
        for id, record in records.items():
            row = msgspec.convert(record, lock.row, str_keys=True)
            draft.put(lock, id, row)
            if lock.leads_to:
                for lower, more in lock.leads_to(row).items():
                    wanted.setdefault(lower, set()).update(more)
        if lock.freshen:
            lock.freshen(draft)


def _refused_by_constraint(asked: Asked, error: Exception) -> Refusal | None:
    name: str | None = getattr(error, "constraint_name", None)
    make = asked.kind.constraints.get(name) if name else None
    return make(asked.request) if make else None


def _answer_known(batch: Sequence[Asked], known: Mapping[Key, bytes | KeyReused]) -> list[Asked]:
    """Answer what was answered before; the rest, each key once (the first to come decides)."""
    first: dict[tuple[str, str], Asked] = {}
    for asked in batch:
        before = known.get(asked.key)
        if isinstance(before, KeyReused):
            # Kept only as this caller's answer; the key keeps the answer that it has.
            asked.kept = idempotency.encode_refusal(before)
        elif before is not None:
            asked.kept = before
        else:
            first.setdefault((asked.key.principal, asked.key.key), asked)
    return list(first.values())


def _answer_repeats(batch: Sequence[Asked]) -> None:
    """The same key twice in one batch: the second gets the first one's answer, or `KeyReused`."""
    answers = {(asked.key.principal, asked.key.key): asked for asked in batch if asked.kept is not None}
    for asked in batch:
        if asked.kept is None:
            first = answers[(asked.key.principal, asked.key.key)]
            same = first.key.body_hash == asked.key.body_hash
            asked.kept = first.kept if same else idempotency.encode_refusal(KeyReused(key=asked.key.key))
