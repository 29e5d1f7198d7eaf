"""The pricing function: its invariants by hypothesis, its choices by table."""

import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.catalog.contracts import Content
from lotse.domains.pricing.contracts import InvalidPrice, Line, NoPrice, Price, SetPrice
from lotse.domains.pricing.rules import changed, check_price, price, prior_price, unit_price
from lotse.domains.tax.contracts import NoTaxRate, Policy, Rate

SHOP, VARIANT, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)
AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = AT.date()
BERLIN = ZoneInfo("Europe/Berlin")
RATES = [
    Rate("DE", "standard", date(2007, 1, 1), "DE-19", Decimal("0.19")),
    Rate("DE", "reduced", date(2007, 1, 1), "DE-7", Decimal("0.07")),
    Rate("DE", "zero", date(2023, 1, 1), "DE-0", Decimal(0)),
]

amounts = st.decimals(min_value=0, max_value=9999, places=6) | st.decimals(min_value=0, max_value=9999, places=2)
quantities = st.integers(-1_000_000, 1_000_000).filter(bool)
policies = st.sampled_from(["line", "document"])


@st.composite
def baskets(draw: st.DrawFn) -> list[Line]:
    drawn = draw(
        st.lists(
            st.tuples(amounts, quantities, st.sampled_from(["standard", "reduced", "zero"]), st.booleans()), max_size=20
        )
    )
    return [
        Line(ref=str(i), quantity=quantity, tax_class=tax_class, unit_price=amount, gross=gross, rule="test")
        for i, (amount, quantity, tax_class, gross) in enumerate(drawn)
    ]


def priced(lines, prices=(), *, policy: Policy = "line", currency="EUR", group="", at=AT, day=DAY):
    return price(
        lines,
        prices,
        RATES,
        currency=currency,
        country="DE",
        day=day,
        at=at,
        policy=policy,
        customer_group=group,
    )


@given(baskets(), policies)
def test_sums_agree_in_every_direction(lines: list[Line], policy: Policy):
    basket = priced(lines, policy=policy)
    for line in basket.lines:
        assert line.gross_minor == line.net_minor + line.tax_minor
    for total in basket.taxes:
        assert total.gross_minor == total.net_minor + total.tax_minor
    for field in ("net_minor", "tax_minor", "gross_minor"):
        total = getattr(basket, field)
        assert total == sum(getattr(line, field) for line in basket.lines)
        assert total == sum(getattr(tax, field) for tax in basket.taxes)
    assert basket.gross_minor == basket.net_minor + basket.tax_minor


@given(baskets(), policies, st.randoms(use_true_random=False))
def test_the_order_of_lines_changes_nothing(lines: list[Line], policy: Policy, random):
    shuffled = list(lines)
    random.shuffle(shuffled)
    one, other = priced(lines, policy=policy), priced(shuffled, policy=policy)
    assert {line.ref: line for line in one.lines} == {line.ref: line for line in other.lines}
    assert [line.ref for line in other.lines] == [line.ref for line in shuffled]
    assert msgspec.structs.replace(one, lines=[]) == msgspec.structs.replace(other, lines=[])


@given(baskets(), policies)
def test_taking_back_mirrors_selling_line_by_line(lines: list[Line], policy: Policy):
    """A credit of the whole is the whole with another sign; under `line` also for every single line."""
    back = [msgspec.structs.replace(line, quantity=-line.quantity) for line in lines]
    sold, returned = priced(lines, policy=policy), priced(back, policy=policy)
    assert (sold.net_minor, sold.tax_minor, sold.gross_minor) == (
        -returned.net_minor,
        -returned.tax_minor,
        -returned.gross_minor,
    )
    if policy == "line":
        assert [line.tax_minor for line in sold.lines] == [-line.tax_minor for line in returned.lines]


