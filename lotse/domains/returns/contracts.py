"""What crosses the border of `returns`: declarations of withdrawal, refusals, events."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from lotse.kernel.refusals import Refusal

# What signed links to an acknowledgement are made for.
WITHDRAWAL_LINK = "withdrawal"

# Where it was declared: the public form, or the page of the order.
Way = Literal["form", "order"]


class Part(Struct, frozen=True):
    """Pieces of an order's line that somebody withdraws from, with the line's text."""

    position: int
    quantity: int
    text: str = ""


class Declare(Struct, frozen=True, kw_only=True):
    """A declaration. `parts`: by line, where the order is known; empty: everything. `what`: in the buyer's words."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    order_number: Annotated[str, Meta(min_length=1, max_length=80)]
    email: Annotated[str, Meta(min_length=3, max_length=254)]
    what: Annotated[str, Meta(max_length=2000)] = ""
    parts: tuple[Part, ...] = ()


class Withdrawal(Struct, frozen=True):
    """A declaration as it arrived. `order_id`: the order of ours that it names. Name and mail are empty once erased."""

    id: UUID
    number: str
    shop_id: UUID
    order_id: UUID | None
    order_number: str
    name: str
    email: str
    what: str
    parts: list[Part]
    way: Way
    language: str
    declared_at: datetime
    settled_at: datetime | None
    settled_by: str
    note: str

    @property
    def state(self) -> str:
        return "settled" if self.settled_at else "open"


class WithdrawalListing(Struct, frozen=True):
    """A row of the back office's table."""

    id: UUID
    number: str
    shop_id: UUID
    order_number: str
    name: str
    email: str
    way: Way
    state: Literal["open", "settled"]
    matched: bool
    declared_at: datetime


class StoredWithdrawals(Struct, frozen=True):
    """What declarations keep about a person, for their export."""

    withdrawals: list[Withdrawal]


class WithdrawalDeclared(Struct, frozen=True, tag="returns.WithdrawalDeclared"):
    """Somebody withdrew from a contract; read it, the event carries no personal data."""

    withdrawal_id: UUID
    order_id: UUID | None
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.order_id or self.withdrawal_id)


class WithdrawalSettled(Struct, frozen=True, tag="returns.WithdrawalSettled"):
    """Staff has dealt with a declaration."""

    withdrawal_id: UUID
    order_id: UUID | None
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.order_id or self.withdrawal_id)


class WithdrawalUnknown(Refusal, status=404, title="There is no such withdrawal"):
    withdrawal: str


class NothingNamed(Refusal, status=422, title="Nothing to withdraw from was named"):
    """At least one piece of a line."""


class NotOfThisOrder(Refusal, status=422, title="The order has no such line, or fewer pieces of it"):
    position: int


class TooManyDeclarations(Refusal, status=429, title="Too many declarations from one address"):
    """They have all arrived; for more, please write to us."""

    most: int


class AlreadySettled(Refusal, status=409, title="It was settled before"):
    number: str
