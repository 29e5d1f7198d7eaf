"""Verbs on pools. Those that take a `Draft` run inside a desk's batch, for the kinds of higher domains."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.pools.contracts import (
    BelowHeld,
    Cause,
    HoldBroken,
    NotEnough,
    PoolUnknown,
    RanOut,
    Refilled,
    Shortage,
    Want,
)
from lotse.domains.pools.rules import serve
from lotse.kernel.db import Transaction
from lotse.kernel.desk import Draft, Lock
from lotse.kernel.desk.batch import lock_rows
from lotse.kernel.ids import uuid7, uuid7_floor
from lotse.kernel.outbox import OUTBOX, encode
from lotse.kernel.rows import Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.pools"
_DESK = statements(_PACKAGE, "desk")
_WRITES = statements(_PACKAGE, "writes")


class LineRow(Struct, frozen=True):
    """A hold's line on one pool. Whoever has locked the pool may change it; the hold need not be locked for that."""

    pool_id: int
    hold_id: UUID
    quantity: int
    hard: bool
    expires_at: datetime
    live: bool
    broken: bool
    holder: str = ""
    new: bool = False


class PoolRow(Struct, frozen=True):
    """A locked pool in a batch. `before` is what could be given when the batch began, `revived` are the holds that
    got a live line on it in this batch."""

    id: int
    on_hand: int
    held: int
    expired: tuple[LineRow, ...] = ()
    before: int | None = None
    touched: bool = False
    revived: tuple[UUID, ...] = ()
    counted_at: datetime | None = None


class BreakableRow(Struct, frozen=True):
    """The lines of a pool that break first, as many as this batch may have to break."""

    id: int
    lines: tuple[LineRow, ...] = ()


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


class PoolBalance(Struct, frozen=True):
    id: int
    on_hand: int
    held: int


class NewLine(Struct, frozen=True):
    pool_id: int
    hold_id: UUID
    quantity: int
    hard: bool
    expires_at: datetime
    live: bool
    broken: bool


class StateOfLine(Struct, frozen=True):
    pool_id: int
    hold_id: UUID
    hard: bool
    expires_at: datetime
    live: bool
    broken: bool


class LinesUnread(Exception):
    """Requests of one batch got into each other's way: more lines must break than were read for it. No refusal: the
    desk replays the batch one by one, and alone each request reads all the lines that it needs."""


MOVEMENTS = Writer(_PACKAGE, "movements", MovementRow)
BALANCES = Writer(_PACKAGE, "balances", PoolBalance)
NEW_LINES = Writer(_PACKAGE, "hold_lines", NewLine)
LINE_STATES = Writer(_PACKAGE, "line_states", StateOfLine)


def give_expired_back(draft: Draft) -> None:
    """What expired on the locked pools can be given again; their lines are closed."""
    for row in list(draft.all(POOLS).values()):
        pool = structs.replace(row, before=row.on_hand - row.held)
        if pool.expired:
            back = sum(line.quantity for line in pool.expired)
            pool = structs.replace(pool, held=pool.held - back, expired=(), touched=True)
            for line in row.expired:
                put_line(draft, structs.replace(line, live=False))
        draft.put(POOLS, pool.id, pool)


# Where nothing is held, nothing has expired: nearly every pool, nearly always.
POOLS = Lock(
    "pools.pools",
    _DESK.lock_pools,
    PoolRow,
    read=_DESK.expired_lines,
    reads=lambda record: record["held"] > 0,
    freshen=give_expired_back,
)
# After the pools: a pool's lines change under its lock alone. Ids are made by `breakable`.
BREAKABLE = Lock("pools.breakable", _DESK.breakable_pools, BreakableRow, read=_DESK.breakable_lines)
# The lines that this batch has changed, by pool and hold, so that each is written once and as it ends. Never locked by
# itself (see LineRow), so it is not among this domain's `locks`.
_CHANGED = Lock("pools.changed_lines", _DESK.lines_of_holds, LineRow)


