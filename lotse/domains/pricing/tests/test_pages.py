"""What people type for a price and for a day."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast
from uuid import UUID

import pytest
from msgspec import Struct

from lotse.domains.pricing.contracts import UnitPrice
from lotse.domains.pricing.pages import Offered, OnCard, amount, beginning, slots
from lotse.kernel.pages.forms import FormIncomplete


class Zone(Struct):
    timezone: str = "Europe/Berlin"


SHOP = cast(Any, Zone())
# Half past midnight on the second in Berlin, still the first in UTC.
AT = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"), [("59.95", "59.95"), ("59,95", "59.95"), ("0", "0"), ("12", "12"), ("0,001", "0.001")]
)
def test_a_price_takes_a_comma_or_a_point(text: str, expected: str) -> None:
    assert amount(text) == Decimal(expected)


@pytest.mark.parametrize("text", ["", "cheap", "-5", "1.234,56", "1e9", "NaN", "5 €", "0.0000001", "9" * 13])
def test_what_is_no_price_is_said_beside_its_field(text: str) -> None:
    with pytest.raises(FormIncomplete) as refused:
        amount(text)
    assert list(refused.value.errors) == ["price"]


def test_a_price_begins_with_the_shops_day() -> None:
    assert beginning(None, SHOP, AT) is None
    assert beginning(date(2026, 3, 2), SHOP, AT) is None, "today is at once"
    assert beginning(date(2026, 3, 3), SHOP, AT) == datetime(2026, 3, 2, 23, tzinfo=UTC)
    # The night in which the clocks go forward begins an hour earlier in UTC than the day after it.
    assert beginning(date(2026, 3, 30), SHOP, AT) == datetime(2026, 3, 29, 22, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2032, 1, 1)])
def test_a_price_does_not_begin_in_the_past_nor_in_another_decade(day: date) -> None:
    with pytest.raises(FormIncomplete) as refused:
        beginning(day, SHOP, AT)
    assert list(refused.value.errors) == ["valid_from"]


def offered(
    gross_minor: int, prior_minor: int | None = None, per: UnitPrice | None = None, variant: int = 1
) -> Offered:
    return Offered(UUID(int=variant), gross_minor, "EUR", Decimal("0.19"), prior_minor, per)


def test_a_card_says_the_lowest_price_and_whether_there_are_others() -> None:
    [card] = [one for one in slots if one.slot == "card.offer"]
    assert card.gist is not None
    per = UnitPrice(1_000, "kg")
    two = card.gist([offered(900), offered(500, 800, per, variant=2)])
    assert two == OnCard(500, "EUR", True, 800, per)
    assert card.gist([offered(500, 800, per), offered(500, variant=2)]) == OnCard(500, "EUR", False, 800, per)
    # Which article it is does not matter: its piece is the same.
    assert hash(card.gist([offered(500)])) == hash(card.gist([offered(500, variant=3)]))