@given(baskets())
def test_the_document_rounds_tax_once_and_no_line_is_a_cent_off(lines: list[Line]):
    basket = priced(lines, policy="document")
    for line in basket.lines:
        part, whole = line.tax_rate.as_integer_ratio()
        base = line.gross_minor if line.gross else line.net_minor
        denominator = whole + part if line.gross else whole
        assert abs(line.tax_minor * denominator - base * part) < denominator
    for code in {line.tax_code for line in basket.lines}:
        for gross in (True, False):
            members = [line for line in basket.lines if line.tax_code == code and line.gross == gross]
            if members:
                part, whole = members[0].tax_rate.as_integer_ratio()
                base = sum(line.gross_minor if gross else line.net_minor for line in members)
                denominator = whole + part if gross else whole
                assert 2 * abs(sum(line.tax_minor for line in members) * denominator - base * part) <= denominator


@pytest.mark.parametrize(
    ("unit_price", "quantity", "tax_class", "gross", "expected"),
    [
        ("19.99", 1, "standard", True, (1680, 319, 1999)),
        ("10.00", 1, "reduced", True, (935, 65, 1000)),
        ("10.00", 1, "zero", True, (1000, 0, 1000)),
        ("10.00", 1, "standard", False, (1000, 190, 1190)),
        # Half a cent goes away from zero, also when it is given back.
        ("0.005", 1, "zero", True, (1, 0, 1)),
        ("0.005", -1, "zero", True, (-1, 0, -1)),
        # Finer than a cent: 12.99 a kilogram, by the gram.
        ("0.012990", 333, "reduced", True, (405, 28, 433)),
        ("0.000001", 1_000_000, "standard", True, (84, 16, 100)),
        ("0", 5, "standard", True, (0, 0, 0)),
    ],
)
def test_a_line_is_multiplied_and_rounded_once(unit_price, quantity, tax_class, gross, expected):
    line = Line(ref="1", quantity=quantity, tax_class=tax_class, unit_price=Decimal(unit_price), gross=gross)
    [found] = priced([line]).lines
    assert (found.net_minor, found.tax_minor, found.gross_minor) == expected


def test_policies_differ_where_they_should():
    """Three lines of 0.05 with 19 %: a line's tax is 0.8 cents and rounds up, the document's 2.4 cents round down."""
    lines = [Line(ref=str(i), quantity=1, tax_class="standard", unit_price=Decimal("0.05")) for i in range(3)]
    assert priced(lines, policy="line").tax_minor == 3
    document = priced(lines, policy="document")
    assert document.tax_minor == 2
    assert sorted(line.tax_minor for line in document.lines) == [0, 1, 1]


def test_currencies_without_and_with_three_places():
    line = Line(ref="1", quantity=3, tax_class="zero", unit_price=Decimal("1.234"))
    assert priced([line], currency="JPY").gross_minor == 4
    assert priced([line], currency="KWD").gross_minor == 3702


def test_a_million_pieces_cost_no_more_time_than_one():
    lines = [
        Line(ref=str(i), quantity=1_000_000, tax_class="standard", unit_price=Decimal("0.333333")) for i in range(100)
    ]
    begun = time.perf_counter()
    assert priced(lines).gross_minor == 100 * 33_333_300
    assert time.perf_counter() - begun < 0.5  # a hundred million pieces one by one would take a minute


# -- which price holds


def entry(amount: str | None, *, days: int = -1, group: str = "", quantity: int = 1, variant=VARIANT, id=9) -> Price:
    unit_price = None if amount is None else Decimal(amount)
    return Price(UUID(int=id), SHOP, variant, "EUR", group, quantity, unit_price, True, AT + timedelta(days=days))


