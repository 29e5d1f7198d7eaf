"""Splitting amounts and picking rates, by hypothesis and by table."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.tax.contracts import NoTaxRate, Rate
from lotse.domains.tax.rules import add_net, divide, policy_for, rate_at, split_gross, spread_tax

amounts = st.integers(-(10**15), 10**15)
rates = st.decimals(min_value=0, max_value=1, places=6)


@given(amounts, rates)
def test_gross_is_net_and_tax_to_the_cent(amount: int, rate: Decimal):
    for split in (split_gross(amount, rate), add_net(amount, rate)):
        assert split.gross_minor == split.net_minor + split.tax_minor
        assert split.tax_minor * amount >= 0  # tax has the sign of the amount, or is nothing


@given(amounts, rates)
def test_tax_is_rounded_once_and_exactly(amount: int, rate: Decimal):
    part, whole = rate.as_integer_ratio()
    assert 2 * abs(split_gross(amount, rate).tax_minor * (whole + part) - amount * part) <= whole + part
    assert 2 * abs(add_net(amount, rate).tax_minor * whole - amount * part) <= whole


@given(amounts, rates)
def test_giving_back_is_selling_with_another_sign(amount: int, rate: Decimal):
    assert split_gross(-amount, rate).tax_minor == -split_gross(amount, rate).tax_minor


@given(amounts, rates)
def test_net_and_back_loses_nothing(net: int, rate: Decimal):
    """The gross of a net amount splits into the same net again: the rounding error of the tax is at most half a cent,
    and dividing by more than one only makes it smaller."""
    assert split_gross(add_net(net, rate).gross_minor, rate).net_minor == net


@pytest.mark.parametrize(
    ("gross", "rate", "tax"),
    [
        (11900, "0.19", 1900),
        (1999, "0.19", 319),
        (100, "0.07", 7),
        (1150, "0.07", 75),
        (500, "0.19", 80),
        (3, "0.2", 1),
    ],
)
def test_what_of_an_amount_is_tax(gross: int, rate: str, tax: int):
    """Among them the golden day of DSFinV-K, annex F: 11.50 = 10.75 + 0.75 and 5.00 = 4.20 + 0.80."""
    assert split_gross(gross, Decimal(rate)).tax_minor == tax


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"), [(1, 2, 1), (-1, 2, -1), (1, 3, 0), (5, 3, 2), (0, 7, 0)]
)
def test_halves_go_away_from_zero(numerator: int, denominator: int, expected: int):
    assert divide(numerator, denominator) == expected


@given(st.lists(st.integers(-(10**9), 10**9), max_size=30), st.integers(1, 10**6))
def test_a_spread_loses_no_cent_and_is_fair(shares: list[int], denominator: int):
    keyed = [(share, str(i)) for i, share in enumerate(shares)]
    parts = spread_tax(keyed, denominator)
    assert sum(parts) == divide(sum(shares), denominator)
    assert all(abs(part * denominator - share) < denominator for part, share in zip(parts, shares, strict=True))


# -- which rate holds

HISTORY = [
    Rate("DE", "standard", date(2007, 1, 1), "DE-19", Decimal("0.19")),
    Rate("DE", "standard", date(2020, 7, 1), "DE-16", Decimal("0.16")),
    Rate("DE", "standard", date(2021, 1, 1), "DE-19", Decimal("0.19")),
    Rate("GB", "standard", date(2011, 1, 4), "GB-20", Decimal("0.2")),
]


@pytest.mark.parametrize(
    ("country", "tax_class", "day", "code"),
    [
        ("DE", "standard", date(2006, 12, 31), None),
        ("DE", "standard", date(2007, 1, 1), "DE-19"),
        ("DE", "standard", date(2020, 6, 30), "DE-19"),
        ("DE", "standard", date(2020, 7, 1), "DE-16"),
        ("DE", "standard", date(2020, 12, 31), "DE-16"),
        ("DE", "standard", date(2021, 1, 1), "DE-19"),
        ("DE", "reduced", date(2021, 1, 1), None),
        ("GB", "standard", date(2011, 1, 3), None),
        ("FR", "standard", date(2021, 1, 1), None),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_last_rate_that_began_holds(country, tax_class, day, code, turned):
    known = HISTORY[::-1] if turned else HISTORY
    if code is None:
        with pytest.raises(NoTaxRate):
            rate_at(known, country, tax_class, day)
    else:
        assert rate_at(known, country, tax_class, day).code == code


def test_a_document_rounds_by_line_unless_its_country_says_otherwise():
    assert policy_for("DE", "receipt") == "line"
