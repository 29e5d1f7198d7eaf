"""What the season promises: the same for the same seed, and trade as a house knows it."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from lotse.plugins.demo_sports.assortment import WAREHOUSE, Assortment, assortment
from lotse.plugins.demo_sports.season import DAYS, SALE_DAYS, Season, season
from lotse.plugins.demo_sports.stores import STORES

# A Friday.
AT = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ORDERS = 6_000
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="module")
def goods() -> Assortment:
    return assortment(3)


@pytest.fixture(scope="module")
def past(goods: Assortment) -> Season:
    return season(goods, 3, AT, ORDERS)


def test_the_same_seed_gives_the_same_season_and_another_one_another(goods: Assortment, past: Season) -> None:
    again = season(goods, 3, AT, ORDERS)
    assert msgspec.json.encode(again) == msgspec.json.encode(past)
    assert [sale.id for sale in again.sales] == [sale.id for sale in past.sales]
    assert msgspec.json.encode(season(goods, 4, AT, ORDERS)) != msgspec.json.encode(past)


def test_it_is_as_large_as_was_asked_for_and_in_order(past: Season) -> None:
    sales = list(past.sales)
    assert 0.85 * ORDERS < len(sales) < 1.1 * ORDERS
    assert [sale.at for sale in sales] == sorted(sale.at for sale in sales)
    assert len(past.days) == DAYS
    assert AT - timedelta(days=DAYS) < sales[0].at and sales[-1].at < AT
    assert all(later.at > sale.at and later.at < AT for sale in sales for later in sale.later)
    assert len({sale.number for sale in sales}) == len({sale.id for sale in sales}) == len(sales)
    # Lists go by id: the season's are in the order of their moments, to the millisecond.
    assert [sale.id.int >> 80 for sale in sales] == sorted(sale.id.int >> 80 for sale in sales)
    assert all(sale.id.version == 7 for sale in sales)


def test_it_looks_like_trade(goods: Assortment, past: Season) -> None:
    sales = list(past.sales)
    ways = Counter(sale.way for sale in sales)
    assert ways["till"] > ways["web"] > ways["marketplace"] > 0.05 * len(sales)
    # Shops are closed on Sundays; Saturday is the best day. The web sells through the night.
    days = Counter(sale.at.astimezone(BERLIN).weekday() for sale in sales if sale.way == "till")
    assert days[6] == 0 and max(days, key=lambda day: days[day]) == 5
    hours = {sale.at.astimezone(BERLIN).hour for sale in sales if sale.way == "till"}
    assert min(hours) >= 10 and max(hours) < 20
    assert {sale.place for sale in sales if sale.way == "till"} == {store.code for store in STORES}
    assert {sale.place for sale in sales if sale.way != "till"} == {WAREHOUSE}
    # Best sellers and a long tail.
    sold = Counter(line.sku.rsplit("-", 2)[0] for sale in sales for line in sale.lines)
    best = sum(count for _, count in sold.most_common(len(sold) // 10))
    assert best > 0.3 * sum(sold.values())
    # It goes towards winter.
    snow = {variant.sku for product in goods.products if product.model[0] == "snow" for variant in product.variants}
    months = Counter(sale.at.month for sale in sales for line in sale.lines if line.sku in snow)
    assert months[11] / 20 > 1.5 * months[9] / 30
    facts = Counter((sale.way, later.what) for sale in sales for later in sale.later)
    assert 0.05 < facts["web", "returned"] / ways["web"] < 0.2
    assert facts["till", "returned"] > 0 and facts["web", "cancelled"] > 0 and facts["till", "cancelled"] == 0
    assert all(sale.later for sale in sales if sale.method == "prepayment" and AT - sale.at > timedelta(days=5))


def test_nothing_comes_back_that_was_not_sold_and_prices_hold_from_the_sale_on(goods: Assortment, past: Season) -> None:
    variants = {variant.sku: variant for product in goods.products for variant in product.variants}
    stores = {variant.sku: product.stores for product in goods.products for variant in product.variants}
    sold, returned = past.sold(), past.returned()
    assert all(quantity <= sold[key] for key, quantity in returned.items())
    for sale in past.sales:
        days = (AT.astimezone(BERLIN).date() - sale.at.astimezone(BERLIN).date()).days
        for line in sale.lines:
            variant = variants[line.sku]
            price = variant.regular if variant.regular is not None and days > SALE_DAYS else variant.price
            assert line.price_minor == int(price * 100)
            assert sale.way != "till" or sale.place in stores[line.sku]
