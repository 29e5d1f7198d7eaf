"""What crosses the border of `orders`: what is asked of the desk, orders as they stand, refusals, events."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from msgspec import Meta, Struct

from lotse.domains.customers.contracts import Address
from lotse.domains.parties.contracts import Channel
from lotse.domains.payments.contracts import NewPayment
from lotse.kernel.refusals import Refusal

# What signed links to an order are made for; whoever holds one is its buyer.
ORDER_LINK = "order"

LineKind = Literal["goods", "shipping", "charge"]
AmendmentKind = Literal["cancellation", "return", "credit"]


class Source(Struct, frozen=True):
    """A pool that may serve a line, and the location where it lies."""

    pool_id: int
    location_id: UUID


class PlaceLine(Struct, frozen=True, kw_only=True):
    """A line as it will stand for ever. Goods name the pools that may serve them, in order of preference."""

    kind: LineKind = "goods"
    offer_id: UUID | None = None
    variant_id: UUID | None = None
    seller_party_id: UUID | None = None
    sku: str
    text: str
    quantity: int
    unit: str = "piece"
    unit_price: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    tax_country: str
    rule_ids: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


class Contact(Struct, frozen=True, kw_only=True):
    """Who ordered and where it goes; kept apart from the order because it is erased before it."""

    email: str = ""
    phone: str = ""
    billing: Address
    delivery: Address | None = None


class Promised(Struct, frozen=True):
    """By when the buyer was told that it arrives, as it was shown to them: an estimate, from `earliest` to `latest`."""

    earliest: date
    latest: date
    shown_at: datetime


class PlaceRequest(Struct, frozen=True, kw_only=True):
    """Everything about an order to be placed; ids are drawn by the caller, amounts come from the pricing function."""

    order_id: UUID
    number: str | None = None
    shop_id: UUID
    channel: Channel
    legal_entity_id: UUID
    zone: str
    customer_id: UUID | None = None
    currency: str
    language: str
    gross: bool
    lines: tuple[PlaceLine, ...]
    contact: Contact | None = None
    payment: NewPayment
    released: bool
    actor: str
    placed_at: datetime
    promised: Promised | None = None


class Placed(Struct, frozen=True):
    """The answer to a placed order."""

    order_id: UUID
    number: str
    payment_id: UUID
    gross_minor: int
    currency: str
    placed_at: datetime


class TillLine(Struct, frozen=True):
    """Pieces of an article that were sold at a till; `gross_minor` is what was paid for all of them, tax included."""

    sku: Annotated[str, Meta(min_length=1, max_length=200)]
    quantity: Annotated[int, Meta(ge=1, le=10_000_000)]
    gross_minor: Annotated[int, Meta(ge=0, le=1_000_000_000_000)]
    # As printed on the receipt; without it the product's name.
    text: Annotated[str, Meta(max_length=500)] = ""


class TillSale(Struct, frozen=True, kw_only=True):
    """A sale that has happened at a till: the goods have left `location`, the money is there.

    Till and receipt number name it for ever; together they are the order's number. A till's name has no hyphen, so no
    two pairs make the same number, and begins with a letter, so it is none that Lotse draws.
    """

    till: Annotated[str, Meta(pattern="^[A-Za-z][A-Za-z0-9_]{0,31}$")]
    receipt: Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
    location: Annotated[str, Meta(min_length=1, max_length=63)]
    lines: Annotated[tuple[TillLine, ...], Meta(min_length=1, max_length=1_000)]
    method: Literal["cash", "card"] = "cash"
    occurred_at: Annotated[datetime, Meta(tz=True)]

    @property
    def number(self) -> str:
        return f"{self.till}-{self.receipt}"


class TakeBack(Struct, frozen=True, kw_only=True):
    """Part of an order's line; without an amount its share of the line's. `restock`: the pool that it goes back to."""

    position: int
    quantity: int
    gross_minor: int | None = None
    restock: int | None = None


class AmendRequest(Struct, frozen=True, kw_only=True):
    """Take back parts of an order. `order` is as it was placed; the desk reads what has happened to it since."""

    amendment_id: UUID
    kind: AmendmentKind
    order: "OrderFacts"
    lines: tuple[TakeBack, ...]
    reason: str
    actor: str
    occurred_at: datetime
    # The reference of the transfer if the money has gone back already.
    refunded: str | None = None


class LineFacts(Struct, frozen=True):
    """What the desk must know of a line to take it back."""

    position: int
    variant_id: UUID | None
    kind: LineKind
    sku: str
    text: str
    quantity: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal


class OrderFacts(Struct, frozen=True):
    """What the desk must know of an order to amend it."""

    id: UUID
    number: str
    legal_entity_id: UUID
    zone: str
    customer_id: UUID | None
    payment_id: UUID
    currency: str
    lines: tuple[LineFacts, ...]


class CreditLine(Struct, frozen=True, kw_only=True):
    """A line of a credit without a sale."""

    variant_id: UUID | None = None
    sku: str
    text: str
    quantity: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    restock: int | None = None


class CreditRequest(Struct, frozen=True, kw_only=True):
    """Credit somebody without an order of ours to hold it against."""

    amendment_id: UUID
    legal_entity_id: UUID
    zone: str
    customer_id: UUID | None = None
    currency: str
    lines: tuple[CreditLine, ...]
    reason: str
    actor: str
    occurred_at: datetime


class Amended(Struct, frozen=True):
    """The answer to a cancellation, return or credit. `gross_minor` is what is owed back."""

    amendment_id: UUID
    kind: AmendmentKind
    order_id: UUID | None
    gross_minor: int
    currency: str


class Line(Struct, frozen=True):
    """A line as it was sold, and how much of it was taken back since."""

    position: int
    kind: LineKind
    offer_id: UUID | None
    variant_id: UUID | None
    seller_party_id: UUID | None
    legal_entity_id: UUID
    sku: str
    text: str
    quantity: int
    unit: str
    unit_price: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    tax_country: str
    rule_ids: list[str]
    pool_id: int | None
    location_id: UUID | None
    taken_back: int
    credited_minor: int


class AmendmentLine(Struct, frozen=True):
    """Part of an amendment."""

    position: int
    order_position: int | None
    variant_id: UUID | None
    sku: str
    text: str
    quantity: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_code: str
    tax_rate: Decimal
    pool_id: int | None


class Amendment(Struct, frozen=True):
    """A fact that took back part of an order."""

    id: UUID
    kind: AmendmentKind
    net_minor: int
    tax_minor: int
    gross_minor: int
    reason: str
    actor: str
    occurred_at: datetime
    lines: list[AmendmentLine]


class Order(Struct, frozen=True):
    """An order with everything that has happened to it. `contact` is None once it is erased."""

    id: UUID
    number: str
    shop_id: UUID
    channel: Channel
    legal_entity_id: UUID
    zone: str
    customer_id: UUID | None
    payment_id: UUID
    currency: str
    language: str
    gross: bool
    net_minor: int
    tax_minor: int
    gross_minor: int
    actor: str
    placed_at: datetime
    recorded_at: datetime
    released_at: datetime | None
    contact: Contact | None
    lines: list[Line]
    amendments: list[Amendment]
    promised: Promised | None = None

    @property
    def cancelled(self) -> bool:
        return any(amendment.kind == "cancellation" for amendment in self.amendments)

    @property
    def credited_minor(self) -> int:
        return sum(amendment.gross_minor for amendment in self.amendments)

    @property
    def cancellable(self) -> bool:
        """Something of it is left to cancel."""
        return not self.cancelled and any(line.taken_back < line.quantity for line in self.lines)


class Above(Struct, frozen=True):
    """What an upper domain says at the top of an order's page. `ends`: nothing is to be paid for the order any more."""

    said: Any
    ends: bool = False


