"""Verbs on pools. Those that take a `Draft` run inside a desk's batch, for the kinds of higher domains."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.pools.contracts import BelowHeld, Cause, NotEnough, PoolUnknown, RanOut, Refilled, Shortage, Want
from lotse.domains.pools.rules import serve
from lotse.kernel.db import Transaction
from lotse.kernel.desk import Draft, Lock
from lotse.kernel.desk.batch import lock_rows
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import OUTBOX, encode
from lotse.kernel.rows import Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.pools"
_DESK = statements(_PACKAGE, "desk")


class ExpiredLine(Struct, frozen=True):
    hold_id: UUID
    quantity: int


class PoolRow(Struct, frozen=True):
    """A locked pool in a batch. `before` is what could be given when the batch began."""

    id: int
    on_hand: int
    held: int
    expired: tuple[ExpiredLine, ...] = ()
    before: int | None = None
    touched: bool = False


class MovementRow(Struct, frozen=True):
    id: UUID
    pool_id: int
    delta: int
    reason: str
    ref_kind: str
    ref_id: UUID
    actor: str
    note: str | None
    occurred_at: datetime
    recorded_at: datetime


class ClosedLine(Struct, frozen=True):
    pool_id: int
    hold_id: UUID


class PoolBalance(Struct, frozen=True):
    id: int
    on_hand: int
    held: int


MOVEMENTS = Writer(_PACKAGE, "movements", MovementRow)
CLOSE_LINES = Writer(_PACKAGE, "close_lines", ClosedLine)
BALANCES = Writer(_PACKAGE, "balances", PoolBalance)


def give_expired_back(draft: Draft) -> None:
    """What expired on the locked pools can be given again; their lines are closed."""
    for row in list(draft.all(POOLS).values()):
        pool = structs.replace(row, before=row.on_hand - row.held)
        if pool.expired:
            back = sum(line.quantity for line in pool.expired)
            pool = structs.replace(pool, held=pool.held - back, touched=True)
            for line in pool.expired:
                draft.add(CLOSE_LINES, ClosedLine(pool.id, line.hold_id))
        draft.put(POOLS, pool.id, pool)


POOLS = Lock("pools.pools", _DESK.lock_pools, PoolRow, read=_DESK.expired_lines, freshen=give_expired_back)


async def open_pools(tx: Transaction, *, count: int) -> list[int]:
    """New empty pools; their ids."""
    return await tx.values(statements(_PACKAGE, "writes").open_pools, count=count)


def pools_of(wants: Iterable[Want]) -> set[int]:
    """Every pool that serving the wants may lock."""
    return {pool_id for want in wants for pool_id in want.pool_ids}


def pool(draft: Draft, pool_id: int) -> PoolRow:
    """A locked pool. Refusal: `PoolUnknown`."""
    row = draft.get(POOLS, pool_id)
    if row is None:
        raise PoolUnknown(pool_id=pool_id)
    return row


def take(draft: Draft, wants: Sequence[Want], cause: Cause) -> list[int]:
    """Give quantities away, all or nothing; the pools that served, want by want.

    Refusals: `PoolUnknown`, `NotEnough`.
    """

    def available(pool_id: int) -> int:
        row = pool(draft, pool_id)
        return row.on_hand - row.held

    chosen = serve(wants, available)
    for want, pool_id in zip(wants, chosen, strict=True):
        move(draft, pool_id, -want.quantity, cause)
    return chosen


def move(draft: Draft, pool_id: int, delta: int, cause: Cause) -> PoolRow:
    """Change what is there, with its movement. Refusals: `PoolUnknown`, `NotEnough`, `BelowHeld`."""
    row = pool(draft, pool_id)
    if row.on_hand + delta < 0:
        raise NotEnough(shortages=(Shortage(0, -delta, row.on_hand - row.held),))
    if delta < 0 and row.on_hand + delta < row.held:
        raise BelowHeld(pool_id=pool_id, on_hand=row.on_hand, held=row.held, delta=delta)
    changed = structs.replace(row, on_hand=row.on_hand + delta, touched=True)
    draft.put(POOLS, pool_id, changed)
    draft.add(
        MOVEMENTS,
        MovementRow(
            uuid7(),
            pool_id,
            delta,
            cause.reason,
            cause.ref_kind,
            cause.ref_id,
            cause.actor,
            cause.note,
            cause.occurred_at,
            draft.recorded_at,
        ),
    )
    return changed


def keep(draft: Draft, pool_id: int, quantity: int) -> None:
    """Count a quantity as held (negative: no longer held). The caller has checked that it is there."""
    row = pool(draft, pool_id)
    draft.put(POOLS, pool_id, structs.replace(row, held=row.held + quantity, touched=True))


def write_balances(draft: Draft) -> None:
    """Each touched pool once, and an event where it ran out or can give again."""
    for row in draft.all(POOLS).values():
        if not row.touched:
            continue
        draft.add(BALANCES, PoolBalance(row.id, row.on_hand, row.held))
        now = row.on_hand - row.held
        if row.before is not None and (now > 0) != (row.before > 0):
            event = Refilled(row.id) if now > 0 else RanOut(row.id)
            draft.add(OUTBOX, encode(event, draft.recorded_at))
        draft.put(POOLS, row.id, structs.replace(row, touched=False))


async def sweep(tx: Transaction, *, pool_ids: Sequence[int], at: datetime) -> int:
    """Give back what has expired on pools that nobody asks for; how many lines. Locks as the desk does, in id order."""
    draft = Draft(at, at, {})
    await lock_rows(tx, {POOLS: set(pool_ids)}, draft, (POOLS,))
    write_balances(draft)
    await draft.written.write(tx)
    return len(draft.written.of(CLOSE_LINES))
