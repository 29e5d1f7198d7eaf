"""The kinds of work that pools bring to the desk: hold, secure, claim, release; and the one write per touched row."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.pools.commands import (
    BREAKABLE,
    POOLS,
    LineRow,
    available,
    keep,
    line_of,
    move,
    pool,
    pools_of,
    put_line,
    write_balances,
)
from lotse.domains.pools.contracts import (
    ClaimRequest,
    Firmness,
    Held,
    HoldEnded,
    HoldExpired,
    HoldLine,
    HoldRequest,
    HoldState,
    HoldUnknown,
    Limits,
    NotEnough,
    OpenHold,
    ReleaseRequest,
    SecureRequest,
    TooManyHolds,
)
from lotse.domains.pools.rules import FLOOR, check_limits, check_wants, for_origin, frees_at, serve, share_left
from lotse.kernel.desk import Draft, Finish, Kind, Lock
from lotse.kernel.rows import Writer
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

_PACKAGE = "lotse.domains.pools"
_DESK = statements(_PACKAGE, "desk")


class HoldRow(Struct, frozen=True):
    """A locked hold, or one that this batch makes."""

    id: UUID
    holder: str
    origin: str
    state: HoldState
    firmness: Firmness
    expires_at: datetime
    pool_ids: tuple[int, ...]
    new: bool = False
    touched: bool = False


class LinesRow(Struct, frozen=True):
    """The lines of a locked hold."""

    id: UUID
    lines: tuple[LineRow, ...]


class HolderRow(Struct, frozen=True):
    """The soft holds of one party or origin, locked: bounded by its limit, so nobody counts holds."""

    id: str
    open: tuple[OpenHold, ...] = ()
    touched: bool = False


class NewHold(Struct, frozen=True):
    id: UUID
    holder: str
    origin: str
    pool_ids: tuple[int, ...]
    state: HoldState
    firmness: Firmness
    expires_at: datetime
    created_at: datetime


class StateOfHold(Struct, frozen=True):
    id: UUID
    state: HoldState
    firmness: Firmness
    expires_at: datetime
    changed_at: datetime


class StateOfHolder(Struct, frozen=True):
    id: str
    open: tuple[OpenHold, ...]
    until: datetime


NEW_HOLDS = Writer(_PACKAGE, "holds", NewHold)
STATES = Writer(_PACKAGE, "hold_states", StateOfHold)
HOLDER_STATES = Writer(_PACKAGE, "holders", StateOfHolder)


def forget_expired(draft: Draft) -> None:
    """What has expired counts for no limit, whether its pools were swept or not."""
    for row in list(draft.all(HOLDERS).values()):
        still = tuple(hold for hold in row.open if hold.expires_at > draft.recorded_at)
        draft.put(HOLDERS, row.id, structs.replace(row, open=still))


def _lower(row: HoldRow) -> Mapping[Lock[Any], Iterable[Hashable]]:
    holders = _holders(row.holder, row.origin) if row.firmness == "soft" else ()
    return {HOLDERS: holders, POOLS: row.pool_ids, LINES: (row.id,)}


HOLDS = Lock("pools.holds", _DESK.lock_holds, HoldRow, leads_to=_lower)
HOLDERS = Lock("pools.holders", _DESK.lock_holders, HolderRow, read=_DESK.open_holds, freshen=forget_expired)
LINES = Lock("pools.hold_lines", _DESK.lines_of_holds, LinesRow)


@cache  # read from the environment once; a desk lives with the settings it was started with
def limits() -> Limits:
    """What soft holds of one party may take."""
    settings = Settings.load()
    return Limits(settings.hold_most, settings.hold_most_units, settings.hold_most_percent, FLOOR)


def hold(draft: Draft, request: HoldRequest) -> Held:
    """Refusals, in this order: `InvalidHold`, `PoolUnknown`, `TooManyHolds`, `NotEnough`."""
    check_wants(request.wants)
    for pool_id in sorted(pools_of(request.wants)):
        pool(draft, pool_id)
    soft = request.firmness == "soft"
    chosen = _serve_within_limits(draft, request) if soft else serve(request.wants, lambda id: available(draft, id))
    quantities: dict[int, int] = {}  # two wants served by one pool are one line
    for want, pool_id in zip(request.wants, chosen, strict=True):
        quantities[pool_id] = quantities.get(pool_id, 0) + want.quantity
    row = HoldRow(
        request.hold_id,
        request.holder,
        request.origin,
        "held",
        request.firmness,
        request.expires_at,
        tuple(quantities),
        new=True,
    )
    draft.put(HOLDS, row.id, row)
    for pool_id, quantity in quantities.items():
        line = LineRow(pool_id, row.id, quantity, not soft, row.expires_at, True, False, row.holder, new=True)
        _revive(draft, line)
    if soft:
        _count(draft, row, OpenHold(row.id, row.expires_at, tuple(quantities.items())))
    return Held(row.id, "held", row.expires_at, _told(_lines(draft, row)))


def secure(draft: Draft, request: SecureRequest) -> Held:
    """Refusals, in this order: `HoldUnknown`, `HoldEnded`, `HoldExpired`."""
    row, lines = _open(draft, request.hold_id)
    _check_there(draft, row, lines)
    for line in lines:
        kept = structs.replace(
            line, hard=True, broken=False, live=True, expires_at=request.expires_at, holder=row.holder
        )
        if line.live:
            put_line(draft, kept)
        else:
            _revive(draft, kept)
    _uncount(draft, row)
    draft.put(HOLDS, row.id, structs.replace(row, firmness="hard", expires_at=request.expires_at, touched=not row.new))
    return Held(row.id, "held", request.expires_at, _told(_lines(draft, row)))


def claim(draft: Draft, request: ClaimRequest) -> Held:
    """Refusals, in this order: `HoldUnknown`, `HoldEnded`, `HoldExpired`."""
    row, lines = _open(draft, request.hold_id)
    _check_there(draft, row, lines)
    _close(draft, lines)
    for line in lines:
        move(draft, line.pool_id, -line.quantity, request.cause)
    return _end(draft, row, "claimed", lines)


def release(draft: Draft, request: ReleaseRequest) -> Held:
    """Refusals, in this order: `HoldUnknown`, `HoldEnded`."""
    row, lines = _open(draft, request.hold_id)
    _close(draft, lines)
    return _end(draft, row, "claimed" if request.claimed else "released", lines)


def _serve_within_limits(draft: Draft, request: HoldRequest) -> list[int]:
    """Serve what a party may still hold of each pool; who could have it but may not is told that.

    Refusals, in this order: `TooManyHolds` (holds, units), `NotEnough`, `TooManyHolds` (share).
    """
    limited: list[tuple[tuple[OpenHold, ...], Limits]] = []
    for id in _holders(request.holder, request.origin):
        counted = draft.get(HOLDERS, id)
        if counted is None:
            raise LookupError(f"holder {id} is not locked")
        most = limits() if id == _holder(request.holder) else for_origin(limits())
        check_limits(request.wants, counted.open, most)
        limited.append((counted.open, most))

    def allowed(pool_id: int) -> int:
        on_hand = pool(draft, pool_id).on_hand
        shares = [share_left(pool_id, on_hand, open, most) for open, most in limited]
        return min(available(draft, pool_id), *shares)

    try:
        return serve(request.wants, allowed)
    except NotEnough:
        serve(request.wants, lambda pool_id: available(draft, pool_id))
    open, most = limited[0]
    raise TooManyHolds(limit="share", most=most.share_percent, frees_at=frees_at(open))


def _open(draft: Draft, hold_id: UUID) -> tuple[HoldRow, tuple[LineRow, ...]]:
    row = draft.get(HOLDS, hold_id)
    if row is None:
        raise HoldUnknown(hold_id=hold_id)
    if row.state != "held":
        raise HoldEnded(hold_id=hold_id, state=row.state)
    return row, _lines(draft, row)


def _lines(draft: Draft, row: HoldRow) -> tuple[LineRow, ...]:
    """The lines of a hold as the requests before left them: what expired or broke in this batch counts as closed."""
    found = draft.get(LINES, row.id)
    stored = {line.pool_id: line for line in (found.lines if found else ())}
    lines = (line_of(draft, pool_id, row.id) or stored.get(pool_id) for pool_id in sorted(row.pool_ids))
    return tuple(line for line in lines if line is not None)


def _check_there(draft: Draft, row: HoldRow, lines: Iterable[LineRow]) -> None:
    """What is no longer held of a late or broken hold must still be there. Refusals: `HoldEnded`, `HoldExpired`."""
    for line in lines:
        left = available(draft, line.pool_id)
        if line.live or left >= line.quantity:
            continue
        if line.broken:
            raise HoldEnded(hold_id=row.id, state="broken")
        raise HoldExpired(hold_id=row.id, pool_id=line.pool_id, wanted=line.quantity, available=left)


def _revive(draft: Draft, line: LineRow) -> None:
    """A line that counts as held from here on."""
    keep(draft, line.pool_id, line.quantity)
    row = pool(draft, line.pool_id)
    draft.put(POOLS, row.id, structs.replace(row, revived=(*row.revived, line.hold_id)))
    put_line(draft, line)


def _close(draft: Draft, lines: Iterable[LineRow]) -> None:
    for line in lines:
        if line.live:
            keep(draft, line.pool_id, -line.quantity)
            put_line(draft, structs.replace(line, live=False))


def _end(draft: Draft, row: HoldRow, state: HoldState, lines: Iterable[LineRow]) -> Held:
    _uncount(draft, row)
    draft.put(HOLDS, row.id, structs.replace(row, state=state, touched=not row.new))
    return Held(row.id, state, row.expires_at, _told(structs.replace(line, live=False) for line in lines))


def _told(lines: Iterable[LineRow]) -> tuple[HoldLine, ...]:
    return tuple(HoldLine(line.pool_id, line.quantity, line.live, line.broken) for line in lines)


# -- limits per party


def _holder(holder: str) -> str:
    return f"holder:{holder}"


def _holders(holder: str, origin: str) -> tuple[str, ...]:
    """Whose limits a soft hold counts against."""
    return (_holder(holder), f"origin:{origin}") if origin else (_holder(holder),)


def _count(draft: Draft, row: HoldRow, hold: OpenHold) -> None:
    for id in _holders(row.holder, row.origin):
        counted = draft.get(HOLDERS, id)
        if counted is not None:
            draft.put(HOLDERS, id, structs.replace(counted, open=(*counted.open, hold), touched=True))


def _uncount(draft: Draft, row: HoldRow) -> None:
    if row.firmness == "hard":
        return
    for id in _holders(row.holder, row.origin):
        counted = draft.get(HOLDERS, id)
        if counted is not None:
            rest = tuple(hold for hold in counted.open if hold.hold_id != row.id)
            if len(rest) < len(counted.open):
                draft.put(HOLDERS, id, structs.replace(counted, open=rest, touched=True))


# -- what the batch writes


def write_holds(draft: Draft) -> None:
    """Each hold and party that the batch made or changed once, as it stands at the end."""
    at = draft.recorded_at
    for row in draft.all(HOLDS).values():
        if row.new:
            new = NewHold(row.id, row.holder, row.origin, row.pool_ids, row.state, row.firmness, row.expires_at, at)
            draft.add(NEW_HOLDS, new)
        elif row.touched:
            draft.add(STATES, StateOfHold(row.id, row.state, row.firmness, row.expires_at, at))
    for counted in draft.all(HOLDERS).values():
        if counted.touched:
            until = max((hold.expires_at for hold in counted.open), default=at)
            draft.add(HOLDER_STATES, StateOfHolder(counted.id, counted.open, until))


def _hold_locks(request: HoldRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    holders = _holders(request.holder, request.origin) if request.firmness == "soft" else ()
    return {HOLDERS: holders, POOLS: pools_of(request.wants)}


kinds = (
    Kind("hold", HoldRequest, Held, locks=_hold_locks, decide=hold),
    Kind("secure", SecureRequest, Held, locks=lambda r: {HOLDS: (r.hold_id,)}, decide=secure),
    Kind("claim", ClaimRequest, Held, locks=lambda r: {HOLDS: (r.hold_id,)}, decide=claim),
    Kind("release", ReleaseRequest, Held, locks=lambda r: {HOLDS: (r.hold_id,)}, decide=release),
)
# A hold before its party and its pools. Lines come last, without a lock of their own: they belong to who has the pool.
locks = (HOLDS, HOLDERS, POOLS, LINES, BREAKABLE)
finishes = (Finish(write_balances), Finish(write_holds))
