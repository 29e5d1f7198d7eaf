"""Every rule of the mapping as a table row, and what must hold for any lines at all."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lotse.kernel.money import line_amount
from lotse.plugins.replay_online_retail.countries import country_code
from lotse.plugins.replay_online_retail.facts import (
    Adjustment,
    Credit,
    Entry,
    Fact,
    Month,
    Part,
    Return,
    Sale,
)
from lotse.plugins.replay_online_retail.mapping import Mapper, reason_of, stock_changes, tally
from lotse.plugins.replay_online_retail.source import Article, SourceLine, Survey, Unmapped, opened, total_minor

NOON = datetime(2010, 12, 1, 12, tzinfo=UTC)
_rows = count(1)


def line(
    invoice: str,
    code: str,
    quantity: int,
    price: str,
    *,
    customer: str | None = "17850",
    text: str | None = "TEA SET",
    at: datetime = NOON,
    country: str | None = "United Kingdom",
) -> SourceLine:
    unit_price = Decimal(price)
    amount = line_amount(unit_price, quantity, "GBP")
    return SourceLine("a.csv", next(_rows), invoice, code, text, quantity, at, unit_price, amount, customer, country)


def survey_of(lines: list[SourceLine]) -> Survey:
    articles = {one.stock_code: Article(one.description, one.unit_price) for one in lines}
    returned = {(one.customer_no, one.stock_code) for one in lines if one.quantity < 0 and one.customer_no}
    return Survey(articles, frozenset((customer, code) for customer, code in returned if customer))


def months(lines: list[SourceLine]) -> list[Month]:
    return list(Mapper(survey_of(lines)).months(lines))


def facts(*lines: SourceLine) -> list[Fact]:
    return [fact for month in months(list(lines)) for fact in month.facts]


def rows_of(fact: Fact) -> list[int]:
    match fact:
        case Sale() | Credit():
            return [one.row for one in (*fact.lines, *fact.charges)]
        case Return():
            return [one.line.row for one in fact.lines]
        case Adjustment() | Entry():
            return [fact.line.row]
        case Unmapped():
            return [fact.row]


Case = tuple[str, list[SourceLine], list[tuple[type, object]]]
TABLE: list[Case] = [
    ("goods are sold", [line("1", "22", 2, "1.5")], [(Sale, 300)]),
    ("a whole line twice is two lines", [line("1", "22", 2, "1.5"), line("1", "22", 2, "1.5")], [(Sale, 600)]),
    ("a guest buys", [line("1", "22", 2, "1.5", customer=None)], [(Sale, 300)]),
    ("less than half a penny is nothing", [line("1", "PADS", 1, "0.001")], [(Sale, 0)]),
    ("postage is a charge", [line("1", "22", 2, "1.5"), line("1", "POST", 1, "18")], [(Sale, 2100)]),
    ("dotcom postage is a charge", [line("1", "22", 2, "1.5"), line("1", "DOT", 1, "9.99")], [(Sale, 1299)]),
    ("free postage is a charge of nothing", [line("1", "22", 2, "1.5"), line("1", "DOT", 1, "0")], [(Sale, 300)]),
    ("postage without goods is an entry", [line("1", "POST", 1, "18")], [(Entry, "postage")]),
    ("free postage without goods is nothing", [line("1", "POST", 1, "0")], [(Unmapped, "a service without an amount")]),
    ("carriage is an entry", [line("1", "22", 1, "1"), line("1", "C2", 1, "50")], [(Sale, 100), (Entry, "carriage")]),
    ("a manual line is an entry", [line("1", "22", 1, "1"), line("1", "M", 1, "5")], [(Sale, 100), (Entry, "manual")]),
    ("a manual line alone", [line("1", "M", 1, "5")], [(Entry, "manual")]),
    ("a manual line below zero", [line("1", "M", 1, "-5")], [(Entry, "manual")]),
    ("a manual line of nothing", [line("1", "M", 1, "0")], [(Unmapped, "a service without an amount")]),
    ("a discount", [line("C1", "D", -1, "27.5")], [(Entry, "discount")]),
    ("samples", [line("C1", "S", -1, "33.05", customer=None)], [(Entry, "samples")]),
    ("a marketplace's fee", [line("C1", "AMAZONFEE", -1, "13541.33", customer=None)], [(Entry, "amazon_fee")]),
    ("a bank's fee", [line("C1", "BANK CHARGES", -1, "1050.15", customer=None)], [(Entry, "bank_charges")]),
    ("a charity's commission", [line("C1", "CRUK", -1, "1.6")], [(Entry, "charity")]),
    ("bad debt", [line("A1", "B", 1, "-11062.06", customer=None)], [(Entry, "bad_debt")]),
    ("bad debt taken back", [line("A1", "B", 1, "11062.06", customer=None)], [(Entry, "bad_debt")]),
    ("a voucher is an article", [line("1", "GIFT_0001_20", 1, "16.67")], [(Sale, 1667)]),
    ("free goods on a paid invoice", [line("1", "22", 1, "1"), line("1", "23", 4, "0")], [(Sale, 100)]),
    (
        "gifts beside a manual line",
        [line("1", "M", 1, "1"), line("1", "23", 4, "0")],
        [(Sale, 0), (Entry, "manual")],
    ),
    ("free goods for a customer", [line("1", "23", 4, "0")], [(Sale, 0)]),
    (
        "unpriced goods for nobody",
        [line("1", "23", 4, "0", customer=None, text="found")],
        [(Adjustment, "found")],
    ),
    ("stock lost", [line("1", "23", -4, "0", customer=None, text="thrown away")], [(Adjustment, "destroyed")]),
    ("stock lost without a word", [line("1", "23", -4, "0", customer=None, text=None)], [(Adjustment, "unexplained")]),
    ("a credit note that matches nothing", [line("C1", "22", -1, "1")], [(Credit, 100)]),
    ("a negative line on a plain invoice", [line("1", "22", -1, "1")], [(Credit, 100)]),
    ("postage given back", [line("C1", "POST", -1, "18")], [(Credit, 1800)]),
    ("zero", [line("1", "22", 0, "1")], [(Unmapped, "a quantity of zero")]),
    ("an article below zero", [line("1", "22", 1, "-1")], [(Unmapped, "a negative price")]),
    ("sold by a credit note", [line("C1", "22", 1, "1")], [(Unmapped, "a positive quantity on a credit note")]),
    ("postage asked by a credit note", [line("C1", "POST", 1, "1")], [(Entry, "postage")]),
    ("an article in the books", [line("A1", "22", 1, "1")], [(Unmapped, "an article on an adjustment of the books")]),
    ("an unknown letter", [line("X1", "22", 1, "1")], [(Unmapped, "an invoice number of an unknown kind")]),
    ("words for a number", [line("HELLO", "22", 1, "1")], [(Unmapped, "an invoice number of an unknown kind")]),
    (
        "two customers",
        [line("1", "22", 1, "1"), line("1", "22", 1, "1", customer="2"), line("1", "22", 1, "1", customer=None)],
        [(Unmapped, "a second customer on the invoice"), (Sale, 200)],
    ),
]


@pytest.mark.parametrize(("lines", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_rules(lines: list[SourceLine], expected: list[tuple[type, object]]) -> None:
    said: list[tuple[type, object]] = []
    for fact in facts(*lines):
        match fact:
            case Sale() | Return() | Credit():
                said.append((type(fact), fact.total_minor))
            case Entry():
                said.append((Entry, fact.name))
            case Adjustment() | Unmapped():
                said.append((type(fact), fact.reason))
    assert said == expected
    assert tally(facts(*lines)).lines == len(lines)


def at_minute(minute: int) -> datetime:
    return NOON + timedelta(minutes=minute)


def returned(*lines: SourceLine) -> list[tuple[str, int, int]] | None:
    """The parts of the first return, or None if nothing matched."""
    backs = [fact for fact in facts(*lines) if isinstance(fact, Return)]
    return [(part.sale, part.quantity, part.amount_minor) for part in backs[0].lines[0].parts] if backs else None


def test_a_return_takes_back_the_oldest_sale_first() -> None:
    first = line("1", "22", 2, "1.5")
    second = line("2", "22", 5, "1.5", at=at_minute(1))
    assert returned(first, second, line("C3", "22", -2, "1.5", at=at_minute(2))) == [("1", 2, 300)]
    assert returned(first, second, line("C3", "22", -4, "1.5", at=at_minute(2))) == [("1", 2, 300), ("2", 2, 300)]


def test_what_was_returned_cannot_be_returned_again() -> None:
    sold = line("1", "22", 2, "1.5")
    once = line("C2", "22", -2, "1.5", at=at_minute(1))
    again = line("C3", "22", -1, "1.5", at=at_minute(2))
    found = facts(sold, once, again)
    assert [type(fact) for fact in found] == [Sale, Return, Credit]


@pytest.mark.parametrize(
    ("sold", "back"),
    [
        (line("1", "22", 2, "1.5"), line("C2", "22", -3, "1.5", at=at_minute(1))),
        (line("1", "22", 2, "1.5"), line("C2", "22", -1, "1.25", at=at_minute(1))),
        (line("1", "22", 2, "1.5"), line("C2", "23", -1, "1.5", at=at_minute(1))),
        (line("1", "22", 2, "1.5"), line("C2", "22", -1, "1.5", at=at_minute(1), customer="2")),
        (line("1", "22", 2, "1.5", customer=None), line("C2", "22", -1, "1.5", at=at_minute(1), customer=None)),
    ],
    ids=["too many", "another price", "another article", "another customer", "a guest"],
)
def test_no_match_is_a_free_credit(sold: SourceLine, back: SourceLine) -> None:
    assert [type(fact) for fact in facts(sold, back)] == [Sale, Credit]


def test_no_return_before_its_sale() -> None:
    back = line("C1", "22", -1, "1.5")
    assert [type(fact) for fact in facts(back, line("2", "22", 1, "1.5", at=at_minute(1)))] == [Credit, Sale]


def test_postage_comes_back_as_a_charge() -> None:
    goods, postage = line("1", "22", 2, "1.5"), line("1", "POST", 1, "18")
    back = line("C2", "POST", -1, "18", at=at_minute(1))
    (found,) = [fact for fact in facts(goods, postage, back) if isinstance(fact, Return)]
    assert found.lines[0].charge
    assert found.lines[0].parts == (Part("1", 0, postage, 1, 1800),)


def test_refunds_of_parts_never_exceed_what_was_paid() -> None:
    # Three at half a penny cost 2p; one at a time they would come back as 1p each.
    lines = [line("1", "22", 3, "0.005")]
    lines += [line(f"C{n}", "22", -1, "0.005", at=at_minute(n)) for n in (1, 2, 3)]
    assert [type(fact) for fact in facts(*lines)] == [Sale, Return, Return, Credit]


def test_an_entry_knows_its_order() -> None:
    found = facts(line("1", "22", 1, "1"), line("1", "M", 1, "5"), line("2", "M", 1, "5", at=at_minute(1)))
    assert [fact.sale for fact in found if isinstance(fact, Entry)] == [True, False]


def test_two_timestamps_are_one_invoice() -> None:
    (sale,) = facts(line("1", "22", 1, "1", at=at_minute(1)), line("1", "23", 1, "1", at=at_minute(0)))
    assert isinstance(sale, Sale)
    assert sale.at == at_minute(0)


def test_a_customer_in_two_countries_is_one_customer() -> None:
    first = line("1", "22", 1, "1", country="Cyprus")
    second = line("2", "22", 1, "1", country="Austria", at=at_minute(1))
    third = line("3", "22", 1, "1", country="Cyprus", at=at_minute(2))
    (month,) = months([first, second, third])
    assert [(seen.country, seen.first) for seen in month.customers] == [("CY", True), ("AT", False)]
    assert [fact.country for fact in month.facts if isinstance(fact, Sale)] == ["CY", "AT", "CY"]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("United Kingdom", "GB"),
        ("EIRE", "IE"),
        ("USA", "US"),
        ("Channel Islands", "JE"),
        ("European Community", "EU"),
        ("Unspecified", "ZZ"),
        ("RSA", "ZA"),
        ("Czech Republic", "CZ"),
        ("germany", "DE"),
        ("Atlantis", None),
        (None, "ZZ"),
    ],
)
def test_countries(name: str | None, code: str | None) -> None:
    assert country_code(name) == code


def test_an_unknown_country_is_counted_and_sells_all_the_same() -> None:
    lines = [line("1", "22", 1, "1", country="Atlantis")]
    mapper = Mapper(survey_of(lines))
    (month,) = mapper.months(lines)
    (sale,) = month.facts
    assert isinstance(sale, Sale)
    assert sale.country == "ZZ"
    assert mapper.unknown_countries == {"Atlantis": 1}


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (None, "unexplained"),
        ("?", "unexplained"),
        ("BAKING SET SPACEBOY DESIGN", "unexplained"),
        ("DAMAGED", "damaged"),
        ("wet/rusty", "damaged"),
        ("thrown away-can't sell.", "destroyed"),
        ("FOUND", "found"),
        ("MIA", "lost"),
        ("wrong barcode (22467)", "mislabelled"),
        ("sold as set on dotcom", "mislabelled"),
        ("amazon", "channel"),
        ("Given away", "given_away"),
        ("check", "counted"),
        ("reverse 21/5/10 adjustment", "counted"),
    ],
)
def test_reasons(note: str | None, reason: str) -> None:
    assert reason_of(note) == reason


# -- derived stock


def test_receipts_cover_the_month_and_a_quarter() -> None:
    january = datetime(2011, 1, 5, 9, tzinfo=UTC)
    lines = [
        line("1", "22", 5, "1"),
        line("C2", "22", -2, "1", at=at_minute(1)),
        line("3", "22", 4, "1", at=at_minute(2)),
        line("4", "22", 7, "1", at=january),
    ]
    december, second = months(lines)
    assert [(receipt.code, receipt.quantity) for receipt in december.receipts] == [("22", 12)], (
        "nine leave; a quarter of nine is three"
    )
    assert [receipt.quantity for receipt in second.receipts] == [4], "five are left, two of them came back; seven leave"
    assert second.receipts[0].at == datetime(2011, 1, 1, tzinfo=UTC)
    assert december.receipts[0].at == datetime(2010, 12, 1, tzinfo=UTC), "the morning of the article's first day"


def test_months_are_those_of_the_london_clock() -> None:
    late = datetime(2011, 6, 30, 23, 30, tzinfo=UTC)  # 00:30 on 1 July in London
    assert [month.name for month in months([line("1", "22", 1, "1", at=late)])] == ["2011-07"]


# -- what holds for any lines


INVOICES = st.sampled_from(["1", "2", "3", "4", "C5", "C6", "C7", "A8", "X9"])
CODES = st.sampled_from(["22", "23", "24", "POST", "DOT", "M", "D", "C2", "B", "AMAZONFEE"])
PRICES = st.sampled_from(["0", "0.001", "0.005", "0.015", "0.42", "1.25", "2.55", "-3.10"])
DAYS = {str(number): number * 17 for number in range(10)}


@st.composite
def any_lines(draw: st.DrawFn) -> list[SourceLine]:
    found: list[SourceLine] = []
    for number in range(draw(st.integers(0, 40))):
        invoice = draw(INVOICES)
        quantity = draw(st.integers(-12, 12))
        customer = draw(st.sampled_from([None, "1", "2"]))
        at = NOON + timedelta(days=DAYS[invoice[-1]], minutes=draw(st.integers(0, 1)))
        unit_price = Decimal(draw(PRICES))
        found.append(
            SourceLine(
                "a.csv",
                number + 1,
                invoice,
                draw(CODES),
                draw(st.sampled_from([None, "TEA SET", "damages"])),
                quantity,
                at,
                unit_price,
                line_amount(unit_price, quantity, "GBP"),
                customer,
                draw(st.sampled_from([None, "France", "Atlantis"])),
            )
        )
    return sorted(found, key=lambda one: (one.invoice[-1], one.row))


def pence(one: SourceLine) -> int:
    """The same rounding as the mapping's, written down a second time."""
    exact = Decimal(one.quantity) * one.unit_price * 100
    return int(exact.copy_abs().quantize(Decimal(1), ROUND_HALF_UP).copy_sign(exact))