class OrderRow(Struct, frozen=True):
    """An order in a list. `open_minor`: what is still owed; negative: what is to be paid back."""

    id: UUID
    number: str
    shop_id: UUID
    channel: Channel
    customer_id: UUID | None
    currency: str
    gross_minor: int
    placed_at: datetime
    payment_id: UUID
    name: str
    released: bool
    cancelled: bool
    method: str
    open_minor: int


class OrderListing(Struct, frozen=True):
    """A row of the back office's table of orders. What is paid and the shop's name are added per page."""

    id: UUID
    number: str
    shop_id: UUID
    channel: Channel
    customer_id: UUID | None
    currency: str
    gross_minor: int
    placed_at: datetime
    payment_id: UUID
    name: str
    email: str
    released_at: datetime | None
    state: Literal["waiting", "released", "cancelled"]
    amended: bool
    payment: str = ""
    open_minor: int = 0
    method: str = ""
    shop: str = ""


class CustomerSums(Struct, frozen=True):
    """What a customer has bought in all, in one currency; `credited_minor` was taken back of it."""

    currency: str
    orders: int
    gross_minor: int
    credited_minor: int
    first_at: datetime | None
    last_at: datetime | None


class FoundOrder(Struct, frozen=True):
    """An order that the command palette found."""

    id: UUID
    number: str
    placed_at: datetime
    gross_minor: int
    currency: str
    name: str


