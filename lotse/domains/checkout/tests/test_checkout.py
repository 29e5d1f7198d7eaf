"""From basket to order: what a basket shows, every refusal in the order of the checks, and two tabs."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.checkout import commands, queries
from lotse.domains.checkout.commands import baskets
from lotse.domains.checkout.contracts import (
    Basket,
    BasketChanged,
    BasketEmpty,
    BasketOrdered,
    BasketUnknown,
    InvalidQuantity,
    NoDelivery,
    NotInThisShop,
    NotSold,
    PriceChanged,
    ShippingRate,
    StoredBasket,
    StoredLine,
    TooManyLines,
    Wanted,
)
from lotse.domains.checkout.rules import FREE_FROM, check_contact, shipping_lines, varied
from lotse.domains.customers.contracts import Address
from lotse.domains.offers.commands import change_state
from lotse.domains.orders import queries as orders
from lotse.domains.orders.contracts import Contact, OutOfStock, Placed
from lotse.domains.parties.contracts import UnknownShop
from lotse.domains.payments.contracts import MethodUnknown
from lotse.domains.pricing.contracts import PricedLine
from lotse.kernel import audit
from lotse.kernel.idempotency import KeyReused, key_for
from lotse.kernel.ids import uuid7
from lotse.kernel.money import minor_digits
from lotse.kernel.refusals import Invalid

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def shown(store, basket_id, *, at: datetime = AT, country: str | None = None) -> Basket:
    async with store.db.reading() as conn:
        return await queries.basket(conn, shop=store.shop, basket_id=basket_id, language="en", at=at, country=country)


async def place(store, basket_id, purchase, *, key=None, at: datetime = AT, language: str = "en") -> Placed:
    return await commands.place(
        store.desk, store.db, store.assortment, shop=store.shop, basket_id=basket_id, purchase=purchase,
        language=language, channel="web", key=key or store.key(), actor="guest", at=at,
    )  # fmt: skip


async def test_an_order_is_written_in_the_words_of_its_buyer(store):
    basket_id = await store.basket((await store.article(1), 1))
    placed = await place(store, basket_id, store.purchase(1685), language="de")
    async with store.db.reading() as conn:
        order = await orders.order(conn, order_id=placed.order_id)
    assert order is not None
    assert [line.text for line in order.lines] == ["Ball, Königsblau", "Versand"]


async def test_what_is_shown_is_what_is_ordered(store):
    ball, shoe = await store.article(9), await store.article(2, 5, price="29.95", name="Shoe")
    basket_id = await store.basket((ball, 1), (shoe, 1))
    basket = await shown(store, basket_id)
    assert (basket.goods_minor, basket.shipping_minor, basket.total_minor) == (4185, 495, 4680)
    assert (basket.pieces, basket.ready, basket.delivers_to) == (2, True, ("AT", "DE"))
    placed = await place(store, basket_id, store.purchase(4680))
    async with store.db.reading() as conn:
        order = await orders.order(conn, order_id=placed.order_id)
    assert order is not None
    assert order.gross_minor == placed.gross_minor == 4680
    assert [(line.kind, line.text, line.gross_minor) for line in order.lines] == [
        ("goods", "Ball, Royal blue", 1190),
        ("goods", "Shoe, Royal blue", 2995),
        ("shipping", "Delivery", 495),
    ]
    goods = order.lines[0]
    assert (goods.offer_id, goods.variant_id, goods.pool_id) == (ball.offer_id, ball.variant_id, ball.pools[0])
    assert (goods.seller_party_id, goods.legal_entity_id) == (store.shop.owner_party_id, store.shop.legal_entity_id)
    assert (goods.tax_rate, goods.tax_minor, goods.net_minor) == (Decimal("0.19"), 190, 1000)
    assert len(goods.rule_ids) == 1
    assert (await shown(store, basket_id)).order_id == order.id


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param({"country": "Austria"}, Invalid, id="country"),
        pytest.param({"price_minor": -1}, Invalid, id="negative price"),
        pytest.param({"free_from_minor": 0}, Invalid, id="free from nothing"),
        pytest.param({"shop_id": UUID(int=1)}, UnknownShop, id="unknown shop"),
        pytest.param({"price_minor": 990}, None, id="as it is"),
        pytest.param({"price_minor": 890}, None, id="cheaper"),
    ],
)
async def test_a_shipping_rate_is_put_and_on_record(store, change, refused):
    later = AT + timedelta(days=1)
    rate = {"shop_id": store.shop.id, "country": "AT", "price_minor": 990, "free_from_minor": None} | change
    async with store.db.transaction() as tx:
        if refused:
            with pytest.raises(refused):
                await commands.put_shipping(tx, **rate, valid_from=later, by="staff:test", at=AT)
            return
        await commands.put_shipping(tx, **rate, valid_from=later, by="staff:test", at=AT)
        told = await audit.history(tx, subject=f"checkout.shipping_rate:{store.shop.id}")
    if rate["price_minor"] == 990:
        assert len(told) == 2  # the two that the shop began with
    else:
        assert (told[0].actor, told[0].old["price_minor"], told[0].new["price_minor"]) == ("staff:test", 990, 890)
    async with store.db.reading() as conn:
        for at, price in ((AT, 990), (later, rate["price_minor"])):
            rates = {rate.country: rate for rate in await queries.shipping_rates(conn, shop_id=store.shop.id, at=at)}
            assert rates["AT"].price_minor == price


@given(free_from=st.integers(1, 10**7), currency=st.sampled_from(("EUR", "JPY", "KWD")))
def test_a_variation_of_free_delivery_is_whole_and_goes_its_way(free_from, currency):
    rates = [ShippingRate("DE", 495, free_from), ShippingRate("AT", 990, None)]
    lower, kept, higher = (varied(rates, name, currency)[0].free_from_minor or 0 for name in ("lower", "set", "higher"))
    assert 0 < lower <= kept == free_from < higher
    assert higher % 10 ** minor_digits(currency) == 0
    assert all(varied(rates, name, currency)[1] == rates[1] for name in FREE_FROM)
    assert varied(rates, "no such", currency) == tuple(rates)


async def test_delivery_is_free_from_its_value_on_and_differs_by_country(store):
    shoe = await store.article(9, price="25.00")
    one, two = await store.basket((shoe, 1)), await store.basket((shoe, 2))
    assert (await shown(store, one)).shipping_minor == 495
    assert (await shown(store, two)).shipping_minor == 0
    assert (await shown(store, two, country="AT")).shipping_minor == 990
    with pytest.raises(NoDelivery) as refused:
        await shown(store, two, country="FR")
    assert refused.value.delivers_to == ("AT", "DE")


async def test_a_basket_says_what_is_wrong_with_its_lines(store):
    few, gone, dearer = await store.article(1), await store.article(9), await store.article(9)
    basket_id = await store.basket((few, 2), (gone, 1), (dearer, 1))
    later = AT + timedelta(hours=1)
    async with store.db.transaction() as tx:
        await change_state(tx, offer_ids=[gone.offer_id], state="paused", by="test", at=AT)
        await store.price(tx, dearer.variant_id, "13.00", at=later)
    basket = await shown(store, basket_id, at=later)
    assert [(line.problem, line.available) for line in basket.lines] == [("short", 1), ("not_sold", 9), ("", 9)]
    assert [line.was for line in basket.lines] == [None, None, Decimal("11.90")]
    assert not basket.ready


async def test_a_line_is_served_by_one_location(store):
    """Five pieces in two places are not five pieces in one parcel: nobody is promised what no place has."""
    ball = await store.article(3, 2)
    basket = await shown(store, await store.basket((ball, 4)))
    assert (basket.lines[0].available, basket.lines[0].problem) == (3, "short")


@pytest.mark.parametrize("quantity", [-1, 10_000])
async def test_not_a_quantity(store, quantity):
    ball = await store.article(1)
    basket_id = await store.basket()
    with pytest.raises(InvalidQuantity):
        async with store.db.transaction() as tx:
            await commands.set_quantity(
                tx, shop=store.shop, basket_id=basket_id, offer_id=ball.offer_id, quantity=quantity, at=AT
            )


async def test_adding_adds_and_zero_takes_out(store):
    ball = await store.article(9)
    basket_id = await store.basket((ball, 2))
    line = {"shop": store.shop, "basket_id": basket_id, "offer_id": ball.offer_id, "at": AT}
    await commands.add_line(store.db, store.assortment, quantity=3, **line)
    assert [line.quantity for line in (await shown(store, basket_id)).lines] == [5]
    with pytest.raises(InvalidQuantity):
        await commands.add_line(store.db, store.assortment, quantity=9_998, **line)
    async with store.db.transaction() as tx:
        await commands.set_quantity(tx, quantity=0, **line)
    assert (await shown(store, basket_id)).lines == []


async def test_what_may_be_put_into_a_basket(store, fresh):
    unpriced, ball = await store.article(9, price=None), await store.article(9)
    basket_id = await store.basket()
    for offer_id, basket, refused in (
        (ball.offer_id, fresh.id(), BasketUnknown),
        (fresh.id(), basket_id, NotInThisShop),
        (unpriced.offer_id, basket_id, NotSold),
    ):
        line = {"shop": store.shop, "basket_id": basket, "offer_id": offer_id, "at": AT}
        with pytest.raises(refused):
            await commands.add_line(store.db, store.assortment, quantity=1, **line)
        with pytest.raises(refused):
            async with store.db.transaction() as tx:
                await commands.set_quantity(tx, quantity=1, **line)


async def test_a_basket_begins_with_what_is_put_into_it(store, fresh):
    ball, unpriced = await store.article(9), await store.article(9, price=None)
    basket_id = await commands.add_first_line(
        store.db, store.assortment, shop=store.shop, offer_id=ball.offer_id, quantity=2, at=AT
    )
    assert [(line.offer_id, line.quantity) for line in (await shown(store, basket_id)).lines] == [(ball.offer_id, 2)]
    for offer_id, quantity, refused in (
        (ball.offer_id, 0, InvalidQuantity),
        (fresh.id(), 1, NotInThisShop),
        (unpriced.offer_id, 1, NotSold),
    ):
        with pytest.raises(refused):
            await commands.add_first_line(
                store.db, store.assortment, shop=store.shop, offer_id=offer_id, quantity=quantity, at=AT
            )


async def test_a_full_basket_takes_no_more(store, monkeypatch):
    ball, bat = await store.article(9), await store.article(9)
    basket_id = await store.basket((ball, 1))
    monkeypatch.setattr(baskets, "MAX_LINES", 1)
    line = {"shop": store.shop, "basket_id": basket_id, "offer_id": bat.offer_id, "quantity": 1, "at": AT}
    with pytest.raises(TooManyLines):
        await commands.add_line(store.db, store.assortment, **line)
    with pytest.raises(TooManyLines):
        async with store.db.transaction() as tx:
            await commands.set_quantity(tx, **line)


async def test_an_ordered_basket_takes_nothing(store):
    ball = await store.article(9)
    basket_id = await store.basket((ball, 1))
    await place(store, basket_id, store.purchase(1685))
    with pytest.raises(BasketOrdered):
        await commands.add_line(
            store.db, store.assortment, shop=store.shop, basket_id=basket_id, offer_id=ball.offer_id, quantity=1, at=AT
        )


async def test_a_price_that_begins_later_begins_in_copies_too(store):
    ball = await store.article(9)
    tomorrow, later = AT + timedelta(days=1), AT + timedelta(days=2)
    async with store.db.transaction() as tx:
        await store.price(tx, ball.variant_id, "10.00", at=tomorrow)
        await store.price(tx, ball.variant_id, "9.00", at=later)
    basket_id = await store.basket((ball, 1))
    store.tags.line(live=True)
    for at, price in ((AT, 1190), (tomorrow, 1000), (later, 900)):
        found = await store.assortment.basket(shop=store.shop, basket_id=basket_id, language="en", at=at)
        assert found.goods_minor == price
        assert found.goods_minor == (await shown(store, basket_id, at=at)).goods_minor
    [copies] = [copies for name, copies in store.tags._copies.items() if name.startswith("checkout.articles")]
    assert copies.get(ball.offer_id), "it was kept all the while"


async def test_the_assortment_says_what_the_database_says(store):
    ball, bat = await store.article(2, 9), await store.article(9, price=None)
    basket_id = await store.basket((ball, 3))
    read = await shown(store, basket_id)
    assert await store.assortment.basket(shop=store.shop, basket_id=basket_id, language="en", at=AT) == read
    with pytest.raises(BasketUnknown):
        await store.assortment.basket(shop=store.shop, basket_id=bat.offer_id, language="de", at=AT)


async def test_refusals_of_placing_in_their_order(store, fresh):
    """Each request is wrong in one more respect than the one before; the first mistake in the order is named."""
    ball = await store.article(1)
    empty, basket_id = await store.basket(), await store.basket((ball, 2))
    total = (await shown(store, basket_id)).total_minor
    good = store.purchase(total)
    wrong_total = store.purchase(total + 1)
    for purchase, basket, refused in (
        (store.purchase(total + 1, method="barter", country="FR", name=""), fresh.id(), BasketUnknown),
        (store.purchase(total + 1, method="barter", country="FR", name=""), empty, BasketEmpty),
        (store.purchase(total + 1, method="barter", country="FR", name=""), basket_id, Invalid),
        (store.purchase(total + 1, method="barter", country="FR"), basket_id, MethodUnknown),
        (store.purchase(total + 1, country="FR"), basket_id, NoDelivery),
        (wrong_total, basket_id, PriceChanged),
        (good, basket_id, OutOfStock),
    ):
        with pytest.raises(refused):
            await place(store, basket, purchase)
    async with store.db.transaction() as tx:
        await change_state(tx, offer_ids=[ball.offer_id], state="paused", by="test", at=AT)
    with pytest.raises(NotSold):
        await place(store, basket_id, wrong_total)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("street", ""),
        ("postcode", "1234"),
        ("city", "x" * 201),
        ("company", "a\nb"),
        ("country", "Germany"),
    ],
)
async def test_an_address_that_cannot_be_used_names_its_field(store, field, value):
    basket_id = await store.basket((await store.article(1), 1))
    with pytest.raises(Invalid) as refused:
        await place(store, basket_id, store.purchase(1685, **{field: value}))
    assert refused.value.field == f"contact.billing.{field}"


@pytest.mark.parametrize(
    ("country", "postcode", "example"),
    [("DE", "2045", "20457"), ("AT", "10100", "1010"), ("NL", "1011", "1011 AB"), ("AT", "1010", None)],
)
def test_a_postcode_of_another_form_is_refused_with_an_example(country: str, postcode: str, example: str | None):
    address = Address(name="Anna", street="Am Kai 1", postcode=postcode, city="Dort", country=country)
    contact = Contact(email="anna@example.org", billing=address)
    if example is None:
        check_contact(contact)
        return
    with pytest.raises(Invalid) as refused:
        check_contact(contact)
    assert refused.value.field == "contact.billing.postcode"
    assert refused.value.rule == f"as postcodes are in {country}, e.g. {example}"


async def test_the_same_key_answers_the_same_though_the_basket_is_ordered(store, fresh):
    basket_id = await store.basket((await store.article(3), 1))
    name = fresh.text()
    first = await place(store, basket_id, store.purchase(1685), key=key_for("test", name, "body"))
    again = await place(store, basket_id, store.purchase(1685), key=key_for("test", name, "body"))
    assert first == again
    with pytest.raises(KeyReused):
        await place(store, basket_id, store.purchase(1685), key=key_for("test", name, "other"))
    with pytest.raises(BasketOrdered) as ordered:
        await place(store, basket_id, store.purchase(1685))
    assert ordered.value.order_id == first.order_id


async def test_two_tabs_and_a_double_click_make_one_order(store, fresh):
    ball = await store.article(9)
    basket_id = await store.basket((ball, 1))
    name = fresh.text()
    keys = [key_for("test", name, "body")] * 2 + [store.key() for _ in range(4)]
    results = await asyncio.gather(
        *(place(store, basket_id, store.purchase(1685), key=key) for key in keys), return_exceptions=True
    )
    placed = {result.order_id for result in results if isinstance(result, Placed)}
    assert len(placed) == 1
    assert all(isinstance(result, Placed | BasketOrdered) for result in results)


async def test_a_basket_that_changed_after_it_was_read_is_not_ordered(store, monkeypatch):
    """The second tab adds a line between our read and our commit."""
    ball = await store.article(9)
    basket_id = await store.basket((ball, 1))

    class SlowDesk:
        async def submit(self, *args, **kwargs):
            await commands.add_line(
                store.db,
                store.assortment,
                shop=store.shop,
                basket_id=basket_id,
                offer_id=ball.offer_id,
                quantity=1,
                at=AT,
            )
            return await store.desk.submit(*args, **kwargs)

    with pytest.raises(BasketChanged):
        await commands.place(
            SlowDesk(), store.db, store.assortment, shop=store.shop, basket_id=basket_id,
            purchase=store.purchase(1685), language="en", channel="web", key=store.key(), actor="guest", at=AT,
        )  # fmt: skip


async def test_old_baskets_are_forgotten(store):
    basket_id = await store.basket((await store.article(1), 1))
    async with store.db.transaction() as tx:
        assert await commands.delete_old(tx, before=AT - timedelta(days=1), limit=10) == 0
        assert await commands.delete_old(tx, before=AT + timedelta(days=1), limit=10_000) >= 1
    with pytest.raises(BasketUnknown):
        await shown(store, basket_id)


@given(
    price=st.integers(1, 10_000),
    goods=st.lists(st.tuples(st.sampled_from(["standard", "reduced", "zero"]), st.integers(0, 10**6)), min_size=1),
)
def test_delivery_is_divided_over_the_tax_classes_to_the_cent(price, goods):
    lines = [
        PricedLine(str(n), None, 1, Decimal(1), True, gross, 0, gross, tax_class, tax_class, Decimal(0), [])
        for n, (tax_class, gross) in enumerate(goods)
    ]
    parts = shipping_lines(ShippingRate("DE", price, None), lines, "EUR")
    assert sum(part.unit_price * 100 for part in parts if part.unit_price is not None) == price
    assert {part.tax_class for part in parts} <= {tax_class for tax_class, _ in goods}


@pytest.mark.parametrize(
    ("wanted", "change", "refused"),
    [
        pytest.param([("ball", 0)], {}, InvalidQuantity, id="quantity first"),
        pytest.param([("ball", 1), ("ball", 1)], {}, Invalid, id="an offer twice"),
        pytest.param([], {}, Invalid, id="nothing"),
        pytest.param([("ball", 1)] * 201, {}, Invalid, id="each once, however many"),
        pytest.param([("nowhere", 1)], {"method": "barter"}, NotInThisShop, id="existence before rules"),
        pytest.param([("ball", 1)], {"street": " ", "method": "barter"}, Invalid, id="contact before method"),
        pytest.param([("ball", 1)], {"method": "barter", "total_minor": 1}, MethodUnknown, id="method before price"),
        pytest.param([("ball", 1)], {"country": "FR"}, NoDelivery, id="country"),
        pytest.param([("paused", 1)], {"total_minor": 1}, NotSold, id="not sold before price"),
        pytest.param([("ball", 9)], {"total_minor": 1}, PriceChanged, id="price before stock"),
        pytest.param([("ball", 3)], {"total_minor": 4065}, OutOfStock, id="stock last"),
    ],
)
async def test_buying_in_one_call(store, wanted, change, refused):
    ball, paused = await store.article(2), await store.article(2)
    async with store.db.transaction() as tx:
        await change_state(tx, offer_ids=[paused.offer_id], state="paused", by="test", at=AT)
    offers = {"ball": ball.offer_id, "paused": paused.offer_id, "nowhere": uuid7()}
    total = change.pop("total_minor", 1685)
    lines = [Wanted(offers[name], quantity) for name, quantity in wanted]

    async def buy(purchase, lines, key):
        return await commands.buy(
            store.desk, store.db, store.assortment, shop=store.shop, wanted=lines, purchase=purchase, language="en",
            channel="api", key=key, actor="guest", at=AT,
        )  # fmt: skip

    with pytest.raises(refused):
        await buy(store.purchase(total, **change), lines, store.key())
    key = store.key()
    placed = await buy(store.purchase(1685), [Wanted(ball.offer_id, 1)], key)
    assert await buy(store.purchase(1685), [Wanted(ball.offer_id, 1)], key) == placed
    async with store.db.reading() as conn:
        order = await orders.order(conn, order_id=placed.order_id)
    assert order is not None
    assert [(line.kind, line.gross_minor) for line in order.lines] == [("goods", 1190), ("shipping", 495)]


async def test_copies_hear_of_what_they_were_made_of(store):
    """A new price counts once its event has come; until then the copy of before does, however often it is asked."""
    store.tags.line(live=True)
    ball = await store.article(9)

    def ask():
        return store.assortment.articles(shop=store.shop, offer_ids=[ball.offer_id], language="en", at=AT)

    first = (await ask())[ball.offer_id]
    later = AT + timedelta(seconds=1)
    async with store.db.transaction() as tx:
        await store.price(tx, ball.variant_id, "12.90", at=later)
        await change_state(tx, offer_ids=[ball.offer_id], state="paused", by="test", at=AT)
    assert (await ask())[ball.offer_id] is first
    store.tags.drop([f"offers.OfferChanged:{ball.variant_id}"])
    second = (await ask())[ball.offer_id]
    assert second.offer.state == "paused"
    assert {found.unit_price for found in second.prices} == {Decimal("11.90"), Decimal("12.90")}, "now and soon"


async def test_what_is_remembered_is_what_would_be_priced_anew(store):
    """From one price to the next, in any order of asking, by quantity, and for each day's tax."""
    ball = await store.article(9)
    store.tags.line(live=True)
    later = AT + timedelta(seconds=5)
    async with store.db.transaction() as tx:
        await store.price(tx, ball.variant_id, "12.90", at=later)
        terms = await queries.terms_of_sale(tx, shop=store.shop, at=AT)

    async def known():
        async with store.db.reading() as conn:
            return await queries.articles(conn, shop=store.shop, offer_ids=[ball.offer_id], language="en", at=AT)

    kept = await known()
    for quantity, at in [(1, AT), (2, AT), (1, later), (1, AT), (2, later), (1, AT - timedelta(days=1)), (1, AT)]:
        stored = StoredBasket(
            id=uuid7(), shop_id=store.shop.id, customer_id=None, version=1, order_id=None, changed_at=at,
            lines=[StoredLine(ball.offer_id, ball.variant_id, quantity, None)],
        )  # fmt: skip
        remembered = queries.put_together(stored, store.shop, kept, terms, {}, at=at, country="DE")
        anew = queries.put_together(stored, store.shop, await known(), terms, {}, at=at, country="DE")
        assert remembered.priced == anew.priced
        assert [line.problem for line in remembered.lines] == [line.problem for line in anew.lines]
