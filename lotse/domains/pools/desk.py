"""The kinds of work that pools bring to the desk: hold, claim, release; and the one write per touched pool."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.pools.commands import CLOSE_LINES, POOLS, ClosedLine, keep, move, pool, pools_of, write_balances
from lotse.domains.pools.contracts import (
    ClaimRequest,
    Held,
    HoldEnded,
    HoldExpired,
    HoldLine,
    HoldRequest,
    HoldState,
    HoldUnknown,
    ReleaseRequest,
)
from lotse.domains.pools.rules import serve
from lotse.kernel.desk import Draft, Finish, Kind, Lock
from lotse.kernel.rows import Writer
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.pools"
_DESK = statements(_PACKAGE, "desk")


class HoldRow(Struct, frozen=True):
    """A locked hold."""

    id: UUID
    state: HoldState
    expires_at: datetime
    pool_ids: tuple[int, ...]


class LinesRow(Struct, frozen=True):
    """The lines of a locked hold."""

    id: UUID
    lines: tuple[HoldLine, ...]


class NewHold(Struct, frozen=True):
    id: UUID
    holder: str
    pool_ids: tuple[int, ...]
    expires_at: datetime
    created_at: datetime


class NewLine(Struct, frozen=True):
    pool_id: int
    hold_id: UUID
    quantity: int
    expires_at: datetime


class StateOfHold(Struct, frozen=True):
    id: UUID
    state: HoldState
    changed_at: datetime


NEW_HOLDS = Writer(_PACKAGE, "holds", NewHold)
NEW_LINES = Writer(_PACKAGE, "hold_lines", NewLine)
STATES = Writer(_PACKAGE, "hold_states", StateOfHold)

LINES = Lock("pools.hold_lines", _DESK.lines_of_holds, LinesRow)
HOLDS = Lock("pools.holds", _DESK.lock_holds, HoldRow, leads_to=lambda row: {POOLS: row.pool_ids, LINES: (row.id,)})


def hold(draft: Draft, request: HoldRequest) -> Held:
    """Refusals: `PoolUnknown`, `NotEnough`.

    The new hold is not put into the draft: the writers of a batch run in no order, so a claim that arrives in the same
    batch could not end what is only being made. It is refused (`HoldUnknown`): nobody was told of the hold yet.
    """

    def available(pool_id: int) -> int:
        row = pool(draft, pool_id)
        return row.on_hand - row.held

    chosen = serve(request.wants, available)
    quantities: dict[int, int] = {}  # two wants served by one pool are one line
    for want, pool_id in zip(request.wants, chosen, strict=True):
        quantities[pool_id] = quantities.get(pool_id, 0) + want.quantity
    draft.add(
        NEW_HOLDS, NewHold(request.hold_id, request.holder, tuple(quantities), request.expires_at, draft.recorded_at)
    )
    for pool_id, quantity in quantities.items():
        keep(draft, pool_id, quantity)
        draft.add(NEW_LINES, NewLine(pool_id, request.hold_id, quantity, request.expires_at))
    lines = tuple(HoldLine(pool_id, quantity) for pool_id, quantity in quantities.items())
    return Held(request.hold_id, "held", request.expires_at, lines)


def claim(draft: Draft, request: ClaimRequest) -> Held:
    """Refusals: `HoldUnknown`, `HoldEnded`, `HoldExpired`."""
    row, lines = _open_hold(draft, request.hold_id)
    for line in lines:
        if not line.live:
            there = pool(draft, line.pool_id)
            if there.on_hand - there.held < line.quantity:
                raise HoldExpired(
                    hold_id=row.id,
                    pool_id=line.pool_id,
                    wanted=line.quantity,
                    available=there.on_hand - there.held,
                )
    for line in lines:
        if line.live:
            keep(draft, line.pool_id, -line.quantity)
            draft.add(CLOSE_LINES, ClosedLine(line.pool_id, row.id))
        move(draft, line.pool_id, -line.quantity, request.cause)
    return _end(draft, row, "claimed", lines)


def release(draft: Draft, request: ReleaseRequest) -> Held:
    """Refusals: `HoldUnknown`, `HoldEnded`."""
    row, lines = _open_hold(draft, request.hold_id)
    for line in lines:
        if line.live:
            keep(draft, line.pool_id, -line.quantity)
            draft.add(CLOSE_LINES, ClosedLine(line.pool_id, row.id))
    return _end(draft, row, "released", lines)


def _open_hold(draft: Draft, hold_id: UUID) -> tuple[HoldRow, tuple[HoldLine, ...]]:
    row = draft.get(HOLDS, hold_id)
    if row is None:
        raise HoldUnknown(hold_id=hold_id)
    if row.state != "held":
        raise HoldEnded(hold_id=hold_id, state=row.state)
    found = draft.get(LINES, hold_id)
    lines = found.lines if found else ()
    # What this batch has just given back counts as closed, though its row is not written yet.
    return row, tuple(
        HoldLine(line.pool_id, line.quantity, line.live and not _closed(draft, line.pool_id, hold_id)) for line in lines
    )


def _closed(draft: Draft, pool_id: int, hold_id: UUID) -> bool:
    return any(line.hold_id == hold_id for line in pool(draft, pool_id).expired)


def _end(draft: Draft, row: HoldRow, state: HoldState, lines: Iterable[HoldLine]) -> Held:
    draft.add(STATES, StateOfHold(row.id, state, draft.recorded_at))
    closed = tuple(HoldLine(line.pool_id, line.quantity, False) for line in lines)
    draft.put(HOLDS, row.id, structs.replace(row, state=state))
    return Held(row.id, state, row.expires_at, closed)


kinds = (
    Kind("hold", HoldRequest, Held, locks=lambda r: {POOLS: pools_of(r.wants)}, decide=hold),
    Kind("claim", ClaimRequest, Held, locks=lambda r: {HOLDS: (r.hold_id,)}, decide=claim),
    Kind("release", ReleaseRequest, Held, locks=lambda r: {HOLDS: (r.hold_id,)}, decide=release),
)
# A hold before its pools, its lines last: see LINES.
locks = (HOLDS, POOLS, LINES)
finishes = (Finish(write_balances),)
