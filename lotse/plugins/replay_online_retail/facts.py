"""What the source's lines mean: the facts that are replayed. Frozen Structs, no decisions.

Every source line stands in exactly one of `Sale`, `Return`, `Credit`, `Adjustment`, `Entry`, `Unmapped`. Amounts are
pence. `invoice` is the source's number and, as `online-retail:<invoice>`, the natural key of what is made from it.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from msgspec import Struct

from lotse.plugins.replay_online_retail.source import SourceLine, Unmapped

# Why stock changed beside sales and returns, read from the note that the clerk typed.
Reason = Literal[
    "damaged", "destroyed", "found", "lost", "mislabelled", "given_away", "channel", "counted", "unexplained"
]
# What a line is that sells no article.
EntryName = Literal[
    "amazon_fee",
    "bad_debt",
    "bank_charges",
    "carriage",
    "charity",
    "discount",
    "manual",
    "postage",
    "samples",
]

# The source does not say which of its prices hold VAT, nor at what rate (17.5 % until 3 January 2011, then 20 %; books,
# children's clothes and exports 0 %). A guessed rate would make tax out of nothing, and the totals would no longer be
# the source's. So every line is booked as it stands, at a rate of nothing, under a tax code that says so.
TAX_CODE: Final = "not-recorded"


class ArticleSeen(Struct, frozen=True):
    """An article's first day. `name` is what most priced lines call it; `price` the first one asked, if any ever was.

    The name is the code itself where no line has a name. Order lines carry the text of their own line, so articles
    that were renamed keep what was printed at the time.
    """

    code: str
    name: str
    price: Decimal | None
    at: datetime


class CustomerSeen(Struct, frozen=True):
    """A customer's first day in a country; `first` marks the customer's very first.

    A customer with two countries is one customer with two addresses.
    """

    number: str
    country: str
    first: bool
    at: datetime


class Receipt(Struct, frozen=True):
    """Goods that must have come in, because they went out later that month. Derived, not recorded in the source."""

    code: str
    quantity: int
    at: datetime


class Sale(Struct, frozen=True):
    """An order: goods (free ones among them, at a price of 0) and shipping charges. `customer` is None for a guest."""

    invoice: str
    at: datetime
    customer: str | None
    country: str
    lines: tuple[SourceLine, ...]
    charges: tuple[SourceLine, ...]

    @property
    def total_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines) + sum(line.amount_minor for line in self.charges)


class Part(Struct, frozen=True, gc=False):
    """What a returned line takes back of one sold line: `position` in the sale's lines or charges, from 0."""

    sale: str
    position: int
    sold: SourceLine
    quantity: int
    amount_minor: int


class ReturnedLine(Struct, frozen=True):
    """A line of a credit note and the earlier sold lines, same customer, article and price, that it takes back."""

    line: SourceLine
    charge: bool
    parts: tuple[Part, ...]


class Return(Struct, frozen=True):
    """The lines of a credit note that match earlier orders of the customer. Goods come back, money is refunded."""

    invoice: str
    at: datetime
    customer: str
    country: str
    lines: tuple[ReturnedLine, ...]

    @property
    def total_minor(self) -> int:
        """What is refunded, positive."""
        return -sum(returned.line.amount_minor for returned in self.lines)


class Credit(Struct, frozen=True):
    """The lines of a credit note that match nothing: sold before the source begins, at another price, or to a guest.

    Goods come back all the same; the money is a free credit. `charges` are postage given back.
    """

    invoice: str
    at: datetime
    customer: str | None
    country: str
    lines: tuple[SourceLine, ...]
    charges: tuple[SourceLine, ...]

    @property
    def total_minor(self) -> int:
        """What is credited, positive."""
        return -sum(line.amount_minor for line in self.lines) - sum(line.amount_minor for line in self.charges)


class Adjustment(Struct, frozen=True):
    """Stock found or lost, by an unpriced line. The line's sign decides, its note names the reason."""

    invoice: str
    at: datetime
    line: SourceLine
    reason: Reason


class Entry(Struct, frozen=True):
    """A named amount in the ledger, with the line's own sign: positive is what the retailer gets.

    `sale` says that the invoice also is an order: the entry then belongs to it, and is not part of its total.
    """

    invoice: str
    at: datetime
    customer: str | None
    name: EntryName
    sale: bool
    line: SourceLine

    @property
    def amount_minor(self) -> int:
        return self.line.amount_minor


Fact = Sale | Return | Credit | Adjustment | Entry | Unmapped


class Month(Struct, frozen=True):
    """A month of facts, in the order in which they are replayed: articles, customers, receipts, then what happened.

    `name` is the month of the London wall clock, "2010-12", `begins` its first moment. Whatever the order in which
    `facts` reach the stock, it never falls below zero: the receipts cover all that leaves in the month and a reserve,
    and count nothing that only comes in during it.
    """

    name: str
    begins: datetime
    articles: tuple[ArticleSeen, ...]
    customers: tuple[CustomerSeen, ...]
    receipts: tuple[Receipt, ...]
    facts: tuple[Fact, ...]
