"""The one function that prices: page, basket, till, order, invoice and agent call it; nothing else adds up money.

Pure. Unit prices are decimals as fine as six places; everything that is added up is an integer of the currency's minor
unit; a line is multiplied and rounded once, so a quantity of a million costs no more than one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from lotse.domains.catalog.contracts import Content
from lotse.domains.pricing.contracts import (
    ChangeBy,
    InvalidPrice,
    Line,
    NoPrice,
    Price,
    PricedBasket,
    PricedLine,
    Rounding,
    SetPrice,
    TaxTotal,
    UnitPrice,
)
from lotse.domains.tax.contracts import Policy, Rate, Split
from lotse.domains.tax.rules import add_net, rate_at, split_gross, spread_tax
from lotse.kernel.money import line_amount, round_half_up

# Directive 98/6/EC, Art. 6a (2): not shorter than 30 days.
PRIOR_PRICE_DAYS = 30
# What numeric(18, 6) and integer hold; also times each other an amount fits into a bigint with room to spare.
MAX_UNIT_PRICE = Decimal(10) ** 9
MAX_QUANTITY = 10**9
# A price that begins later than anybody lives is a typing error.
_LAST_YEAR = 2199
_FINEST = Decimal("0.000001")
_GROUP = re.compile(r"([a-z0-9][a-z0-9_-]{0,31})?")


def price(
    lines: Sequence[Line],
    prices: "Sequence[Price] | PriceLists",
    rates: Sequence[Rate],
    *,
    currency: str,
    country: str,
    day: date,
    at: datetime,
    policy: Policy,
    customer_group: str = "",
) -> PricedBasket:
    """Price a basket. The order of lines changes nothing but the order of the answer.

    `prices` are of one shop; which of them holds at `at` is decided here, so more than needed do no harm (a caller that
    has looked prices up itself passes its lists, made for the same moment and group). `day` is the
    tax day in the country's own time. Each line: gross = net + tax. Each total is the sum of the lines. Refusals, in
    the order of the lines: `NoPrice`, `NoTaxRate`. `ValueError`: a `ref` stands twice (the caller's mistake).
    """
    if len({line.ref for line in lines}) != len(lines):
        raise ValueError("two lines of a basket share a ref")
    lists = prices if isinstance(prices, PriceLists) else PriceLists(prices, at=at, customer_group=customer_group)
    known: dict[str, Rate] = {}
    quoted: list[_Quote] = []
    for line in lines:
        unit_price, gross, rules = _unit_price(line, lists)
        if line.tax_class not in known:
            known[line.tax_class] = rate_at(rates, country, line.tax_class, day)
        amount = line_amount(unit_price, line.quantity, currency)
        quoted.append(_Quote(line, unit_price, gross, rules, known[line.tax_class], amount))
    splits = _SPLITTERS[policy](quoted)
    priced = [_priced(quote, split) for quote, split in zip(quoted, splits, strict=True)]
    return summed(priced, currency=currency, country=country, policy=policy)


def summed(lines: list[PricedLine], *, currency: str, country: str, policy: Policy) -> PricedBasket:
    """A basket of lines that are priced. By the policy `line` each is priced alone, so a caller may remember them."""
    return PricedBasket(
        currency=currency,
        country=country,
        policy=policy,
        lines=lines,
        taxes=tax_totals(lines),
        net_minor=sum(line.net_minor for line in lines),
        tax_minor=sum(line.tax_minor for line in lines),
        gross_minor=sum(line.gross_minor for line in lines),
    )


class PriceLists:
    """The prices of a shop that hold at one moment for one customer group."""

    def __init__(self, prices: Iterable[Price], *, at: datetime, customer_group: str = "") -> None:
        latest: dict[tuple[UUID, str, int], Price] = {}
        for entry in prices:
            if entry.valid_from > at or entry.customer_group not in ("", customer_group):
                continue
            key = (entry.variant_id, entry.customer_group, entry.min_quantity)
            if key not in latest or latest[key].valid_from < entry.valid_from:
                latest[key] = entry
        self._by_variant: dict[UUID, list[Price]] = {}
        for entry in latest.values():
            if entry.unit_price is not None:
                self._by_variant.setdefault(entry.variant_id, []).append(entry)
        for entries in self._by_variant.values():
            # What the group agreed goes before what everybody pays; then the largest quantity that is reached.
            entries.sort(key=lambda entry: (entry.customer_group == "", -entry.min_quantity))

    def find(self, variant_id: UUID, quantity: int) -> Price | None:
        """The price of one unit when `quantity` of them are bought (or taken back)."""
        bought = abs(quantity)
        return next((p for p in self._by_variant.get(variant_id, ()) if p.min_quantity <= max(bought, 1)), None)

    def __contains__(self, variant_id: UUID) -> bool:
        return variant_id in self._by_variant


def check_price(entry: SetPrice) -> None:
    """Whether a price can be stored as it was meant. Refusal: `InvalidPrice`."""
    if rule := _broken_rule(entry):
        raise InvalidPrice(variant_id=entry.variant_id, rule=rule)


def changed(old: Decimal, how: ChangeBy, amount: Decimal, rounding: Rounding) -> Decimal:
    """A price changed by percent or by an amount, or set to it, then rounded: `to_99` gives the nearest price that ends
    so (14.31 -> 13.99, 14.50 -> 14.99; never below 0.99), `to_cent` the nearest cent, halves up.

    A change by nothing rounds all the same: that is how prices are made to end in .99.
    """
    made = {"percent": old * (1 + amount / 100), "amount": old + amount, "to": amount}[how]
    if rounding == "to_cent":
        return made.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    if rounding == "to_10_cents":
        return made.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
    ending = _ENDINGS[rounding]
    whole = (made - ending).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return max(whole, Decimal(0)) + ending


# What a rounded price ends with.
_ENDINGS: dict[Rounding, Decimal] = {"to_99": Decimal("0.99"), "to_95": Decimal("0.95"), "to_whole": Decimal(0)}


def tax_totals(lines: Sequence[PricedLine]) -> list[TaxTotal]:
    """What the lines owe per tax code, in the order of the codes."""
    sums: dict[str, list[int]] = {}
    found: dict[str, Decimal] = {}
    for line in lines:
        found[line.tax_code] = line.tax_rate
        total = sums.setdefault(line.tax_code, [0, 0, 0])
        total[0] += line.net_minor
        total[1] += line.tax_minor
        total[2] += line.gross_minor
    return [TaxTotal(code, found[code], *sums[code]) for code in sorted(sums)]


def prior_price(history: Sequence[tuple[datetime, Decimal | None]], zone: ZoneInfo) -> Decimal | None:
    """The lowest price applied in the 30 days before the day of a reduction; None if there was none in that time.

    `history` holds (valid from, price) in order of time, the last one being the reduction itself. The window is the 30
    whole days, in the shop's zone, that end the day before the reduction: what held for a few hours of the same day, to
    be reduced in the evening, does not count (ECJ C-330/23; PAngV s.11 (1)).
    """
    reduced_on = history[-1][0].astimezone(zone).date()
    closes = datetime.combine(reduced_on, time(), zone)
    opens = datetime.combine(reduced_on - timedelta(days=PRIOR_PRICE_DAYS), time(), zone)
    applied = [
        amount
        for (begins, amount), (ends, _) in pairwise(history)
        if amount is not None and begins < closes and ends > opens
    ]
    return min(applied, default=None)


def _broken_rule(entry: SetPrice) -> str | None:
    amount = entry.unit_price
    if amount is not None:
        if not amount.is_finite():
            return "a number"
        if amount < 0:
            return "not negative"
        if amount >= MAX_UNIT_PRICE:
            return f"less than {MAX_UNIT_PRICE:f}"
        if amount != amount.quantize(_FINEST):
            return "at most six places"
    if not 1 <= entry.min_quantity <= MAX_QUANTITY:
        return f"a quantity from 1 to {MAX_QUANTITY}"
    if not _GROUP.fullmatch(entry.customer_group):
        return "a customer group of at most 32 small letters, digits, hyphens and underscores"
    if len(entry.reason) > 500 or "\0" in entry.reason:
        return "a reason of at most 500 characters"
    if entry.valid_from is not None and entry.valid_from.tzinfo is None:
        return "a moment with its time zone"
    if entry.valid_from is not None and entry.valid_from.year > _LAST_YEAR:
        return f"a moment before the end of {_LAST_YEAR}"
    return None


@dataclass(frozen=True, slots=True)
class _Quote:
    line: Line
    unit_price: Decimal
    gross: bool
    rules: list[str]
    rate: Rate
    amount_minor: int


def _unit_price(line: Line, lists: PriceLists) -> tuple[Decimal, bool, list[str]]:
    if line.unit_price is not None:
        return line.unit_price, line.gross, [line.rule] if line.rule else []
    if line.variant_id is None:
        raise ValueError(f"line {line.ref} names neither a variant nor a price")
    found = lists.find(line.variant_id, line.quantity)
    if found is None or found.unit_price is None:
        raise NoPrice(variant_id=line.variant_id, quantity=line.quantity)
    return found.unit_price, found.gross, [str(found.id)]


def _split_lines(quotes: Sequence[_Quote]) -> list[Split]:
    return [
        split_gross(quote.amount_minor, quote.rate.rate)
        if quote.gross
        else add_net(quote.amount_minor, quote.rate.rate)
        for quote in quotes
    ]


def _split_document(quotes: Sequence[_Quote]) -> list[Split]:
    """Tax on the sum per code, apart for gross and net prices, spread over the lines."""
    splits: dict[int, Split] = {}
    groups: dict[tuple[str, bool], list[int]] = {}
    for i, quote in enumerate(quotes):
        groups.setdefault((quote.rate.code, quote.gross), []).append(i)
    for (_, gross), members in groups.items():
        part, whole = quotes[members[0]].rate.rate.as_integer_ratio()
        shares = [(quotes[i].amount_minor * part, quotes[i].line.ref) for i in members]
        taxes = spread_tax(shares, whole + part if gross else whole)
        for i, tax in zip(members, taxes, strict=True):
            amount = quotes[i].amount_minor
            splits[i] = Split(amount - tax, tax, amount) if gross else Split(amount, tax, amount + tax)
    return [splits[i] for i in range(len(quotes))]


# Of so little nobody compares prices (PAngV s. 4 (3) no. 1: 10 g or 10 ml).
_LEAST_CONTENT = Decimal("0.01")


def unit_price(gross_minor: int, content: Content | None) -> UnitPrice | None:
    """What one kilogram, litre or metre costs; None where it need not be said: without a content, of less than 10 g
    or ml, and where it is the price itself (PAngV s. 4 (1) and (3), s. 5)."""
    if content is None or content.amount == 1:
        return None
    if content.unit in ("kg", "l") and content.amount < _LEAST_CONTENT:
        return None
    return UnitPrice(round_half_up(Decimal(gross_minor) / content.amount), content.unit)


_SPLITTERS = {"line": _split_lines, "document": _split_document}


def _priced(quote: _Quote, split: Split) -> PricedLine:
    return PricedLine(
        ref=quote.line.ref,
        variant_id=quote.line.variant_id,
        quantity=quote.line.quantity,
        unit_price=quote.unit_price,
        gross=quote.gross,
        net_minor=split.net_minor,
        tax_minor=split.tax_minor,
        gross_minor=split.gross_minor,
        tax_class=quote.line.tax_class,
        tax_code=quote.rate.code,
        tax_rate=quote.rate.rate,
        rules=quote.rules,
    )