class EmptyOrder(Refusal, status=422, title="There is nothing to order"):
    """An order has at least one line."""


class InvalidLine(Refusal, status=422, title="A line breaks a rule"):
    position: int
    rule: str


class ShortLine(Struct, frozen=True):
    """A line that cannot be served."""

    position: int
    variant_id: UUID | None
    sku: str
    wanted: int
    available: int


class OutOfStock(Refusal, status=409, title="Not everything is in stock any more"):
    """Every line that cannot be served, with the most that one location has."""

    lines: tuple[ShortLine, ...]


class NumberTaken(Refusal, status=409, title="There is an order of this number"):
    number: str


class OrderUnknown(Refusal, status=404, title="No such order"):
    order: str


class AlreadyCancelled(Refusal, status=409, title="The order is cancelled"):
    number: str


class NothingLeft(Refusal, status=409, title="Nothing of the order is left to take back"):
    number: str


class MoreThanSold(Refusal, status=409, title="More would come back than was sold"):
    number: str
    position: int
    wanted: int
    left: int


class MoreThanPaid(Refusal, status=409, title="More would be paid back than the line cost"):
    number: str
    position: int
    wanted_minor: int
    left_minor: int


class OrderPlaced(Struct, frozen=True, tag="orders.Placed"):
    """An order was placed; `released`: its goods may leave."""

    version: ClassVar[int] = 1
    order_id: UUID
    number: str
    shop_id: UUID
    channel: str
    customer_id: UUID | None
    currency: str
    gross_minor: int
    released: bool
    variants: dict[str, int]

    @property
    def key(self) -> str:
        return str(self.order_id)


class OrderReleased(Struct, frozen=True, tag="orders.Released"):
    """The goods of an order may leave."""

    version: ClassVar[int] = 1
    order_id: UUID

    @property
    def key(self) -> str:
        return str(self.order_id)


class OrderAmended(Struct, frozen=True, tag="orders.Amended"):
    """Part of an order was taken back, or something was credited without one."""

    version: ClassVar[int] = 1
    amendment_id: UUID
    kind: AmendmentKind
    order_id: UUID | None
    currency: str
    gross_minor: int
    variants: dict[str, int]

    @property
    def key(self) -> str:
        return str(self.order_id or self.amendment_id)


# -- what orders keep about a person, for their export: amounts in minor units of `currency`


class StoredLine(Struct, frozen=True):
    """What was bought: `unit_price` in major units; `taken_back` of its pieces came back, for `credited_minor`."""

    kind: LineKind
    sku: str
    text: str
    quantity: int
    unit: str
    unit_price: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate: Decimal
    tax_country: str
    taken_back: int
    credited_minor: int


class StoredAmendmentLine(Struct, frozen=True):
    """Part of what was taken back or credited."""

    sku: str
    text: str
    quantity: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_rate: Decimal


class StoredAmendment(Struct, frozen=True):
    """What was cancelled, taken back or credited."""

    kind: AmendmentKind
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    reason: str
    occurred_at: datetime
    lines: list[StoredAmendmentLine]


class StoredMoney(Struct, frozen=True):
    """Money that came in (`receipt`) or went back (`refund`)."""

    kind: Literal["receipt", "refund"]
    amount_minor: int
    reference: str
    occurred_at: datetime


class StoredPayment(Struct, frozen=True):
    """How an order was paid; `open_minor`: what is still owed, negative: what is to be paid back. `provider` and
    `provider_reference`: where it is known and as what, if one took the money."""

    method: str
    state: str
    currency: str
    amount_minor: int
    credited_minor: int
    received_minor: int
    refunded_minor: int
    open_minor: int
    due_at: datetime
    provider: str
    provider_reference: str
    money: list[StoredMoney]


class StoredOrder(Struct, frozen=True):
    """What is stored about a person with one order; whom it names is empty once it is erased."""

    number: str
    channel: Channel
    placed_at: datetime
    language: str
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    released_at: datetime | None
    email: str
    phone: str
    billing: dict[str, Any] | None
    delivery: dict[str, Any] | None
    promised: Promised | None
    lines: list[StoredLine]
    amendments: list[StoredAmendment]
    payment: StoredPayment | None = None


class StoredOrders(Struct, frozen=True):
    """What orders store about a person, for their export. `credits` are those without an order."""

    orders: list[StoredOrder]
    credits: list[StoredAmendment]
