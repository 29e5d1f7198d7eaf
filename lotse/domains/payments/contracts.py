"""What crosses the border of `payments`: methods, payments as they stand, money in and out, charges, the port to
payment providers, refusals, events."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal, Protocol
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal
from lotse.kernel.seams import Seam

State = Literal["open", "partly_paid", "paid", "refund_due", "refunded", "void"]


class Method(Struct, frozen=True):
    """A way to pay. `releases`: goods may leave before the money is there. `days` until it is due.

    A method of a `provider` begins with a charge there; it brings its own `title` and `hint` (English message ids).
    """

    name: str
    releases: bool
    days: int
    provider: str = ""
    title: str = ""
    hint: str = ""


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


class PaymentListing(Struct, frozen=True):
    """A payment in the back office's table."""

    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    legal_entity_id: UUID
    currency: str
    amount_minor: int
    credited_minor: int
    received_minor: int
    refunded_minor: int
    due_at: datetime
    created_at: datetime
    open_minor: int
    state: Literal["open", "refund_due", "refunded", "settled"]


class ChargeListing(Struct, frozen=True):
    """A charge at a provider in the back office's table. `order_id` is None as long as no order stands for it."""

    id: UUID
    provider: str
    method: str
    currency: str
    amount_minor: int
    state: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int
    unplaced_minor: int
    reason: str
    provider_reference: str
    created_at: datetime
    changed_at: datetime
    look_at: datetime | None
    order_id: UUID | None


class Money(Struct, frozen=True):
    """Money that came in or went back for a payment."""

    id: UUID
    kind: Literal["receipt", "refund"]
    reference: str
    amount_minor: int
    actor: str
    occurred_at: datetime


# -- charges: money through a provider

# started: the provider was not asked yet. asked: it was, and no answer is known. waiting: the buyer or the provider has
# to act. authorised: money is reserved; taken: it was captured already; both wait for their order. ordered: the order
# is placed, the money is to be captured. giving_up: what is reserved or taken goes back. The rest are ends.
ChargeState = Literal[
    "started",
    "asked",
    "waiting",
    "authorised",
    "taken",
    "ordered",
    "giving_up",
    "captured",
    "dropped",
    "declined",
    "voided",
    "refunded",
]
# captured to unknown: what a provider may answer. redirect: the buyer has to go to `redirect_url`. challenge: the same,
# for strong customer authentication (3-D Secure). pending: it is still deciding. absent: it knows of no such charge.
# unknown: no answer came in time, anything may be true.
Outcome = Literal[
    "authorised",
    "captured",
    "redirect",
    "challenge",
    "pending",
    "declined",
    "voided",
    "refunded",
    "absent",
    "unknown",
]
RefundState = Literal["asked", "done", "refused"]


class Charge(Struct, frozen=True):
    """An attempt to be paid through a provider, as far as we know. `id` is our reference there.

    The four sums are what the provider has acknowledged. `look_at`: when somebody has to look again; None at its end.
    """

    id: UUID
    provider: str
    method: str
    purpose: str
    purpose_id: UUID
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    state: ChargeState
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    refunded_minor: int
    unplaced_minor: int
    provider_reference: str
    redirect_url: str
    reason: str
    payment_id: UUID | None
    expires_at: datetime
    look_at: datetime | None
    looked_at: datetime
    looks: int
    created_at: datetime
    changed_at: datetime

    @property
    def reserved_minor(self) -> int:
        """Reserved at the provider, neither taken nor given back."""
        return self.authorised_minor - self.captured_minor - self.voided_minor

    @property
    def kept_minor(self) -> int:
        """Taken and not given back."""
        return self.captured_minor - self.refunded_minor

    @property
    def is_open(self) -> bool:
        return self.look_at is not None


class NewCharge(Struct, frozen=True, kw_only=True):
    """What a charge begins with; the buyer has until `expires_at`."""

    id: UUID
    provider: str
    method: str
    purpose: str
    purpose_id: UUID
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    expires_at: datetime


class Happening(Struct, frozen=True):
    """One line of a charge's trail: what was done or heard, what the provider said, how the charge stood then."""

    id: UUID
    charge_id: UUID
    what: str
    outcome: str
    state: ChargeState
    reason: str
    actor: str
    amount_minor: int
    at: datetime


class ChargeRefund(Struct, frozen=True):
    """Money that goes back through the provider. `id` is our reference of the refund there."""

    id: UUID
    charge_id: UUID
    amount_minor: int
    cause: str
    state: RefundState
    reason: str
    actor: str
    look_at: datetime | None
    looks: int
    created_at: datetime
    changed_at: datetime


