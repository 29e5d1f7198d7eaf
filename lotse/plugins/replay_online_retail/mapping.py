"""What a line of Online Retail means. Pure: lines in, facts out; no database, no clock.

The rules, in the order in which they are tried (README.md has them as a table):

1. An invoice's letter says its kind: none is a sale, C a credit note, A an adjustment of the books.
2. A service code (`SERVICES`) is no article: POST and DOT are shipping charges of the sale or postage given back, all
   others are named entries.
3. An article's sign and price decide: sold, free of charge, taken back, or stock found and lost.
4. Whatever fits nowhere is `Unmapped`, with its amount on a suspense account.
"""

import re
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Final

from msgspec import Struct

from lotse.kernel.money import line_amount
from lotse.plugins.replay_online_retail.countries import UNKNOWN, country_code
from lotse.plugins.replay_online_retail.facts import (
    Adjustment,
    ArticleSeen,
    Credit,
    CustomerSeen,
    Entry,
    EntryName,
    Fact,
    Month,
    Part,
    Reason,
    Receipt,
    Return,
    ReturnedLine,
    Sale,
)
from lotse.plugins.replay_online_retail.source import (
    CURRENCY,
    FIRST_YEAR,
    ZONE,
    SourceLine,
    Survey,
    Unmapped,
    shown,
)

# Stock codes that sell no article. POST and DOT ("dotcom postage") become charges where there is an order to charge.
SERVICES: Final[dict[str, EntryName]] = {
    "POST": "postage",
    "DOT": "postage",
    "C2": "carriage",
    "C3": "carriage",
    "23444": "carriage",  # "Next Day Carriage" under an article's number
    "M": "manual",
    "ADJUST": "manual",
    "ADJUST2": "manual",
    "D": "discount",
    "S": "samples",
    "B": "bad_debt",
    "AMAZONFEE": "amazon_fee",
    "BANK CHARGES": "bank_charges",
    "CRUK": "charity",  # commission to Cancer Research UK
}
# A customer who returns one article was sold it a few dozen times; the oldest of more than this are forgotten, and
# what comes back of them later is a free credit.
LOTS_PER_ARTICLE: Final = 500

# A delivery brings a quarter of the month's need on top, as a shop's buyer would: without it every shelf would be empty
# on the last evening of the source, and run out once a month until then.
RESERVE: Final = 4

_KIND: Final = re.compile(r"([A-Z]*)(\d+)")
# The first that fits names the reason. The notes are what clerks typed over a year: 71 spellings in 925 lines.
_NOTES: Final[tuple[tuple[re.Pattern[str], Reason], ...]] = (
    (re.compile(r"thr[eo]w|destroy|unsale?able|can'?t sell|printing|scrap|incorrectly made"), "destroyed"),
    (re.compile(r"damag|wet|rust|broke|crack|smudge|crush|mould|faulty|dirty|samples?/"), "damaged"),
    (re.compile(r"found|returned|retn"), "found"),
    (re.compile(r"given away|mail ?out|display|charity|sample"), "given_away"),
    (re.compile(r"lost|missing|\bmia\b|stolen|can't find"), "lost"),
    (
        re.compile(r"wrong|mix|mis|sold as|sold in|barcode|code|label|\bset\b|\bsets\b|allocate|incorrect"),
        "mislabelled",
    ),
    (re.compile(r"amazon|dotcom|ebay|fba|website"), "channel"),
    (re.compile(r"count|check|adjust|stock|reverse|correct|temp|fix|rcvd|test"), "counted"),
)


# What a note in capitals must say to be told from an article's name ("BAKING SET SPACEBOY DESIGN").
_LOUD_NOTE: Final = re.compile(r"\b(?:DAMAGE[DS]?|LOST|FOUND|MISSING|MIA|THROWN|FAULTY|BROKEN|EBAY|AMAZON|FBA)\b")


def reason_of(note: str | None) -> Reason:
    """The reason that a clerk's note names; an article's name, a question mark or nothing explain nothing."""
    if note is None or (note == note.upper() and not _LOUD_NOTE.search(note)):
        return "unexplained"
    words = note.lower()
    for pattern, reason in _NOTES:
        if pattern.search(words):
            return reason
    return "unexplained"


class Totals(Struct, frozen=True):
    """Counts and sums of facts. `turnover - refunds + entries` is the sum over the lines; suspense is in the entries.

    `returns` and `credits` count credit notes; one whose lines match only in part counts in both.
    """

    orders: int = 0
    lines: int = 0
    returns: int = 0
    credits: int = 0
    adjustments: int = 0
    entries: int = 0
    unmapped: int = 0
    turnover_minor: int = 0
    refunds_minor: int = 0
    entries_minor: int = 0


