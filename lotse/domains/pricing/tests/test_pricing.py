"""Setting prices by table, and reading what holds; against real PostgreSQL."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.parties.contracts import UnknownShop
from lotse.domains.pricing.commands import set_prices, withdraw_prices
from lotse.domains.pricing.contracts import (
    CurrencyNotOfShop,
    InvalidPrice,
    Line,
    NoPrice,
    PriceAlreadySet,
    PriceHasBegun,
    PriceInThePast,
    SetPrice,
)
from lotse.domains.pricing.queries import READS, holding_at, lowest_30_days, price_history, priced, prices_at
from lotse.kernel.audit import history
from lotse.kernel.money import UnknownCurrency
from tests.scene import AT, BY, open_shop, price, put_one

DAY = timedelta(days=1)


@pytest.fixture
async def place(tx, fresh):
    return await open_shop(tx, fresh)


@pytest.fixture
async def product(tx, fresh):
    return await put_one(tx, fresh, variants=3)


@pytest.fixture
def good(place, product):
    return SetPrice(shop_id=place.shop.id, variant_id=product.variant_ids[0], currency="EUR", unit_price=Decimal("10"))


# In the order of the checks: each row breaks its own rule and all that come later.
LADDER = [
    (InvalidPrice, {"unit_price": Decimal(-1)}),
    (UnknownCurrency, {"currency": "XYZ"}),
    (PriceInThePast, {"valid_from": AT - timedelta(seconds=1)}),
    (UnknownShop, {"shop_id": None}),
    (UnknownVariant, {"variant_id": None}),
    (CurrencyNotOfShop, {"currency": "USD"}),
]


@pytest.mark.parametrize("rung", range(len(LADDER)), ids=[refusal.__name__ for refusal, _ in LADDER])
async def test_refusals_in_their_order(tx, fresh, good, rung):
    change = {}
    for _, broken in LADDER[rung:][::-1]:
        change |= {name: fresh.id() if value is None else value for name, value in broken.items()}
    with pytest.raises(LADDER[rung][0]):
        await set_prices(tx, [good, msgspec.structs.replace(good, **change)], by=BY, at=AT)
    assert await prices_at(tx, shop_id=good.shop_id, variant_ids=[good.variant_id], at=AT) == []


async def test_a_price_holds_from_its_moment_on(tx, good):
    later = msgspec.structs.replace(good, unit_price=Decimal("9"), valid_from=AT + 5 * DAY)
    ids = await set_prices(tx, [good, later], by=BY, at=AT)
    for days, expected in ((-1, []), (0, [(ids[0], "10")]), (4, [(ids[0], "10")]), (5, [(ids[1], "9")])):
        found = await prices_at(tx, shop_id=good.shop_id, variant_ids=[good.variant_id], at=AT + days * DAY)
        assert [(entry.id, str(entry.unit_price)) for entry in found] == expected


async def test_the_same_again_changes_nothing(tx, good):
    first = await set_prices(tx, [good], by=BY, at=AT)
    events = await tx.raw.fetchval("select count(*) from kernel.outbox")
    assert await set_prices(tx, [good], by=BY, at=AT) == first
    assert await set_prices(tx, [good], by=BY, at=AT + 3 * DAY) == first
    assert await tx.raw.fetchval("select count(*) from kernel.outbox") == events
    assert len(await price_history(tx, variant_id=good.variant_id)) == 1


async def test_another_price_of_the_same_moment_is_refused(tx, good):
    await set_prices(tx, [good], by=BY, at=AT)
    with pytest.raises(PriceAlreadySet):
        await set_prices(tx, [msgspec.structs.replace(good, unit_price=Decimal(11))], by=BY, at=AT)
    with pytest.raises(InvalidPrice):
        await set_prices(tx, [good, msgspec.structs.replace(good, unit_price=Decimal(11))], by=BY, at=AT + DAY)


async def test_a_price_can_end(tx, good):
    ended = msgspec.structs.replace(good, unit_price=None, valid_from=AT + DAY)
    await set_prices(tx, [good, ended], by=BY, at=AT)
    [entry] = await prices_at(tx, shop_id=good.shop_id, variant_ids=[good.variant_id], at=AT + DAY)
    assert entry.unit_price is None


async def test_history_says_who_when_old_new_why(tx, good):
    await set_prices(tx, [good], by=BY, at=AT)
    await set_prices(
        tx, [msgspec.structs.replace(good, unit_price=Decimal("8.5"), reason="sale")], by="staff:other", at=AT + DAY
    )
    new, old = await price_history(tx, variant_id=good.variant_id, shop_id=good.shop_id)
    assert (new.old_unit_price, new.unit_price, new.changed_by, new.reason, new.recorded_at) == (
        Decimal(10),
        Decimal("8.5"),
        "staff:other",
        "sale",
        AT + DAY,
    )
    assert (old.old_unit_price, old.unit_price) == (None, Decimal(10))


async def test_two_changes_at_once_become_one_history(db, fresh):
    """Without the lock on the key both would compare with the price before and both write, one of them in vain."""
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        stored = await put_one(tx, fresh)
    wanted = SetPrice(shop_id=place.shop.id, variant_id=stored.variant_ids[0], currency="EUR", unit_price=Decimal(5))

    async def change() -> None:
        async with db.transaction() as tx:
            await set_prices(tx, [wanted], by=BY, at=AT)

    await asyncio.gather(*(change() for _ in range(4)))
    async with db.reading() as conn:
        assert len(await price_history(conn, variant_id=wanted.variant_id)) == 1


async def test_a_basket_is_priced_with_the_prices_and_rates_of_its_moment(tx, place, product):
    await price(tx, place, product.variant_ids, "11.90")
    lines = [
        Line(ref="a", quantity=2, tax_class="standard", variant_id=product.variant_ids[0]),
        Line(ref="ship", quantity=1, tax_class="standard", unit_price=Decimal("4.90"), rule="shipping"),
    ]
    basket = await priced(tx, shop=place.shop, lines=lines, at=AT)
    assert (basket.net_minor, basket.tax_minor, basket.gross_minor) == (2412, 458, 2870)
    assert [line.rules[0] for line in basket.lines][1] == "shipping"
    with pytest.raises(NoPrice):
        await priced(tx, shop=place.shop, lines=lines, at=AT - DAY)


async def test_tax_days_are_the_shops_own(tx, place, product):
    """The last hour of 2020 in Berlin is 23:00 UTC; half an hour later the reduced standard rate is over."""
    line = Line(ref="a", quantity=1, tax_class="standard", unit_price=Decimal(100))
    before, after = (AT.replace(year=2020, month=12, day=31, hour=22, minute=minute) for minute in (30, 59))
    assert (await priced(tx, shop=place.shop, lines=[line], at=before)).taxes[0].tax_code == "DE-16"
    later = after + timedelta(minutes=1)
    assert (await priced(tx, shop=place.shop, lines=[line], at=later)).taxes[0].tax_code == "DE-19"


async def test_only_reductions_have_a_price_before(tx, place, product):
    cheaper, dearer, unchanged = product.variant_ids
    await price(tx, place, product.variant_ids, "10.00")
    base = SetPrice(shop_id=place.shop.id, variant_id=cheaper, currency="EUR", unit_price=Decimal("8"))
    await set_prices(
        tx,
        [base, msgspec.structs.replace(base, variant_id=dearer, unit_price=Decimal("12"))],
        by=BY,
        at=AT + 40 * DAY,
    )
    [found] = await lowest_30_days(tx, shop=place.shop, variant_ids=[unchanged, dearer, cheaper], at=AT + 41 * DAY)
    assert (found.variant_id, found.unit_price, found.lowest) == (cheaper, Decimal(8), Decimal(10))


async def test_what_holds_at_a_moment_and_what_comes(tx, place, product):
    await price(tx, place, product.variant_ids[:2], "10.00")
    coming = SetPrice(
        shop_id=place.shop.id,
        variant_id=product.variant_ids[0],
        currency="EUR",
        unit_price=Decimal(9),
        valid_from=AT + DAY,
    )
    [id] = await set_prices(tx, [coming], by=BY, at=AT)
    now = await holding_at(tx, shop_id=place.shop.id, variant_ids=product.variant_ids, at=AT)
    then = await holding_at(tx, shop_id=place.shop.id, variant_ids=product.variant_ids, at=AT + DAY)
    assert {found.unit_price for found in now.values()} == {Decimal(10)}
    assert set(now) == set(product.variant_ids[:2]), "who has no price is absent"
    assert (then[product.variant_ids[0]].id, then[product.variant_ids[0]].unit_price) == (id, Decimal(9))


async def test_a_price_that_has_not_begun_can_be_taken_back(tx, place, product):
    await price(tx, place, product.variant_ids, "10.00")
    variant_id = product.variant_ids[0]
    coming = SetPrice(
        shop_id=place.shop.id, variant_id=variant_id, currency="EUR", unit_price=Decimal(9), valid_from=AT + DAY
    )
    [id] = await set_prices(tx, [coming], by=BY, at=AT)
    with pytest.raises(PriceHasBegun):
        await withdraw_prices(tx, [id], by=BY, at=AT + DAY)
    await withdraw_prices(tx, [id], by=BY, at=AT, reason="a mistake")
    then = await holding_at(tx, shop_id=place.shop.id, variant_ids=[variant_id], at=AT + DAY)
    assert then[variant_id].unit_price == Decimal(10)
    [noted] = await history(tx, subject=f"pricing.price:{id}")
    assert (noted.old["unit_price"], noted.new, noted.reason) == ("9.000000", None, "a mistake")


async def test_bulk_is_bulk(tx, fresh, place):
    stored = await put_one(tx, fresh, variants=500)
    await price(tx, place, stored.variant_ids)
    found = await prices_at(tx, shop_id=place.shop.id, variant_ids=stored.variant_ids, at=AT)
    assert [entry.variant_id for entry in found] == stored.variant_ids


async def test_nothing_disagrees(tx, place, product):
    await price(tx, place, product.variant_ids)
    assert await tx.raw.fetch(READS.check_currencies.sql) == []