class RefundToSend(Struct, frozen=True):
    """A job's payload: the refund to ask the provider for."""

    refund_id: UUID


# -- the port: what a payment provider's plugin fills


class Authorise(Struct, frozen=True, kw_only=True):
    """Ask a provider to reserve money (`capture`: and to take it at once).

    `reference` is the idempotency key: asked twice, the provider makes one charge. The buyer is sent back to
    `return_url`; messages go to `webhook_url` where the provider takes it per charge.
    """

    reference: str
    method: str
    amount_minor: int
    currency: str
    description: str
    language: str
    return_url: str
    webhook_url: str
    expires_at: datetime
    capture: bool = False


class Report(Struct, frozen=True, kw_only=True):
    """What a provider says of a charge: in an answer, when asked how it stands, or in a webhook.

    The sums are of the charge's whole life and only ever grow, so that reports may come twice and in any order. A
    provider that tells only of changes must be asked for its status instead of being believed piecemeal.
    """

    outcome: Outcome
    reference: str
    provider_reference: str = ""
    authorised_minor: int = 0
    captured_minor: int = 0
    voided_minor: int = 0
    refunded_minor: int = 0
    redirect_url: str = ""
    # Why it was declined: a code such as `insufficient-funds`.
    reason: str = ""


class Notice(Struct, frozen=True):
    """A webhook that is what it says it is. `event_id` is the provider's: told twice, it is the same one."""

    event_id: str
    report: Report


class Provider(Protocol):
    """A payment provider. One per plugin `pay_*`, registered in `providers` under its name.

    Every verb has a deadline and never raises for what a network does: no answer is the outcome `unknown`. Every verb
    is safe to repeat with the same references. After an acknowledged `void` of a reference that the provider never
    saw, a late `authorise` of it reserves nothing.
    """

    def methods(self) -> Sequence[Method]:
        """The ways to pay that it offers here; none while it is not set up."""
        ...

    def captures_at_once(self, method: str) -> bool:
        """Whether money is taken with the authorisation; else once the order is placed."""
        ...

    async def authorise(self, ask: Authorise) -> Report: ...

    async def capture(self, reference: str, *, amount_minor: int, currency: str) -> Report: ...

    async def void(self, reference: str) -> Report:
        """Give back what is reserved, and end the charge."""
        ...

    async def refund(self, reference: str, *, refund_reference: str, amount_minor: int, currency: str) -> Report:
        """Give back money that was taken. `refund_reference` is the idempotency key.

        Outcome `refunded` when it is done, `declined` when it will never be.
        """
        ...

    async def status(self, reference: str) -> Report: ...

    def webhook(self, headers: Mapping[str, str], body: bytes, *, at: datetime) -> Notice:
        """Verify and read a message; `headers` have small letters. Refusal: `WebhookForged`."""
        ...


# Ways to pay that need no provider: an invoice for clubs, cash at the counter. Each brings its `title` and `hint`.
methods: Seam[Method] = Seam("payment methods", since="0.1.0")

# Filled by plugins, Lotse's own (`lotse.plugins.pay_*`) and those of retailers (entry point group `lotse.plugins`).
providers: Seam[Provider] = Seam("payment providers", since="0.1.0")


class MethodNeedsCharge(Refusal, status=422, title="This way to pay begins with a payment"):
    """Start it at `/api/v1/baskets/{basket_id}/payments`; the order follows when the money is there."""

    method: str


class ChargeUnknown(Refusal, status=404, title="No such charge"):
    charge_id: UUID


class ChargeUnderWay(Refusal, status=409, title="This is being paid already"):
    """Another attempt has money reserved for it: look at that one."""

    charge_id: UUID


class ChargeNotReady(Refusal, status=409, title="The charge does not stand so that this can be done"):
    charge_id: UUID
    state: ChargeState


class RefundUnderWay(Refusal, status=409, title="More than may be refunded"):
    """What is on its way back counts already."""

    amount_minor: int
    refundable_minor: int


class ProviderUnknown(Refusal, status=404, title="No such payment provider"):
    provider: str


class WebhookForged(Refusal, status=400, title="This message does not come from the provider"):
    """Its signature is missing, wrong or too old, or it cannot be read."""

    provider: str
    rule: str


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


class ChargeReported(Struct, frozen=True, tag="payments.ChargeReported"):
    """A provider told by itself how a charge stands, and that changed something."""

    version: ClassVar[int] = 1
    charge_id: UUID
    purpose: str
    purpose_id: UUID
    state: str

    @property
    def key(self) -> str:
        return str(self.purpose_id)