@pytest.mark.parametrize(
    ("prices", "quantity", "group", "expected"),
    [
        ([entry("10")], 1, "", "10"),
        # The last one that began holds; one that has not begun does not.
        ([entry("10", days=-9), entry("9", days=-2), entry("8", days=1)], 1, "", "9"),
        ([entry("8", days=1)], 1, "", None),
        ([entry("10", days=0)], 1, "", "10"),
        # Ended.
        ([entry("10", days=-9), entry(None, days=-2)], 1, "", None),
        # Quantities: the largest that is reached.
        ([entry("10"), entry("9", quantity=10), entry("8", quantity=100)], 9, "", "10"),
        ([entry("10"), entry("9", quantity=10), entry("8", quantity=100)], 10, "", "9"),
        ([entry("10"), entry("9", quantity=10), entry("8", quantity=100)], 5000, "", "8"),
        ([entry("9", quantity=10)], 9, "", None),
        # Taking ten back costs what ten cost.
        ([entry("10"), entry("9", quantity=10)], -10, "", "9"),
        # A group's own price goes before, even if it is not the least; others' groups are nobody's business.
        ([entry("10"), entry("11", group="trade")], 1, "trade", "11"),
        ([entry("10"), entry("11", group="trade")], 1, "", "10"),
        ([entry("10"), entry("1", group="staff")], 1, "trade", "10"),
        ([entry("10"), entry("7", group="trade", quantity=5)], 4, "trade", "10"),
        ([entry("10"), entry("8", group="trade"), entry(None, group="trade", days=0)], 1, "trade", "10"),
        # Another variant's price.
        ([entry("10", variant=OTHER)], 1, "", None),
    ],
)
def test_which_price_holds(prices, quantity, group, expected):
    line = Line(ref="1", quantity=quantity, tax_class="standard", variant_id=VARIANT)
    if expected is None:
        with pytest.raises(NoPrice):
            priced([line], prices, group=group)
    else:
        [found] = priced([line], prices, group=group).lines
        assert found.unit_price == Decimal(expected)
        assert found.rules == [str(UUID(int=9))]


def test_a_missing_rate_is_not_zero():
    line = Line(ref="1", quantity=1, tax_class="luxury", unit_price=Decimal(1))
    with pytest.raises(NoTaxRate):
        priced([line])


def test_callers_mistakes_are_errors():
    line = Line(ref="1", quantity=1, tax_class="standard", unit_price=Decimal(1))
    with pytest.raises(ValueError, match="share a ref"):
        priced([line, line])
    with pytest.raises(ValueError, match="neither a variant nor a price"):
        priced([Line(ref="1", quantity=1, tax_class="standard")])


# -- prices that may be set


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"unit_price": Decimal("-0.01")}, "not negative"),
        ({"unit_price": Decimal("NaN")}, "a number"),
        ({"unit_price": Decimal("Infinity")}, "a number"),
        ({"unit_price": Decimal("0.0000001")}, "at most six places"),
        ({"unit_price": Decimal("1e9")}, "less than 1000000000"),
        ({"unit_price": Decimal("1e999999")}, "less than 1000000000"),
        ({"min_quantity": 0}, "a quantity from 1 to 1000000000"),
        ({"customer_group": "Trade"}, "a customer group"),
        ({"reason": "x" * 501}, "a reason"),
        ({"valid_from": datetime(9999, 12, 31, tzinfo=UTC)}, "a moment before"),
        ({"valid_from": datetime(2026, 1, 1)}, "a moment with its time zone"),  # noqa: DTZ001 - the mistake itself
    ],
)
def test_what_is_no_price(change, rule):
    good = SetPrice(shop_id=SHOP, variant_id=VARIANT, currency="EUR", unit_price=Decimal("0.000001"))
    check_price(good)
    with pytest.raises(InvalidPrice) as refused:
        check_price(msgspec.structs.replace(good, **change))
    assert refused.value.rule.startswith(rule)


# -- the price before a reduction