async def open_pools(tx: Transaction, *, count: int) -> list[int]:
    """New empty pools; their ids."""
    return await tx.values(_WRITES.open_pools, count=count)


def pools_of(wants: Iterable[Want]) -> set[int]:
    """Every pool that serving the wants may lock."""
    return {pool_id for want in wants for pool_id in want.pool_ids}


def pool(draft: Draft, pool_id: int) -> PoolRow:
    """A locked pool. Refusal: `PoolUnknown`."""
    row = draft.get(POOLS, pool_id)
    if row is None:
        raise PoolUnknown(pool_id=pool_id)
    return row


def available(draft: Draft, pool_id: int) -> int:
    """What of a locked pool can be given. Refusal: `PoolUnknown`."""
    row = pool(draft, pool_id)
    return row.on_hand - row.held


def take(draft: Draft, wants: Sequence[Want], cause: Cause) -> list[int]:
    """Give quantities away, all or nothing; the pools that served, want by want.

    Refusals: `PoolUnknown`, `NotEnough`.
    """
    chosen = serve(wants, lambda pool_id: available(draft, pool_id))
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


# -- goods that are gone whatever was promised


def breakable(pool_id: int, quantity: int, request_id: UUID, position: int) -> str:
    """What a kind adds to its locks (`{BREAKABLE: …}`) where it may call `lose` or `find`.

    The quantity bounds how many lines are read: each holds one unit at least. The request's id and position keep two
    equal quantities of one batch apart.
    """
    return f"{pool_id}:{quantity}:{request_id}:{position}"


def lose(draft: Draft, pool_id: int, quantity: int, cause: Cause) -> PoolRow:
    """Goods of a pool are gone: what stood in their way is broken. Refusals: `PoolUnknown`, `NotEnough` (fewer are
    recorded than shall be gone)."""
    row = pool(draft, pool_id)
    if row.on_hand < quantity:
        raise NotEnough(shortages=(Shortage(0, quantity, row.on_hand - row.held),))
    _break_holds(draft, pool_id, quantity)
    return move(draft, pool_id, -quantity, cause)


def find(draft: Draft, pool_id: int, quantity: int, cause: Cause) -> None:
    """Make sure that a quantity of a pool can be given, because it has been: holds on it break, and what was not on
    record is found, with `cause`. Refusal: `PoolUnknown`."""
    _break_holds(draft, pool_id, quantity)
    missing = quantity - available(draft, pool_id)
    if missing > 0:
        move(draft, pool_id, missing, cause)


def was_counted_since(draft: Draft, pool_id: int, moment: datetime) -> bool:
    """Whether a locked pool was counted at that moment or later: what had left it by then is missing from the count
    already, however late it is told. Refusal: `PoolUnknown`."""
    counted_at = pool(draft, pool_id).counted_at
    return counted_at is not None and moment <= counted_at


def _break_holds(draft: Draft, pool_id: int, quantity: int) -> None:
    """Until the quantity can be given or nothing is held: what has expired first, then the newest, hard ones last."""
    row = pool(draft, pool_id)
    if row.on_hand - row.held >= quantity or not row.held:
        return
    read = draft.get(BREAKABLE, pool_id)
    lines = {line.hold_id: line for line in (read.lines if read else ())}
    changed: set[UUID] = set()
    for hold_id in {*lines, *row.revived}:
        now = line_of(draft, pool_id, hold_id)
        if now is not None:
            lines[hold_id] = now
            changed.add(hold_id)
    live = [line for line in lines.values() if line.live]
    # What was read comes before what was not; but where this batch has put a line, nobody has compared.
    unread = row.held > sum(line.quantity for line in live)
    at = draft.recorded_at
    for line in sorted(live, key=lambda line: (line.expires_at > at, line.hard, -line.hold_id.int)):
        if unread and line.hold_id in changed:
            break
        expired = line.expires_at <= at
        put_line(draft, structs.replace(line, live=False, broken=not expired))
        keep(draft, pool_id, -line.quantity)
        if not expired:
            firmness = "hard" if line.hard else "soft"
            event = HoldBroken(line.hold_id, line.holder, pool_id, line.quantity, firmness)
            draft.add(OUTBOX, encode(event, at))
        if available(draft, pool_id) >= quantity:
            return
    if unread:
        raise LinesUnread(f"pool {pool_id}: {quantity} wanted, {len(lines)} lines known")


