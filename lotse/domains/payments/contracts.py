"""What crosses the border of `payments`: methods, payments as they stand, money in and out, refusals, events."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

State = Literal["open", "partly_paid", "paid", "refund_due", "refunded", "void"]


class Method(Struct, frozen=True):
    """A way to pay. `releases`: goods may leave before the money is there. `days` until it is due."""

    name: str
    releases: bool
    days: int


class NewPayment(Struct, frozen=True):
    """What will be owed. With `settled` the money is there already, under that reference (a till, an import)."""

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    due_at: datetime
    settled: str | None = None


class Payment(Struct, frozen=True):
    """A payment as it stands; all amounts in minor units of its currency."""

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    credited_minor: int
    received_minor: int
    refunded_minor: int
    due_at: datetime
    created_at: datetime

    @property
    def open_minor(self) -> int:
        """What is still owed to us; negative: what we owe back."""
        return self.amount_minor - self.credited_minor - self.received_minor + self.refunded_minor

    @property
    def refundable_minor(self) -> int:
        """What may go back: never more than came in, never so much that something is owed again."""
        return max(0, -self.open_minor)

    @property
    def state(self) -> State:
        if self.open_minor < 0:
            return "refund_due"
        if self.amount_minor and self.credited_minor == self.amount_minor:
            return "refunded" if self.refunded_minor else "void"
        if self.open_minor == 0:
            return "paid"
        return "partly_paid" if self.received_minor > self.refunded_minor else "open"


class Money(Struct, frozen=True):
    """Money that came in or went back for a payment."""

    id: UUID
    kind: Literal["receipt", "refund"]
    reference: str
    amount_minor: int
    actor: str
    occurred_at: datetime


class MethodUnknown(Refusal, status=422, title="No such way to pay"):
    method: str
    known: tuple[str, ...]


class PaymentUnknown(Refusal, status=404, title="No such payment"):
    payment_id: UUID


class AmountNotPositive(Refusal, status=422, title="The amount must be positive"):
    amount_minor: int


class ReferenceReused(Refusal, status=409, title="This reference stands for another amount"):
    """The bank's or provider's reference names one transfer for ever."""

    reference: str
    amount_minor: int


class MoreThanRefundable(Refusal, status=409, title="More than may be refunded"):
    """Only what came in beyond what is owed goes back."""

    amount_minor: int
    refundable_minor: int


class Received(Struct, frozen=True, tag="payments.Received"):
    """Money came in. `open_minor` is what is still owed after it."""

    version: ClassVar[int] = 1
    payment_id: UUID
    purpose: str
    purpose_id: UUID
    amount_minor: int
    currency: str
    open_minor: int

    @property
    def key(self) -> str:
        return str(self.purpose_id)


class Refunded(Struct, frozen=True, tag="payments.Refunded"):
    """Money went back."""

    version: ClassVar[int] = 1
    payment_id: UUID
    purpose: str
    purpose_id: UUID
    amount_minor: int
    currency: str

    @property
    def key(self) -> str:
        return str(self.purpose_id)
