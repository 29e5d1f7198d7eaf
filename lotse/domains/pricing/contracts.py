"""Prices and priced baskets, as every other domain, page, till and document sees them."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from lotse.domains.catalog.contracts import Measure
from lotse.domains.tax.contracts import Policy
from lotse.kernel.refusals import Refusal

# How many prices are changed at once, and to what they are rounded.
ChangeBy = Literal["percent", "amount", "to"]
Rounding = Literal["to_cent", "to_99", "to_95", "to_10_cents", "to_whole"]


class Price(Struct, frozen=True):
    """What one smallest unit of a variant costs from `valid_from` on, until the next price of the same key.

    `unit_price` is in major units of `currency` with up to six places; None: from here on there is no such price.
    `gross`: tax is included. `customer_group` is empty for everybody.
    """

    id: UUID
    shop_id: UUID
    variant_id: UUID
    currency: str
    customer_group: str
    min_quantity: int
    unit_price: Decimal | None
    gross: bool
    valid_from: datetime


class PriceChange(Struct, frozen=True):
    """A row of a price's history: who, when, old, new, why."""

    id: UUID
    shop_id: UUID
    variant_id: UUID
    currency: str
    customer_group: str
    min_quantity: int
    old_unit_price: Decimal | None
    unit_price: Decimal | None
    gross: bool
    valid_from: datetime
    recorded_at: datetime
    changed_by: str
    reason: str


class PriceRow(Struct, frozen=True):
    """A variant's price for everybody in the back office's list; `next_from` is when the next one begins.

    `sku` and `name` are the catalogue's, filled in for what is shown.
    """

    variant_id: UUID
    currency: str
    unit_price: Decimal | None
    gross: bool
    valid_from: datetime
    next_unit_price: Decimal | None
    next_from: datetime | None
    sku: str = ""
    name: str = ""


class Holding(Struct, frozen=True):
    """The price for everybody, from the first piece on, that holds at a moment."""

    variant_id: UUID
    id: UUID
    unit_price: Decimal | None
    valid_from: datetime


class PriorPrice(Struct, frozen=True):
    """A reduction and what it must be compared with (Directive 98/6/EC, Art. 6a; PAngV s.11).

    `lowest` is the lowest price applied in the 30 days before the day of the reduction: strike prices and percentages
    are computed from it (ECJ C-330/23). None: there was no price in that time, so nothing may be announced.
    """

    variant_id: UUID
    unit_price: Decimal
    reduced_at: datetime
    lowest: Decimal | None


class SetPrice(Struct, frozen=True, kw_only=True):
    """A price to set. Without `valid_from` it holds at once, without `gross` as the shop's prices do."""

    shop_id: UUID
    variant_id: UUID
    currency: str
    unit_price: Decimal | None
    customer_group: str = ""
    min_quantity: int = 1
    gross: bool | None = None
    valid_from: datetime | None = None
    reason: str = ""


class UnitPrice(Struct, frozen=True):
    """What one kilogram, litre or metre costs (PAngV s. 4, 5)."""

    amount_minor: int
    unit: Measure


class Line(Struct, frozen=True, kw_only=True):
    """Something to be priced. `ref` is the caller's own key, unique in the basket, and comes back.

    With `unit_price` the price is agreed elsewhere (a till's open price, a marketplace, a shipping charge, a source
    file) and `rule` says by what; without it the price lists decide. A negative quantity takes back.
    """

    ref: str
    quantity: int
    tax_class: str
    variant_id: UUID | None = None
    unit_price: Decimal | None = None
    gross: bool = True
    rule: str = ""


class PricedLine(Struct, frozen=True):
    """A line as it will stand on every document: `gross_minor = net_minor + tax_minor`.

    `unit_price` is with tax if `gross`. `rules` are the ids of the prices and rules that made it, in order.
    """

    ref: str
    variant_id: UUID | None
    quantity: int
    unit_price: Decimal
    gross: bool
    net_minor: int
    tax_minor: int
    gross_minor: int
    tax_class: str
    tax_code: str
    tax_rate: Decimal
    rules: list[str]


class TaxTotal(Struct, frozen=True):
    """What a basket owes per tax code; the sum of its lines."""

    tax_code: str
    tax_rate: Decimal
    net_minor: int
    tax_minor: int
    gross_minor: int


class PricedBasket(Struct, frozen=True):
    """Lines in the order they came in; totals are the sums of the lines, of the taxes, and of each other."""

    currency: str
    country: str
    policy: Policy
    lines: list[PricedLine]
    taxes: list[TaxTotal]
    net_minor: int
    tax_minor: int
    gross_minor: int


class PriceChanged(Struct, frozen=True, tag="pricing.PriceChanged"):
    """A price was set; it holds from `valid_from` on."""

    price_id: UUID
    shop_id: UUID
    variant_id: UUID
    valid_from: datetime
    version: ClassVar[int] = 1

    @property
    def key(self) -> str:
        return str(self.variant_id)


class NoPrice(Refusal, status=409, title="There is no price"):
    """The variant has no price in this shop for this group and quantity at this moment, so it cannot be sold."""

    variant_id: UUID
    quantity: int


class InvalidPrice(Refusal, status=422, title="Not a price"):
    """`rule` says what is allowed."""

    variant_id: UUID
    rule: str


class CurrencyNotOfShop(Refusal, status=422, title="The shop sells in another currency"):
    """Prices are in the shop's own currency."""

    currency: str
    expected: str


class PriceInThePast(Refusal, status=422, title="A price cannot begin in the past"):
    """What was shown and sold then is history."""

    variant_id: UUID
    valid_from: datetime


class PriceHasBegun(Refusal, status=409, title="The price holds already"):
    """Only a price that has not begun can be taken back; set another one instead."""

    price_id: UUID


class PriceAlreadySet(Refusal, status=409, title="Another price begins at the same moment"):
    """Two prices of one key from the same moment on would leave open which holds."""

    variant_id: UUID
    valid_from: datetime