@given(any_lines())
@settings(deadline=None, max_examples=120)
def test_no_penny_and_no_line_is_lost(lines: list[SourceLine]) -> None:
    found = facts(*lines)
    totals = tally(found)
    assert totals.turnover_minor - totals.refunds_minor + totals.entries_minor == sum(map(pence, lines))
    assert totals.lines == len(lines)
    seen = Counter(row for fact in found for row in rows_of(fact))
    assert seen == Counter(one.row for one in lines)


@given(any_lines(), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=80)
def test_derived_stock_never_falls_below_zero_in_any_order_of_a_month(lines: list[SourceLine], random: Random) -> None:
    stock: Counter[str] = Counter()
    for month in months(lines):
        known = {seen.code for seen in month.articles} | stock.keys()
        for receipt in month.receipts:
            assert receipt.quantity > 0
            assert receipt.code in known
            stock[receipt.code] += receipt.quantity
        shuffled = list(month.facts)
        random.shuffle(shuffled)
        for fact in shuffled:
            for code, quantity in stock_changes(fact):
                stock[code] += quantity
                assert stock[code] >= 0


@given(any_lines())
@settings(deadline=None, max_examples=80)
def test_returns_take_back_only_what_was_sold(lines: list[SourceLine]) -> None:
    left: dict[tuple[str, bool, int], list[int]] = {}
    for fact in facts(*lines):
        match fact:
            case Sale():
                for charge, sold in ((False, fact.lines), (True, fact.charges)):
                    for position, one in enumerate(sold):
                        left[fact.invoice, charge, position] = [one.quantity, one.amount_minor]
            case Return():
                for back in fact.lines:
                    assert sum(part.quantity for part in back.parts) == -back.line.quantity
                    assert sum(part.amount_minor for part in back.parts) == -back.line.amount_minor
                    for part in back.parts:
                        lot = left[part.sale, back.charge, part.position]
                        lot[0] -= part.quantity
                        lot[1] -= part.amount_minor
                        assert part.quantity > 0
                        assert lot[0] >= 0
                        assert lot[1] >= 0
            case _:
                pass


@given(any_lines())
@settings(deadline=None, max_examples=25)
def test_the_same_lines_give_the_same_facts(lines: list[SourceLine]) -> None:
    """A resumed run maps everything again and must arrive at the same keys and bodies."""
    assert months(lines) == months(lines)


# -- the real year


@pytest.mark.data
@pytest.mark.slow
def test_the_real_year(data: Path) -> None:
    folder = data / "online_retail"
    with opened(folder) as source:
        mapper = Mapper(source.survey())
        found = list(mapper.months(source.lines()))
    totals = tally(fact for month in found for fact in month.facts)
    assert totals.turnover_minor - totals.refunds_minor + totals.entries_minor == total_minor(folder)
    assert totals.lines == source.rows
    assert not mapper.unknown_countries
    if source.rows == 320_705:
        assert totals.orders == 12_394
        assert totals.unmapped == 6
        assert sum(len(month.articles) for month in found) == 3_669
        assert sum(seen.first for month in found for seen in month.customers) == 3_360