# -- lines of holds


def line_of(draft: Draft, pool_id: int, hold_id: UUID) -> LineRow | None:
    """A line as this batch has changed it; None if it has not."""
    return draft.get(_CHANGED, (pool_id, hold_id))


def put_line(draft: Draft, line: LineRow) -> None:
    """Change a line for the requests that follow; `write_balances` writes it."""
    draft.put(_CHANGED, (line.pool_id, line.hold_id), line)


def write_balances(draft: Draft) -> None:
    """Each touched pool and line once; an event where a pool ran out or can give again."""
    for row in draft.all(POOLS).values():
        if not row.touched:
            continue
        draft.add(BALANCES, PoolBalance(row.id, row.on_hand, row.held))
        now = row.on_hand - row.held
        if row.before is not None and (now > 0) != (row.before > 0):
            event = Refilled(row.id) if now > 0 else RanOut(row.id)
            draft.add(OUTBOX, encode(event, draft.recorded_at))
    for line in draft.all(_CHANGED).values():
        if line.new:
            quantity = line.quantity
            new = NewLine(line.pool_id, line.hold_id, quantity, line.hard, line.expires_at, line.live, line.broken)
            draft.add(NEW_LINES, new)
        else:
            state = StateOfLine(line.pool_id, line.hold_id, line.hard, line.expires_at, line.live, line.broken)
            draft.add(LINE_STATES, state)


# -- outside the desk


async def mark_counted(
    tx: Transaction, *, pool_ids: Sequence[int], moments: Sequence[datetime]
) -> list[tuple[int, datetime | None]]:
    """Say when pools were counted, never back in time; the pools and what was said of them before.

    Commit it before the books are read: from then on a sale that is told too late changes no figure of that moment.
    Locks as the desk does, in id order.
    """
    found = await tx.many(_WRITES.mark_counted, _Marked, pool_ids=list(pool_ids), moments=list(moments))
    return [(row.pool_id, row.before) for row in found]


async def take_mark_back(
    tx: Transaction, marked: Sequence[tuple[int, datetime | None]], *, moments: Sequence[datetime]
) -> None:
    """Undo `mark_counted` where the count was refused after all and nobody has counted since."""
    await tx.execute(
        _WRITES.take_mark_back,
        pool_ids=[pool_id for pool_id, _ in marked],
        before=[before for _, before in marked],
        moments=list(moments),
    )


class _Marked(Struct, frozen=True):
    pool_id: int
    before: datetime | None


async def sweep(tx: Transaction, *, pool_ids: Sequence[int], at: datetime) -> int:
    """Give back what has expired on pools that nobody asks for; how many lines. Locks as the desk does, in id order."""
    draft = Draft(at, at, {})
    await lock_rows(tx, {POOLS: set(pool_ids)}, draft, (POOLS,))
    write_balances(draft)
    await draft.written.write(tx)
    return len(draft.all(_CHANGED))


async def forget_holds(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete holds that were made and expired before a moment and hold nothing any more, some of them; how many."""
    bounds = {"made_before": uuid7_floor(before), "expired_before": before}
    return len(await tx.values(_WRITES.forget_holds, **bounds, limit=limit))


async def forget_holders(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete the counts of holders whose last soft hold expired before a moment, some of them; how many."""
    return await tx.execute(_WRITES.forget_holders, before=before, limit=limit)
