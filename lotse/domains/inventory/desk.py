"""The kinds of work that inventory brings to the desk: receive, adjust, transfer."""

from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.inventory.contracts import DocumentKind, InvalidMove, Moved, MoveRequest, StockChange
from lotse.domains.pools.commands import BREAKABLE, POOLS, PoolRow, breakable, lose, move, was_counted_since
from lotse.domains.pools.contracts import Cause
from lotse.kernel.desk import Draft, Kind, Lock
from lotse.kernel.ids import uuid7
from lotse.kernel.rows import Writer

# A delivery of a season has some thousand positions; more than this is an import and comes in parts.
MAX_CHANGES = 5_000

# The word that a movement carries for each kind of paper.
REASONS: dict[DocumentKind, str] = {"receipt": "received", "adjustment": "adjusted", "transfer": "transferred"}


class DocumentRow(Struct, frozen=True):
    id: UUID
    kind: DocumentKind
    reference: str
    note: str
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class LogRow(Struct, frozen=True):
    """A paper's entry in the log of changes: with whom, from where and why."""

    id: UUID
    subject: str
    actor: str
    new: Mapping[str, Any]
    reason: str
    recorded_at: datetime
    origin_kind: str
    origin: str
    address: str
    session: str
    request: str


DOCUMENTS = Writer("lotse.domains.inventory", "documents", DocumentRow)
LOG = Writer("lotse.domains.inventory", "log", LogRow)


def decide(draft: Draft, request: MoveRequest) -> Moved:
    """What is counted or broken is as it is: an adjustment below what is held breaks holds. A transfer can wait.

    Refusals, in this order: `InvalidMove`, `PoolUnknown`, `NotEnough`, `BelowHeld` (a transfer).
    """
    _check(request)
    cause = Cause(
        REASONS[request.kind],
        request.kind,
        request.document_id,
        request.actor,
        request.occurred_at,
        request.note or request.reference or None,
    )
    on_hand = tuple(_moved(draft, request, change, cause).on_hand for change in request.changes)
    draft.add(
        DOCUMENTS,
        DocumentRow(
            request.document_id,
            request.kind,
            request.reference,
            request.note,
            request.actor,
            request.occurred_at,
            draft.recorded_at,
        ),
    )
    deltas = [change.delta for change in request.changes]
    draft.add(
        LOG,
        LogRow(
            uuid7(),
            f"inventory.document:{request.document_id}",
            request.actor,
            {
                "kind": request.kind,
                "reference": request.reference,
                "positions": len(deltas),
                # Of a transfer, what moves: it sums to zero.
                "pieces": sum(max(delta, 0) for delta in deltas) if request.kind == "transfer" else sum(deltas),
            },
            request.note,
            draft.recorded_at,
            **request.origin.columns(),
        ),
    )
    return Moved(request.document_id, request.kind, on_hand)


def _moved(draft: Draft, request: MoveRequest, change: StockChange, cause: Cause) -> PoolRow:
    if _breaks(request, change):
        return lose(draft, change.pool_id, -change.delta, cause)
    if request.kind == "adjustment" or not was_counted_since(draft, change.pool_id, request.occurred_at):
        return move(draft, change.pool_id, change.delta, cause)
    # It came or went before somebody counted, and is told after: the count has it already.
    counted = replace(cause, reason="counted")
    first, then = (cause, counted) if change.delta > 0 else (counted, cause)
    move(draft, change.pool_id, abs(change.delta), first)
    return move(draft, change.pool_id, -abs(change.delta), then)


def _check(request: MoveRequest) -> None:
    deltas = [change.delta for change in request.changes]
    if not 1 <= len(deltas) <= MAX_CHANGES:
        raise InvalidMove(rule=f"from 1 to {MAX_CHANGES} positions")
    if 0 in deltas:
        raise InvalidMove(rule="a position that changes nothing is left out")
    if request.kind == "receipt" and min(deltas) < 0:
        raise InvalidMove(rule="a receipt only adds")
    if request.kind == "transfer" and sum(deltas):
        raise InvalidMove(rule="what leaves one place arrives at another: a transfer sums to zero")


def _breaks(request: MoveRequest, change: StockChange) -> bool:
    return request.kind == "adjustment" and change.delta < 0


def _locks(request: MoveRequest) -> Mapping[Lock[Any], Iterable[Hashable]]:
    return {
        POOLS: {change.pool_id for change in request.changes},
        BREAKABLE: {
            breakable(change.pool_id, -change.delta, request.document_id, position)
            for position, change in enumerate(request.changes)
            if _breaks(request, change)
        },
    }


kinds = (
    Kind("receive", MoveRequest, Moved, locks=_locks, decide=decide),
    Kind("adjust", MoveRequest, Moved, locks=_locks, decide=decide),
    Kind("transfer", MoveRequest, Moved, locks=_locks, decide=decide),
)