def on(day: int, hour: int = 10) -> datetime:
    return datetime(2026, 6, 1, hour, tzinfo=BERLIN) + timedelta(days=day)


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        # ECJ C-330/23: 1.69 -> 1.29, but 1.29 three weeks earlier: no reduction at all.
        ([(on(-90), "1.69"), (on(-21), "1.29"), (on(-14), "1.69"), (on(0), "1.29")], "1.29"),
        ([(on(-90), "10"), (on(0), "8")], "10"),
        # The window ends the day before: up in the morning and down in the evening proves nothing.
        ([(on(-90), "10"), (on(0, 8), "20"), (on(0, 20), "12")], "10"),
        # Thirty days back counts, thirty-one does not.
        ([(on(-90), "5"), (on(-30), "10"), (on(0), "8")], "5"),
        ([(on(-90), "5"), (on(-31), "10"), (on(0), "8")], "10"),
        # Began at midnight of the first day of the window: what was before did not hold in it.
        ([(on(-90), "5"), (on(-30, 0), "10"), (on(0), "8")], "10"),
        # Nothing was sold in those days, or never before.
        ([(on(-90), "10"), (on(-60), None), (on(0), "8")], None),
        ([(on(0), "8")], None),
        ([(on(0, 8), "10"), (on(0, 9), "8")], None),
    ],
)
def test_the_lowest_price_of_the_thirty_days_before(history, expected):
    typed = [(begins, None if amount is None else Decimal(amount)) for begins, amount in history]
    assert prior_price(typed, BERLIN) == (None if expected is None else Decimal(expected))


@pytest.mark.parametrize(
    ("old", "how", "amount", "rounding", "expected"),
    [
        ("11.90", "percent", "-10", "to_cent", "10.71"),
        ("11.95", "percent", "-10", "to_cent", "10.76"),  # 10.755
        ("11.90", "percent", "-10", "to_99", "10.99"),
        ("14.31", "amount", "0", "to_99", "13.99"),
        ("14.50", "amount", "0", "to_99", "14.99"),
        ("14.99", "amount", "0", "to_99", "14.99"),
        ("0.20", "percent", "0", "to_99", "0.99"),
        ("19.90", "amount", "5", "to_95", "24.95"),
        ("19.94", "amount", "0", "to_10_cents", "19.9"),
        ("19.50", "amount", "0", "to_whole", "20"),
        ("19.50", "to", "9.90", "to_cent", "9.90"),
        ("5.00", "amount", "-6", "to_cent", "-1.00"),  # which the page refuses
    ],
)
def test_a_price_changed_and_rounded(old: str, how: Any, amount: str, rounding: Any, expected: str):
    assert changed(Decimal(old), how, Decimal(amount), rounding) == Decimal(expected)


@given(
    st.decimals(Decimal("0.01"), Decimal(10_000), places=2),
    st.decimals(Decimal(-90), Decimal(200), places=1),
    st.sampled_from(["to_99", "to_95", "to_whole"]),
)
def test_a_rounded_price_is_the_nearest_with_its_ending(old: Decimal, percent: Decimal, rounding: Any):
    exact = changed(old, "percent", percent, "to_cent")
    rounded = changed(old, "percent", percent, rounding)
    ending = {"to_99": Decimal("0.99"), "to_95": Decimal("0.95"), "to_whole": Decimal(0)}[rounding]
    assert (rounded - ending) % 1 == 0 and rounded >= ending
    assert abs(rounded - exact) <= Decimal("0.51") or rounded == ending


@pytest.mark.parametrize(
    ("gross_minor", "amount", "unit", "per"),
    [
        (1999, "0.75", "kg", 2665),
        (149, "0.33", "l", 452),
        (1000, "1", "kg", None),
        (500, "0.009", "kg", None),
        (500, "0.01", "kg", 50000),
        (4900, "25", "m2", 196),
        (100, "0.005", "m", 20000),
    ],
)
def test_the_price_of_a_kilogram_stands_beside_where_it_must(
    gross_minor: int, amount: str, unit: Any, per: int | None
) -> None:
    found = unit_price(gross_minor, Content(UUID(int=1), Decimal(amount), unit))
    assert (found and found.amount_minor) == per
    assert unit_price(gross_minor, None) is None
