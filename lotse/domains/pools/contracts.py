"""What crosses the border of `pools`: balances, movements, holds, and the refusals about quantities."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

HoldState = Literal["held", "claimed", "released", "expired", "broken"]


class Balance(Struct, frozen=True):
    """A pool as it stands; `available` can be given, in the smallest unit of whatever it counts."""

    pool_id: int
    on_hand: int
    held: int

    @property
    def available(self) -> int:
        return self.on_hand - self.held


class Cause(Struct, frozen=True):
    """Why a quantity changes: the word, what caused it, who did it, and when it happened."""

    reason: str
    ref_kind: str
    ref_id: UUID
    actor: str
    occurred_at: datetime
    note: str | None = None


class Movement(Struct, frozen=True):
    """One change of one pool."""

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


class ExplainedMovement(Movement, frozen=True):
    """A movement with the balance that it left."""

    balance_after: int


class HoldLine(Struct, frozen=True):
    """A quantity of one pool; `live` while it counts as held."""

    pool_id: int
    quantity: int
    live: bool = True


class Hold(Struct, frozen=True):
    """A claim on quantities, all or nothing, until it expires."""

    id: UUID
    holder: str
    state: HoldState
    expires_at: datetime
    lines: tuple[HoldLine, ...]


class Want(Struct, frozen=True):
    """A quantity that any one of several pools may give, the first that can, in this order."""

    quantity: int
    pool_ids: tuple[int, ...]


class HoldRequest(Struct, frozen=True):
    """Hold all wants until `expires_at`. `hold_id` is drawn by the caller."""

    hold_id: UUID
    holder: str
    wants: tuple[Want, ...]
    expires_at: datetime


class ClaimRequest(Struct, frozen=True):
    """Take what a hold holds. A late claim takes it again if it is still there."""

    hold_id: UUID
    cause: Cause


class ReleaseRequest(Struct, frozen=True):
    """Give back what a hold holds."""

    hold_id: UUID


class Held(Struct, frozen=True):
    """The hold as it stands after the request."""

    hold_id: UUID
    state: HoldState
    expires_at: datetime
    lines: tuple[HoldLine, ...]


class Shortage(Struct, frozen=True):
    """A want that no pool can serve: its place in the request, and the most that any of its pools has."""

    want: int
    wanted: int
    available: int


class NotEnough(Refusal, status=409, title="There is not enough left"):
    """Every want that cannot be served, so that the caller can say so at once and not one by one."""

    shortages: tuple[Shortage, ...]


class BelowHeld(Refusal, status=409, title="Less would be left than is promised to others"):
    """Giving this much away would break holds."""

    pool_id: int
    on_hand: int
    held: int
    delta: int


class PoolUnknown(Refusal, status=404, title="No such pool"):
    pool_id: int


class HoldUnknown(Refusal, status=404, title="No such hold"):
    hold_id: UUID


class HoldEnded(Refusal, status=409, title="This hold has ended"):
    """It was claimed, released or broken before."""

    hold_id: UUID
    state: HoldState


class HoldExpired(Refusal, status=409, title="The hold has expired and what it held is gone"):
    hold_id: UUID
    pool_id: int
    wanted: int
    available: int


class RanOut(Struct, frozen=True, tag="pools.RanOut"):
    """Nothing of a pool can be given any more."""

    version: ClassVar[int] = 1
    pool_id: int

    @property
    def key(self) -> str:
        return str(self.pool_id)


class Refilled(Struct, frozen=True, tag="pools.Refilled"):
    """Something of a pool can be given again."""

    version: ClassVar[int] = 1
    pool_id: int

    @property
    def key(self) -> str:
        return str(self.pool_id)