def tally(facts: Iterable[Fact]) -> Totals:
    """What some facts come to."""
    count: Counter[type[Fact]] = Counter()
    lines = turnover = refunds = entries = 0
    for fact in facts:
        count[type(fact)] += 1
        match fact:
            case Sale():
                turnover += fact.total_minor
                lines += len(fact.lines) + len(fact.charges)
            case Return():
                refunds += fact.total_minor
                lines += len(fact.lines)
            case Credit():
                refunds += fact.total_minor
                lines += len(fact.lines) + len(fact.charges)
            case Adjustment():
                lines += 1
            case Entry() | Unmapped():
                entries += fact.amount_minor
                lines += 1
    return Totals(
        orders=count[Sale],
        lines=lines,
        returns=count[Return],
        credits=count[Credit],
        adjustments=count[Adjustment],
        entries=count[Entry],
        unmapped=count[Unmapped],
        turnover_minor=turnover,
        refunds_minor=refunds,
        entries_minor=entries,
    )


class Mapper:
    """Turns lines into months of facts. Remembers articles, customers, stock and what can still be returned."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._articles: dict[str, datetime] = {}
        self._customers: dict[str, set[str]] = {}
        self._stock: dict[str, int] = {}
        self._sold = SoldLines(survey.returned)
        self.unknown_countries: Counter[str] = Counter()  # invoices by a country's name that no standard knows

    def months(self, lines: Iterable[SourceLine | Unmapped]) -> Iterator[Month]:
        """Month after month. The lines of an invoice stand together, invoices stand in the order of their time."""
        month = _Draft(None)
        for invoice in _invoices(lines):
            if isinstance(invoice, Unmapped):
                month.facts.append(invoice)
                continue
            at = min(line.at for line in invoice)
            name = at.astimezone(ZONE).strftime("%Y-%m")
            if month.name is None:
                month.name = name
            elif name > month.name:
                yield self._finish(month)
                month = _Draft(name)
            self._map(invoice, at, month)
        if month.facts:
            yield self._finish(month)

    def _map(self, lines: list[SourceLine], at: datetime, month: "_Draft") -> None:
        invoice = lines[0].invoice
        customer = next((line.customer_no for line in lines if line.customer_no), None)
        kind = _KIND.fullmatch(invoice)
        letter = kind[1] if kind else None
        own: list[SourceLine] = []
        for line in lines:
            fault = _misfit(line, letter, customer)
            if fault:
                month.facts.append(unmapped(line, fault))
            else:
                own.append(line)
        if not own:
            return
        country = self._country(next((line.country for line in own if line.country), None))
        sorted_lines = _Sorted.of(own, letter, customer)
        for line in sorted_lines.articles():
            self._see_article(line.stock_code, at, month)
        if customer is not None:
            self._see_customer(customer, country, at, month)
        sorted_lines.into(month, invoice, at, customer, country, self._sold)

    def _country(self, name: str | None) -> str:
        code = country_code(name)
        if code is None:
            self.unknown_countries[name or ""] += 1
            return UNKNOWN
        return code

    def _see_article(self, code: str, at: datetime, month: "_Draft") -> None:
        if code in self._articles:
            return
        day = _morning(at)  # so that its first delivery can come in before its first sale
        known = self._survey.articles.get(code)
        name = (known.name if known else None) or code
        self._articles[code] = day
        month.articles.append(ArticleSeen(code, name, known.price if known else None, day))

    def _see_customer(self, number: str, country: str, at: datetime, month: "_Draft") -> None:
        countries = self._customers.setdefault(number, set())
        if country not in countries:
            month.customers.append(CustomerSeen(number, country, not countries, _morning(at)))
            countries.add(country)

    def _finish(self, month: "_Draft") -> Month:
        """Derive the receipts that the month's departures need, and carry the stock into the next one."""
        leaving: Counter[str] = Counter()
        coming: Counter[str] = Counter()
        for fact in month.facts:
            for code, quantity in stock_changes(fact):
                if quantity < 0:
                    leaving[code] -= quantity
                else:
                    coming[code] += quantity
        begins = _first_moment(month.name)
        receipts: list[Receipt] = []
        for code in sorted(leaving.keys() | coming.keys()):
            there = self._stock.get(code, 0)
            needed = leaving[code] - there
            if needed > 0:
                needed += -(-leaving[code] // RESERVE)  # rounded up
                seen = self._articles[code]
                receipts.append(Receipt(code, needed, max(seen, begins)))
                there += needed
            self._stock[code] = there - leaving[code] + coming[code]
        return Month(
            month.name or "", begins, tuple(month.articles), tuple(month.customers), tuple(receipts), tuple(month.facts)
        )


def _morning(at: datetime) -> datetime:
    """The beginning of a day of the London wall clock."""
    return datetime.combine(at.astimezone(ZONE).date(), time.min, ZONE).astimezone(UTC)


def _first_moment(month: str | None) -> datetime:
    """The beginning of a month of the London wall clock. None: no line of the source has an invoice and a time."""
    year, number = map(int, (month or f"{FIRST_YEAR}-01").split("-"))
    return datetime(year, number, 1, tzinfo=ZONE).astimezone(UTC)


def stock_changes(fact: Fact) -> Iterator[tuple[str, int]]:
    """What a fact does to the stock of articles. Goods of a credit note come back into stock."""
    match fact:
        case Sale():
            yield from ((line.stock_code, -line.quantity) for line in fact.lines)
        case Return():
            yield from ((back.line.stock_code, -back.line.quantity) for back in fact.lines if not back.charge)
        case Credit():
            yield from ((line.stock_code, -line.quantity) for line in fact.lines)
        case Adjustment():
            yield fact.line.stock_code, fact.line.quantity
        case Entry() | Unmapped():
            pass


def unmapped(line: SourceLine, reason: str) -> Unmapped:
    """A line that was read and has no place."""
    raw = shown(
        line.invoice,
        line.stock_code,
        line.description,
        line.quantity,
        line.at.astimezone(ZONE).replace(tzinfo=None),
        line.unit_price,
        line.customer_no,
        line.country,
    )
    return Unmapped(line.file, line.row, reason, raw, line.amount_minor, line.at)


# -- one invoice


class _Draft:
    """A month that is being gathered."""

    def __init__(self, name: str | None) -> None:
        self.name = name
        self.articles: list[ArticleSeen] = []
        self.customers: list[CustomerSeen] = []
        self.facts: list[Fact] = []


def _invoices(lines: Iterable[SourceLine | Unmapped]) -> Iterator[list[SourceLine] | Unmapped]:
    """Lines that stand together and share their invoice; what could not be read passes through."""
    gathered: list[SourceLine] = []
    for line in lines:
        if isinstance(line, Unmapped):
            yield line
            continue
        if gathered and gathered[0].invoice != line.invoice:
            yield gathered
            gathered = []
        gathered.append(line)
    if gathered:
        yield gathered


def _misfit(line: SourceLine, letter: str | None, customer: str | None) -> str | None:
    """Why a line has no place, or None. The first reason counts."""
    if letter not in ("", "C", "A"):
        return "an invoice number of an unknown kind"
    if line.customer_no is not None and line.customer_no != customer:
        return "a second customer on the invoice"
    if line.quantity == 0:
        return "a quantity of zero"
    service = SERVICES.get(line.stock_code)
    if service is not None:
        # A postage of nothing is worth keeping only as a charge of an order, which `_Sorted.of` decides.
        if line.amount_minor == 0 and (service != "postage" or letter != "" or line.quantity < 0):
            return "a service without an amount"
        return None
    if letter == "A":
        return "an article on an adjustment of the books"
    if line.unit_price < 0:
        return "a negative price"
    if letter == "C" and line.quantity > 0:
        return "a positive quantity on a credit note"
    return None


class _Sorted(Struct):
    """The lines of one invoice by what they are."""

    goods: list[SourceLine]
    charges: list[SourceLine]
    back: list[SourceLine]
    charges_back: list[SourceLine]
    adjustments: list[SourceLine]
    entries: list[tuple[SourceLine, EntryName]]
    misfits: list[Unmapped]

    @staticmethod
    def of(lines: list[SourceLine], letter: str | None, customer: str | None) -> "_Sorted":
        found = _Sorted([], [], [], [], [], [], [])
        # Unpriced goods on an invoice that asks money, or that names a customer, leave as gifts; on one that does
        # neither nobody gets them: a clerk booked stock on an invoice form.
        gifts = customer is not None or any(line.amount_minor for line in lines)
        for line in lines:
            service = SERVICES.get(line.stock_code)
            if service == "postage" and letter != "A" and line.unit_price >= 0:
                if line.quantity < 0:
                    found.charges_back.append(line)
                elif letter == "":
                    found.charges.append(line)
                else:
                    found.entries.append((line, service))
            elif service is not None:
                found.entries.append((line, service))
            elif line.quantity < 0 and (letter == "C" or line.unit_price > 0):
                found.back.append(line)
            elif line.quantity > 0 and (gifts or line.unit_price > 0):
                found.goods.append(line)
            else:
                found.adjustments.append(line)
        if not found.goods:
            # No order without goods: postage alone is an entry, and a postage of nothing is nothing.
            for line in found.charges:
                if line.amount_minor:
                    found.entries.append((line, "postage"))
                else:
                    found.misfits.append(unmapped(line, "a service without an amount"))
            found.charges = []
        return found

    def articles(self) -> Iterator[SourceLine]:
        yield from self.goods
        yield from self.back
        yield from self.adjustments

    def into(
        self, month: _Draft, invoice: str, at: datetime, customer: str | None, country: str, sold: "SoldLines"
    ) -> None:
        """Append the invoice's facts: the sale first, because what else stands on the invoice may refer to it."""
        if self.goods:
            sale = Sale(invoice, at, customer, country, tuple(self.goods), tuple(self.charges))
            month.facts.append(sale)
            sold.remember(sale)
        returned: list[ReturnedLine] = []
        credited: list[SourceLine] = []
        charges_credited: list[SourceLine] = []
        for lines, unmatched, charge in ((self.back, credited, False), (self.charges_back, charges_credited, True)):
            for line in lines:
                parts = sold.take_back(line, customer)
                if parts:
                    returned.append(ReturnedLine(line, charge, parts))
                else:
                    unmatched.append(line)
        if returned and customer is not None:
            month.facts.append(Return(invoice, at, customer, country, tuple(returned)))
        if credited or charges_credited:
            month.facts.append(Credit(invoice, at, customer, country, tuple(credited), tuple(charges_credited)))
        for line in self.adjustments:
            month.facts.append(Adjustment(invoice, at, line, reason_of(line.description)))
        for line, name in self.entries:
            month.facts.append(Entry(invoice, at, customer, name, bool(self.goods), line))
        month.facts.extend(self.misfits)


# -- what can be returned


class _Lot:
    """What is left of a sold line."""

    __slots__ = ("amount_minor", "line", "position", "quantity", "sale")

    def __init__(self, sale: str, position: int, line: SourceLine) -> None:
        self.sale = sale
        self.position = position
        self.line = line
        self.quantity = line.quantity
        self.amount_minor = line.amount_minor


class SoldLines:
    """Sold lines that a later credit note may take back, oldest first.

    A match is the same customer, article and unit price, sold before, with enough left: only then is the refund what
    the customer paid. A line matches whole, over several sales if need be, or not at all.
    """

    def __init__(self, returned: frozenset[tuple[str, str]]) -> None:
        self._returned = returned
        self._lots: dict[tuple[str, str, Decimal], deque[_Lot]] = {}

    def remember(self, sale: Sale) -> None:
        if sale.customer is None:
            return
        for lines in (sale.lines, sale.charges):
            for position, line in enumerate(lines):
                if (sale.customer, line.stock_code) in self._returned:
                    name = (sale.customer, line.stock_code, line.unit_price)
                    lots = self._lots.setdefault(name, deque(maxlen=LOTS_PER_ARTICLE))
                    lots.append(_Lot(sale.invoice, position, line))

    def take_back(self, line: SourceLine, customer: str | None) -> tuple[Part, ...]:
        """The parts of earlier sales that a negative line takes back; empty if they do not cover it."""
        lots = self._lots.get((customer, line.stock_code, line.unit_price)) if customer is not None else None
        if not lots:
            return ()
        wanted = -line.quantity
        taken: list[tuple[_Lot, int, int]] = []
        so_far = so_far_minor = 0
        for lot in lots:
            quantity = min(lot.quantity, wanted - so_far)
            # Of a price finer than a penny, each part gets what rounding the running sum leaves it.
            minor = line_amount(line.unit_price, so_far + quantity, CURRENCY) - so_far_minor
            if minor > lot.amount_minor:
                continue  # its earlier returns were rounded up
            taken.append((lot, quantity, minor))
            so_far += quantity
            so_far_minor += minor
            if so_far == wanted:
                break
        if so_far < wanted:
            return ()
        for lot, quantity, minor in taken:
            lot.quantity -= quantity
            lot.amount_minor -= minor
        while lots and lots[0].quantity == 0:
            lots.popleft()
        return tuple(Part(lot.sale, lot.position, lot.line, quantity, minor) for lot, quantity, minor in taken)
