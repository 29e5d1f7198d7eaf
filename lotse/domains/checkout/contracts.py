"""What crosses the border of `checkout`: baskets as they are shown, what it takes to place one, refusals."""

from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from msgspec import Struct

from lotse.domains.orders.contracts import Contact, PlaceRequest
from lotse.domains.pools.contracts import HoldRequest
from lotse.domains.pricing.contracts import TaxTotal
from lotse.kernel.refusals import Refusal

# not_sold: paused, archived, or without a price. short: fewer are there than wanted.
Problem = Literal["", "not_sold", "short"]


class StoredLine(Struct, frozen=True):
    """A line as it is stored."""

    offer_id: UUID
    variant_id: UUID
    quantity: int
    seen_unit_price: Decimal | None


class StoredBasket(Struct, frozen=True):
    """A basket as it is stored."""

    id: UUID
    shop_id: UUID
    customer_id: UUID | None
    version: int
    order_id: UUID | None
    changed_at: datetime
    lines: list[StoredLine]
    # The newest attempt to pay for it through a provider.
    charge_id: UUID | None = None


class BasketLine(Struct, frozen=True):
    """A line as it is shown. `was`: the unit price when the line was last touched, if it has changed since."""

    offer_id: UUID
    variant_id: UUID
    product_id: UUID | None
    slug: str
    sku: str
    name: str
    options: dict[str, str]
    media: str | None
    quantity: int
    available: int
    unit_price: Decimal | None
    gross_minor: int
    was: Decimal | None
    problem: Problem


class Basket(Struct, frozen=True):
    """A basket with today's prices and stock. `total_minor` is what an order of it would cost, delivery included.

    Delivery is to `country`; `delivers_to` lists where the shop delivers. `free_from_minor`: goods for this much are
    delivered free. Lines with a problem count for nothing; `ready` says that there is none and that it is not empty.
    """

    id: UUID
    shop_id: UUID
    version: int
    currency: str
    country: str
    delivers_to: tuple[str, ...]
    lines: list[BasketLine]
    taxes: list[TaxTotal]
    goods_minor: int
    shipping_minor: int
    total_minor: int
    free_from_minor: int | None
    pieces: int
    ready: bool
    order_id: UUID | None = None


class ShippingRate(Struct, frozen=True):
    """What delivery to a country costs, tax included, and from which value of goods it is free."""

    country: str
    price_minor: int
    free_from_minor: int | None

    def charge_minor(self, goods_minor: int) -> int:
        """What delivery of goods of this value costs."""
        return 0 if self.free_from_minor is not None and goods_minor >= self.free_from_minor else self.price_minor


class Checkout(Struct, frozen=True, kw_only=True):
    """What the desk decides on: the order, and the basket (as it was read) that becomes it."""

    basket_id: UUID
    version: int
    order: PlaceRequest


class Purchase(Struct, frozen=True, kw_only=True):
    """What a buyer says: who they are, where it goes, how they pay, and the total that they saw and accept."""

    contact: Contact
    method: str
    total_minor: int


# What signed links to a payment under way are made for; whoever holds one is its buyer.
CHARGE_LINK = "charge"

# pending: wait and ask again. redirect: the buyer has to go to `redirect_url`. ordered: it is done. failed: nothing was
# ordered and no money is kept; `reason` says why, the basket is as it was.
PayingState = Literal["pending", "redirect", "ordered", "failed"]


class Paying(Struct, frozen=True, kw_only=True):
    """How a payment stands, for whoever waits for it."""

    charge_id: UUID
    state: PayingState
    redirect_url: str = ""
    reason: str = ""
    order_id: UUID | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """An attempt to pay for a basket: everything that its order needs once the money is there.

    `order` is None once names and addresses were erased. `held_until`: until then goods and prices are the buyer's.
    `free_from`: by which variation delivery is free of charge (see `rules.FREE_FROM`).
    """

    charge_id: UUID
    basket_id: UUID
    version: int
    shop_id: UUID
    order_id: UUID
    hold_id: UUID
    replaces: UUID | None
    origin: str
    held_until: datetime
    return_url: str
    webhook_url: str
    free_from: str
    order: PlaceRequest | None
    created_at: datetime
    closed_at: datetime | None = None


class ChargeToSettle(Struct, frozen=True):
    """A job's payload: the payment to bring as far as it comes."""

    charge_id: UUID


class HoldForPayment(Struct, frozen=True):
    """Hold what a basket wants while it is paid; what the attempt before held is given back in the same moment, so
    that nobody stands in their own way."""

    hold: HoldRequest
    replaces: UUID | None = None


class PaidOrder(Struct, frozen=True, kw_only=True):
    """What the desk decides on when the money is there: charge, basket and hold become the order, or none does."""

    charge_id: UUID
    basket_id: UUID
    version: int
    hold_id: UUID
    order: PlaceRequest


class Wanted(Struct, frozen=True):
    """Pieces of an offer that a buyer wants in a one-call order."""

    offer_id: UUID
    quantity: int


class BasketUnknown(Refusal, status=404, title="There is no such basket"):
    basket_id: UUID


class BasketOrdered(Refusal, status=409, title="This basket has been ordered"):
    basket_id: UUID
    order_id: UUID


class BasketChanged(Refusal, status=409, title="The basket has changed; look at it again"):
    basket_id: UUID


class BasketEmpty(Refusal, status=422, title="The basket is empty"):
    basket_id: UUID


class InvalidQuantity(Refusal, status=422, title="Not a quantity"):
    quantity: int
    least: int
    most: int


class TooManyLines(Refusal, status=422, title="The basket is full"):
    most: int


class NotSold(Refusal, status=409, title="Some of this is not sold any more"):
    variant_ids: tuple[UUID, ...]


class NotInThisShop(Refusal, status=404, title="This shop does not sell it"):
    offer_id: UUID


class NoDelivery(Refusal, status=422, title="We do not deliver there"):
    country: str
    delivers_to: tuple[str, ...]


class PriceChanged(Refusal, status=409, title="The total has changed; please look at it again"):
    """The buyer accepted `seen_minor`, the order would cost `total_minor`."""

    seen_minor: int
    total_minor: int
    currency: str
