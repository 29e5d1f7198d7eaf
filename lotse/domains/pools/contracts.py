"""What crosses the border of `pools`: balances, movements, holds, and the refusals about quantities."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

HoldState = Literal["held", "claimed", "released", "expired", "broken"]
# hard: somebody has paid for it, or was promised it by a person. Soft holds break first and are limited per party.
Firmness = Literal["soft", "hard"]
HoldLimit = Literal["holds", "units", "share"]


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


class SinceCount(Struct, frozen=True):
    """What of one reason has moved a pool since somebody counted last; all None but the count where nothing has."""

    counted_id: UUID | None
    counted_at: datetime | None
    counted_by: str | None
    counted_note: str | None
    reason: str | None
    delta: int | None
    times: int | None


class LiveLine(Struct, frozen=True):
    """What one hold takes of a pool at the moment."""

    pool_id: int
    hold_id: UUID
    quantity: int
    expires_at: datetime
    hard: bool
    holder: str


class HoldLine(Struct, frozen=True):
    """A quantity of one pool; `live` while it counts as held, `broken` if the stock was found to be less."""

    pool_id: int
    quantity: int
    live: bool = True
    broken: bool = False


class Hold(Struct, frozen=True):
    """A claim on quantities, all or nothing, until it expires."""

    id: UUID
    holder: str
    state: HoldState
    expires_at: datetime
    lines: tuple[HoldLine, ...]
    firmness: Firmness = "soft"


class OpenHold(Struct, frozen=True):
    """A soft hold as it counts against its party's limits: how much of which pool until when."""

    hold_id: UUID
    expires_at: datetime
    lines: tuple[tuple[int, int], ...]


class Limits(Struct, frozen=True):
    """What soft holds of one party may take: so many at a time, so many units in all, so much of one pool.

    Of a pool it is `share_percent` of what is there, but always `floor` units.
    """

    holds: int
    units: int
    share_percent: int
    floor: int


class Want(Struct, frozen=True):
    """A quantity that any one of several pools may give, the first that can, in this order."""

    quantity: int
    pool_ids: tuple[int, ...]


class HoldRequest(Struct, frozen=True):
    """Hold all wants until `expires_at`. `hold_id` is drawn by the caller, a UUIDv7: the newest break first.

    `holder` is whose it is (`customer:<id>`, `basket:<id>`); soft holds are limited per holder. A guest draws a new
    basket for nothing, so for guests `origin` says where they come from (`rules.origin_of`) and is limited as well.
    """

    hold_id: UUID
    holder: str
    wants: tuple[Want, ...]
    expires_at: datetime
    origin: str = ""
    firmness: Firmness = "soft"


class SecureRequest(Struct, frozen=True):
    """Make a hold hard, because its payment is authorised, and keep it until `expires_at`.

    What expired or broke of it meanwhile is held again if it is still there.
    """

    hold_id: UUID
    expires_at: datetime


class ClaimRequest(Struct, frozen=True):
    """Take what a hold holds. A late claim takes it again if it is still there."""

    hold_id: UUID
    cause: Cause


class ReleaseRequest(Struct, frozen=True):
    """Give back what a hold holds. `claimed`: for a kind of a higher domain that takes it from the pools itself, in the
    same batch (an order is placed for it)."""

    hold_id: UUID
    claimed: bool = False


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


class InvalidHold(Refusal, status=422, title="This cannot be held"):
    """`rule` says what is allowed."""

    rule: str


class TooManyHolds(Refusal, status=409, title="Too much is held for you already; pay or give back some of it first"):
    """Soft holds of one party, or of all guests of one origin, are at a limit: holds, units, or percent of a pool.

    `most` is that limit; `frees_at` is when the first of them expires, if there is one.
    """

    limit: HoldLimit
    most: int
    frees_at: datetime | None


class BelowHeld(Refusal, status=409, title="Less would be left than is promised to others"):
    """Giving this much away would break holds, and nothing forces it."""

    pool_id: int
    on_hand: int
    held: int
    delta: int


class PoolUnknown(Refusal, status=404, title="No such pool"):
    pool_id: int


class HoldUnknown(Refusal, status=404, title="No such hold"):
    hold_id: UUID


class HoldEnded(Refusal, status=409, title="This hold has ended"):
    """It was claimed or released before; or it was broken and what it held is gone."""

    hold_id: UUID
    state: HoldState


class HoldExpired(Refusal, status=409, title="The hold has expired and what it held is gone"):
    hold_id: UUID
    pool_id: int
    wanted: int
    available: int


class HoldBroken(Struct, frozen=True, tag="pools.HoldBroken"):
    """Less was found of a pool than was held: this much of a hold is gone. The rest of it is still held.

    One event for each pool of a hold that breaks. The hold can still be claimed if the goods turn up in time.
    """

    version: ClassVar[int] = 1
    hold_id: UUID
    holder: str
    pool_id: int
    quantity: int
    firmness: Firmness

    @property
    def key(self) -> str:
        return str(self.hold_id)


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
