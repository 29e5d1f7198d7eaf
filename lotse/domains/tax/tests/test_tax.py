"""Rates as they ship, and the command that records more."""

from datetime import date
from decimal import Decimal

import pytest

from lotse.domains.tax.commands import put_rates
from lotse.domains.tax.contracts import CodeTaken, InvalidRate, Rate
from lotse.domains.tax.queries import countries, rates_for
from lotse.domains.tax.rules import rate_at
from tests.scene import AT, BY


@pytest.mark.parametrize(
    ("country", "tax_class", "day", "code", "rate"),
    [
        ("DE", "standard", date(1998, 3, 31), "DE-15", "0.15"),
        ("DE", "standard", date(1998, 4, 1), "DE-16", "0.16"),
        ("DE", "standard", date(2006, 12, 31), "DE-16", "0.16"),
        ("DE", "standard", date(2007, 1, 1), "DE-19", "0.19"),
        ("DE", "standard", date(2020, 7, 1), "DE-16", "0.16"),
        ("DE", "reduced", date(2020, 7, 1), "DE-5", "0.05"),
        ("DE", "standard", date(2020, 12, 31), "DE-16", "0.16"),
        ("DE", "standard", date(2021, 1, 1), "DE-19", "0.19"),
        ("DE", "reduced", date(2021, 1, 1), "DE-7", "0.07"),
        ("DE", "zero", date(2023, 1, 1), "DE-0", "0"),
        ("DE", "none", date(2011, 1, 1), "none", "0"),
        ("AT", "standard", date(2026, 1, 1), "AT-20", "0.2"),
        ("GB", "standard", date(2010, 12, 1), "GB-17.5", "0.175"),
        ("GB", "standard", date(2011, 1, 3), "GB-17.5", "0.175"),
        ("GB", "standard", date(2011, 1, 4), "GB-20", "0.2"),
        ("GB", "none", date(2010, 12, 1), "none", "0"),
    ],
)
async def test_what_the_law_says(tx, country, tax_class, day, code, rate):
    found = rate_at(await rates_for(tx, country=country), country, tax_class, day)
    assert (found.code, found.rate) == (code, Decimal(rate))


async def test_the_countries_that_ship(tx):
    assert {"AT", "DE", "GB"} <= set(await countries(tx))


SWISS = Rate("CH", "standard", date(2024, 1, 1), "CH-8.1", Decimal("0.081"))


async def test_recording_a_rate_and_correcting_it(tx):
    await put_rates(tx, [SWISS], by=BY, at=AT)
    await put_rates(tx, [SWISS], by=BY, at=AT)
    assert await rates_for(tx, country="CH") == [SWISS]
    corrected = Rate("CH", "standard", date(2024, 1, 1), "CH-8.2", Decimal("0.082"))
    await put_rates(tx, [corrected], by=BY, at=AT)
    assert await rates_for(tx, country="CH") == [corrected]
    told = await tx.raw.fetch("select actor, old, new from kernel.audit where subject like 'tax.rate:CH/%' order by id")
    assert [(row["old"] and row["old"]["code"], row["new"]["code"]) for row in told] == [
        (None, "CH-8.1"),
        ("CH-8.1", "CH-8.2"),
    ]
    assert (
        await tx.raw.fetchval("select count(*) from kernel.outbox where type = 'tax.RatesChanged' and key = 'CH'") == 2
    )


@pytest.mark.parametrize(
    ("rate", "refusal"),
    [
        (Rate("CH", "standard", date(2024, 1, 1), "X", Decimal("-0.1")), InvalidRate(rate=Decimal("-0.1"))),
        (Rate("CH", "standard", date(2024, 1, 1), "X", Decimal(19)), InvalidRate(rate=Decimal(19))),
        (Rate("CH", "standard", date(2024, 1, 1), "X", Decimal("0.0000001")), InvalidRate(rate=Decimal("0.0000001"))),
        # A code of the past means one rate for ever.
        (
            Rate("CH", "standard", date(2024, 1, 1), "DE-19", Decimal("0.2")),
            CodeTaken(tax_code="DE-19", rate=Decimal("0.19")),
        ),
    ],
)
async def test_what_is_no_rate(tx, rate, refusal):
    with pytest.raises(type(refusal)) as refused:
        await put_rates(tx, [rate], by=BY, at=AT)
    assert refused.value == refusal
