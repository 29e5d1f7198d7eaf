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
from lotse.domains.pricing.pages import slots
from lotse.domains.pricing.queries import (
    READS,
    holding_at,
    lowest_30_days,
    price_history,
    priced,
    prices_at,
    to_offer,
)
from lotse.domains.pricing.rules import PriceLists
from lotse.kernel.audit import history
from lotse.kernel.money import UnknownCurrency
from lotse.kernel.pages.slots import Ask
from lotse.kernel.tags import Tags
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


async def test_pages_read_prices_in_one_go_as_they_hold(tx, place, product):
    cheaper, agreed, unpriced = product.variant_ids
    await price(tx, place, [cheaper, agreed], "10.00")
    base = SetPrice(shop_id=place.shop.id, variant_id=cheaper, currency="EUR", unit_price=Decimal("8"))
    group = msgspec.structs.replace(base, variant_id=agreed, customer_group="clubs", unit_price=Decimal("7"))
    await set_prices(tx, [base, group], by=BY, at=AT + 40 * DAY)
    coming = msgspec.structs.replace(base, unit_price=Decimal("6"), valid_from=AT + 50 * DAY)
    await set_prices(tx, [coming], by=BY, at=AT + 40 * DAY)

    async def seen(at, customer_group=""):
        found = await to_offer(
            tx, shop=place.shop, variant_ids=product.variant_ids, at=at, customer_group=customer_group
        )
        assert {one.tax_class for one in found} == {"standard"}
        return {one.variant_id: (one.unit_price, one.prior, one.next_at) for one in found}

    now = await seen(AT + 41 * DAY)
    assert now[cheaper] == (8, 10, AT + 50 * DAY)
    assert now[agreed] == (10, None, None)
    assert now[unpriced] == (None, None, None)
    assert (await seen(AT + 41 * DAY, "clubs"))[agreed] == (7, None, None)
    assert (await seen(AT))[cheaper] == (10, None, AT + 40 * DAY)
    for group in ("", "clubs"):
        lists = PriceLists(
            await prices_at(
                tx, shop_id=place.shop.id, variant_ids=product.variant_ids, at=AT + 41 * DAY, customer_group=group
            ),
            at=AT + 41 * DAY,
            customer_group=group,
        )
        held = {id: found.unit_price if (found := lists.find(id, 1)) else None for id in product.variant_ids}
        assert {id: one[0] for id, one in (await seen(AT + 41 * DAY, group)).items()} == held


async def test_lists_show_copies_of_prices_until_something_changes(tx, place, product):
    [card] = [one for one in slots if one.slot == "card.offer"]
    tx.tags = Tags()
    tx.tags.line(live=True)
    at = AT + 5 * DAY
    ask = Ask(place.shop.id, "de", "EUR", "", tuple(product.variant_ids), at)

    async def costs(at):
        found = await card.answer(tx, msgspec.structs.replace(ask, at=at))
        return {one.gross_minor for one in found.values()}

    await price(tx, place, product.variant_ids, "10.00")
    coming = [
        SetPrice(shop_id=place.shop.id, variant_id=id, currency="EUR", unit_price=Decimal(8), valid_from=at + DAY / 24)
        for id in product.variant_ids
    ]
    await set_prices(tx, coming, by=BY, at=AT)
    assert card.standing is not None
    stands = await card.standing(tx, ask)
    assert stands.until == at + DAY / 24
    assert await costs(at) == {1000}
    now = [msgspec.structs.replace(one, unit_price=Decimal(9), valid_from=None) for one in coming]
    await set_prices(tx, now, by=BY, at=at)
    assert await costs(at) == {1000}, "a copy: no event was heard"
    tx.tags.drop([tag for tag in stands.tags if tag.startswith("pricing.")])
    assert await costs(at) == {900}
    assert await costs(at + DAY / 24) == {800}, "a price that begins needs no event"
    assert f"catalog.ProductChanged:{product.id}" in stands.tags
    tx.tags.drop([f"catalog.ProductChanged:{product.id}"])
    assert len(tx.tags.copies("pricing.offers", size=1)) == 0


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
