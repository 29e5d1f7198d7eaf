"""Orders: a row per outcome of placing and amending, in the order of the checks; races; the money of every path."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from lotse.domains.customers.commands import put_customers
from lotse.domains.customers.contracts import PutCustomer
from lotse.domains.ledger.queries import entries_of
from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import (
    AlreadyCancelled,
    Amended,
    AmendRequest,
    CreditLine,
    CreditRequest,
    EmptyOrder,
    InvalidLine,
    LineFacts,
    MoreThanPaid,
    MoreThanSold,
    NothingLeft,
    NumberTaken,
    Order,
    OrderUnknown,
    OutOfStock,
    Placed,
    PlaceLine,
    TakeBack,
)
from lotse.domains.orders.rules import taken_back
from lotse.domains.parties.commands import put_legal_entity, put_party, put_shop
from lotse.domains.payments.commands import record_receipt, record_refund
from lotse.domains.payments.contracts import MoreThanRefundable
from lotse.domains.payments.queries import payment
from lotse.domains.pools.contracts import PoolUnknown
from lotse.domains.pools.queries import balance, history
from lotse.kernel.idempotency import KeyReused, key_for
from lotse.kernel.refusals import Invalid

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def read(db, order_id) -> Order:
    async with db.reading() as conn:
        found = await queries.order(conn, order_id=order_id)
    assert found is not None
    return found


async def on_hand(db, pool_id: int) -> int:
    async with db.reading() as conn:
        found = await balance(conn, pool_id=pool_id)
    assert found is not None
    return found.on_hand


async def booked(db, set_id) -> dict[str, int]:
    async with db.reading() as conn:
        sums: dict[str, int] = {}
        for entry in await entries_of(conn, set_ids=[set_id]):
            sums[entry.account] = sums.get(entry.account, 0) + entry.amount_minor
        return sums


async def owed(db, order: Order):
    async with db.reading() as conn:
        found = await payment(conn, payment_id=order.payment_id)
    assert found is not None
    return found


async def test_a_placed_order_is_whole(db, desk, counter):
    """Everything that rule 4 of the design names is there, and stock, money and payment say the same."""
    pool_id = await counter.pool(5)
    request = counter.request(counter.goods(pool_id, quantity=2, gross_minor=2380), counter.shipping())
    placed = await commands.place(desk, request=request, key=counter.key())
    order = await read(db, placed.order_id)
    assert (order.number, order.gross_minor, order.net_minor, order.tax_minor) == (placed.number, 2875, 2416, 459)
    goods, shipping = order.lines
    asked = request.lines[0]
    for name in ("offer_id", "variant_id", "seller_party_id", "sku", "text", "quantity", "unit", "net_minor"):
        assert getattr(goods, name) == getattr(asked, name), name
    assert (goods.unit_price, goods.tax_code, goods.tax_rate, goods.tax_country) == (
        Decimal("11.90"),
        "DE-19",
        Decimal("0.19"),
        "DE",
    )
    assert (goods.rule_ids, goods.pool_id, goods.location_id) == (["list"], pool_id, asked.sources[0].location_id)
    assert goods.legal_entity_id == request.legal_entity_id
    assert (shipping.kind, shipping.pool_id) == ("shipping", None)
    assert order.contact == request.contact
    assert order.released_at == AT
    assert await on_hand(db, pool_id) == 3
    async with db.reading() as conn:
        [sold, _] = await history(conn, pool_id=pool_id)
    assert (sold.delta, sold.ref_kind, sold.ref_id, sold.occurred_at) == (-2, "order", order.id, AT)
    assert await booked(db, order.id) == {
        "receivables": 2875,
        "revenue": -2000,
        "shipping_revenue": -416,
        "tax_payable": -459,
    }
    due = await owed(db, order)
    assert (due.state, due.open_minor, due.purpose_id) == ("open", 2875, order.id)


def _elsewhere(line: PlaceLine) -> PlaceLine:
    return structs.replace(line, sources=(structs.replace(line.sources[0], pool_id=2**60),))


# In the order of the checks: what the request says goes before what the stock says.
PLACING = {
    "no line": (lambda good: (), EmptyOrder),
    "no quantity": (lambda good: (structs.replace(good, quantity=0),), InvalidLine),
    "too many": (lambda good: (structs.replace(good, quantity=10_000_001),), InvalidLine),
    "negative price": (lambda good: (structs.replace(good, unit_price=Decimal(-1)),), InvalidLine),
    "gross is not net and tax": (lambda good: (structs.replace(good, tax_minor=0),), InvalidLine),
    "goods from nowhere": (lambda good: (structs.replace(good, sources=()),), InvalidLine),
    "delivery from a pool": (lambda good: (structs.replace(good, kind="shipping"),), InvalidLine),
    "rule before stock": (
        lambda good: (structs.replace(good, quantity=99), structs.replace(good, quantity=0)),
        InvalidLine,
    ),
    "unknown pool": (lambda good: (_elsewhere(good),), PoolUnknown),
    "more than there is": (lambda good: (structs.replace(good, quantity=4),), OutOfStock),
    "two lines want too much": (lambda good: (good, structs.replace(good, quantity=3)), OutOfStock),
    "three lines take all": (lambda good: (good, good, good), None),
}


@pytest.mark.parametrize(("change", "refused"), PLACING.values(), ids=PLACING)
async def test_placing(db, desk, counter, change, refused):
    pool_id = await counter.pool(3)
    request = counter.request(*change(counter.goods(pool_id)))
    if refused is None:
        assert isinstance(await commands.place(desk, request=request, key=counter.key()), Placed)
        return
    with pytest.raises(refused):
        await commands.place(desk, request=request, key=counter.key())
    assert await on_hand(db, pool_id) == 3
    async with db.reading() as conn:
        assert await queries.order(conn, order_id=request.order_id) is None


async def test_out_of_stock_names_every_line_that_falls_short(desk, counter):
    plenty, few, none = [await counter.pool(n) for n in (9, 1, 0)]
    lines = (counter.goods(plenty), counter.goods(few, quantity=2), counter.goods(none))
    with pytest.raises(OutOfStock) as refused:
        await commands.place(desk, request=counter.request(*lines), key=counter.key())
    assert [(short.position, short.wanted, short.available) for short in refused.value.lines] == [(2, 2, 1), (3, 1, 0)]
    assert refused.value.lines[0].variant_id == lines[1].variant_id


async def test_a_line_is_served_by_the_first_location_that_can(db, desk, counter):
    store, warehouse = await counter.pool(1), await counter.pool(9)
    line = counter.goods(store, warehouse, quantity=2, gross_minor=2380)
    placed = await commands.place(desk, request=counter.request(line), key=counter.key())
    [sold] = (await read(db, placed.order_id)).lines
    assert (sold.pool_id, sold.location_id) == (warehouse, line.sources[1].location_id)


async def test_the_same_key_places_once(db, desk, counter, fresh):
    pool_id = await counter.pool(5)
    name = fresh.text()
    answers = [
        await commands.place(desk, request=counter.request(counter.goods(pool_id)), key=key_for("test", name, "body"))
        for _ in range(3)
    ]
    assert len({answer.order_id for answer in answers}) == 1
    with pytest.raises(KeyReused):
        await commands.place(desk, request=counter.request(counter.goods(pool_id)), key=key_for("test", name, "other"))
    assert await on_hand(db, pool_id) == 4


async def test_a_number_is_given_once(desk, counter, fresh):
    pool_id = await counter.pool(5)
    number = fresh.text("INV")
    await commands.place(desk, request=counter.request(counter.goods(pool_id), number=number), key=counter.key())
    with pytest.raises(NumberTaken):
        await commands.place(desk, request=counter.request(counter.goods(pool_id), number=number), key=counter.key())


async def test_thirty_buyers_of_seven_pieces(db, desk, counter):
    pool_id = await counter.pool(7)
    requests = [counter.request(counter.goods(pool_id)) for _ in range(30)]
    results = await asyncio.gather(
        *(commands.place(desk, request=request, key=counter.key()) for request in requests), return_exceptions=True
    )
    assert sum(isinstance(result, Placed) for result in results) == 7
    assert sum(isinstance(result, OutOfStock) for result in results) == 23
    assert await on_hand(db, pool_id) == 0


async def cancel(db, desk, counter, order_id) -> Amended:
    async with db.reading() as conn:
        return await commands.cancel(
            desk, conn, order_id=order_id, reason="changed my mind", actor="test", key=counter.key(), at=AT
        )


async def test_cancelling_takes_everything_back(db, desk, counter):
    pool_id = await counter.pool(5)
    request = counter.request(counter.goods(pool_id, quantity=2, gross_minor=2380), counter.shipping())
    placed = await commands.place(desk, request=request, key=counter.key())
    amended = await cancel(db, desk, counter, placed.order_id)
    assert amended.gross_minor == 2875
    assert await on_hand(db, pool_id) == 5
    order = await read(db, placed.order_id)
    assert order.cancelled
    assert not order.cancellable
    assert (await owed(db, order)).state == "void"
    assert await booked(db, amended.amendment_id) == {"receivables": -2875, "sales_returns": 2416, "tax_payable": 459}
    with pytest.raises(AlreadyCancelled):
        await cancel(db, desk, counter, placed.order_id)
    with pytest.raises(OrderUnknown):
        await cancel(db, desk, counter, counter.id())


async def test_two_tabs_cancel_once(db, desk, counter):
    pool_id = await counter.pool(1)
    placed = await commands.place(desk, request=counter.request(counter.goods(pool_id)), key=counter.key())
    results = await asyncio.gather(
        *(cancel(db, desk, counter, placed.order_id) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, Amended) for result in results) == 1
    assert sum(isinstance(result, AlreadyCancelled) for result in results) == 4
    assert await on_hand(db, pool_id) == 1


async def take_back(db, desk, counter, order_id, *lines: TakeBack, refunded: str | None = None) -> Amended:
    request = AmendRequest(
        amendment_id=counter.id(),
        kind="return",
        order=commands.facts_of(await read(db, order_id)),
        lines=lines,
        reason="too small",
        actor="test",
        occurred_at=AT,
        refunded=refunded,
    )
    return await commands.amend(desk, request=request, key=counter.key())


async def test_parts_come_back_to_the_cent(db, desk, counter):
    """Three pieces for 10.00: the parts are 3.33, 3.33, 3.34, in whatever steps."""
    pool_id = await counter.pool(3)
    request = counter.request(counter.goods(pool_id, quantity=3, gross_minor=1000), settled="till 1")
    placed = await commands.place(desk, request=request, key=counter.key())
    one = TakeBack(position=1, quantity=1, restock=pool_id)
    parts = [await take_back(db, desk, counter, placed.order_id, one, refunded=f"transfer {n}") for n in range(3)]
    assert [part.gross_minor for part in parts] == [333, 333, 334]
    order = await read(db, placed.order_id)
    assert await on_hand(db, pool_id) == 3
    due = await owed(db, order)
    assert (due.open_minor, due.received_minor, due.refunded_minor, due.state) == (0, 1000, 1000, "refunded")
    taxes = [sum(line.tax_minor for line in amendment.lines) for amendment in order.amendments]
    assert sum(taxes) == order.tax_minor
    with pytest.raises(NothingLeft):
        await cancel(db, desk, counter, placed.order_id)


TAKING_BACK = {
    "more than was sold": (TakeBack(position=1, quantity=3), MoreThanSold),
    "nothing": (TakeBack(position=1, quantity=0), MoreThanSold),
    "more than it cost": (TakeBack(position=1, quantity=2, gross_minor=1001), MoreThanPaid),
    "a negative amount": (TakeBack(position=1, quantity=2, gross_minor=-1), MoreThanPaid),
    "an agreed amount": (TakeBack(position=1, quantity=2, gross_minor=400), None),
}


@pytest.mark.parametrize(("line", "refused"), TAKING_BACK.values(), ids=TAKING_BACK)
async def test_what_may_come_back(db, desk, counter, line, refused):
    pool_id = await counter.pool(2)
    placed = await commands.place(
        desk, request=counter.request(counter.goods(pool_id, quantity=2, gross_minor=1000)), key=counter.key()
    )
    if refused:
        with pytest.raises(refused):
            await take_back(db, desk, counter, placed.order_id, line)
        assert (await read(db, placed.order_id)).amendments == []
    else:
        assert (await take_back(db, desk, counter, placed.order_id, line)).gross_minor == 400


async def test_prepaid_then_cancelled_is_refunded_and_never_more(db, desk, counter, fresh):
    pool_id = await counter.pool(1)
    request = counter.request(counter.goods(pool_id), method="prepayment")
    placed = await commands.place(desk, request=request, key=counter.key())
    order = await read(db, placed.order_id)
    assert order.released_at is None
    money = {"actor": "bank", "occurred_at": AT, "at": AT, "payment_id": order.payment_id}
    async with db.transaction() as tx:
        for reference in ("", " ", "B1\r\nX", "B" * 141):
            with pytest.raises(Invalid):
                await record_receipt(tx, amount_minor=1190, reference=reference, **money)
        paid = await record_receipt(tx, amount_minor=1190, reference="B1", **money)
        assert paid.state == "paid"
        again = await record_receipt(tx, amount_minor=1190, reference="B1", **money)
        assert again.received_minor == 1190
        with pytest.raises(MoreThanRefundable):
            await record_refund(tx, amount_minor=1, reference="R0", **money)
    await cancel(db, desk, counter, placed.order_id)
    async with db.transaction() as tx:
        with pytest.raises(MoreThanRefundable):
            await record_refund(tx, amount_minor=1191, reference="R1", **money)
        refunded = await record_refund(tx, amount_minor=1190, reference="R1", **money)
    assert (refunded.state, refunded.open_minor) == ("refunded", 0)


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (None, NothingLeft),
        ({"quantity": 0, "gross_minor": -1}, InvalidLine),
        ({"gross_minor": -1, "net_minor": -1, "tax_minor": 0}, InvalidLine),
        ({"gross_minor": 239}, InvalidLine),
        ({"restock": 2**60}, PoolUnknown),
    ],
)
async def test_what_is_no_credit(desk, counter, change, refused):
    line = CreditLine(
        sku="A", text="Ball", quantity=2, net_minor=200, tax_minor=38, gross_minor=238, tax_code="DE-19",
        tax_rate=Decimal("0.19"),
    )  # fmt: skip
    request = CreditRequest(
        amendment_id=counter.id(), legal_entity_id=counter.id(), zone="Europe/Berlin", currency="EUR",
        lines=() if change is None else (structs.replace(line, **change),), reason="", actor="test", occurred_at=AT,
    )  # fmt: skip
    with pytest.raises(refused):
        await commands.credit(desk, request=request, key=counter.key())


async def test_a_credit_without_a_sale(db, desk, counter):
    pool_id = await counter.pool(0)
    line = CreditLine(
        sku="A", text="Ball", quantity=2, net_minor=200, tax_minor=38, gross_minor=238, tax_code="DE-19",
        tax_rate=Decimal("0.19"), restock=pool_id,
    )  # fmt: skip
    request = CreditRequest(
        amendment_id=counter.id(), legal_entity_id=counter.id(), zone="Europe/Berlin", currency="EUR", lines=(line,),
        reason="", actor="test", occurred_at=AT,
    )  # fmt: skip
    credited = await commands.credit(desk, request=request, key=counter.key())
    assert (credited.order_id, credited.gross_minor) == (None, 238)
    assert await on_hand(db, pool_id) == 2
    assert await booked(db, request.amendment_id) == {"receivables": -238, "goodwill": 200, "tax_payable": 38}
    with pytest.raises(NothingLeft):
        empty = structs.replace(request, amendment_id=counter.id(), lines=())
        await commands.credit(desk, request=empty, key=counter.key())


@given(st.data())
def test_shares_of_a_line_sum_to_the_line(data):
    """However a line comes back in parts, pieces, money and tax sum to the line, and no part is negative."""
    quantity = data.draw(st.integers(1, 50))
    gross = data.draw(st.integers(0, 10**7))
    tax = data.draw(st.integers(0, gross))
    line = LineFacts(1, None, "goods", "A", "Ball", quantity, gross - tax, tax, gross, "DE-19", Decimal("0.19"))
    pieces = credited = taxes = 0
    while pieces < quantity:
        part = data.draw(st.integers(1, quantity - pieces))
        back = taken_back("1", line, TakeBack(position=1, quantity=part), (pieces, credited))
        assert back.gross_minor == back.net_minor + back.tax_minor
        assert back.gross_minor >= 0 and back.tax_minor >= 0
        pieces, credited, taxes = pieces + part, credited + back.gross_minor, taxes + back.tax_minor
    assert (credited, taxes) == (gross, tax)


async def test_every_check_is_clean(db):
    """After all of the above, orders, payments, ledger, pools and events agree; a planted difference is found."""
    names = [statement for statement in queries.READS if statement.name.startswith("check_")]
    assert len(names) >= 9
    async with db.snapshot() as conn:
        for statement in names:
            assert await conn.raw.fetch(statement.sql) == [], statement


@pytest.mark.parametrize(
    ("found_by", "damage"),
    [
        ("totals", "update orders.orders set net_minor = net_minor + 1, gross_minor = gross_minor + 1 where id = $1"),
        ("sales_are_booked", "delete from ledger.entries where set_id = $1"),
        ("movements", "delete from pools.movements where ref_id = $1"),
        ("events", "delete from kernel.outbox where key = $1::text"),
        ("payments", "delete from payments.payments where purpose_id = $1"),
    ],
)
async def test_a_planted_difference_is_named(db, desk, counter, found_by, damage):
    placed = await commands.place(
        desk, request=counter.request(counter.goods(await counter.pool(1))), key=counter.key()
    )
    statement = getattr(queries.READS, f"check_{found_by}")
    async with db.reading() as conn:
        transaction = conn.raw.transaction()
        await transaction.start()
        await conn.raw.execute("delete from kernel.event_log where key = $1::text", str(placed.order_id))
        await conn.raw.execute(damage, str(placed.order_id) if "::text" in damage else placed.order_id)
        rows = await conn.raw.fetch(statement.sql)
        await transaction.rollback()
    assert any(placed.number in row["subject"] or str(placed.order_id) in row["subject"] for row in rows)


async def test_who_asks_gets_all_that_was_bought_paid_and_taken_back(db, desk, counter, fresh):
    """Machine-readable and complete (art. 15 and 20 GDPR)."""
    customer = await a_customer(db, fresh)
    line = counter.goods(await counter.pool(2), quantity=2, gross_minor=2380)
    request = structs.replace(counter.request(line, counter.shipping()), customer_id=customer.id)
    placed = await commands.place(desk, request=request, key=counter.key())
    async with db.transaction() as tx:
        await record_receipt(
            tx, payment_id=placed.payment_id, amount_minor=2000, reference="bank-1", actor="test", occurred_at=AT, at=AT
        )
        order = await queries.order(tx, order_id=request.order_id)
    assert order is not None
    amend = AmendRequest(
        amendment_id=fresh.id(), kind="return", order=commands.facts_of(order),
        lines=(TakeBack(position=1, quantity=1),), reason="too blue", actor="staff:1", occurred_at=AT,
    )  # fmt: skip
    await commands.amend(desk, request=amend, key=counter.key())
    credit = CreditLine(
        sku="v", text="Voucher", quantity=1, net_minor=100, tax_minor=19, gross_minor=119, tax_code="DE-19",
        tax_rate=Decimal("0.19"),
    )  # fmt: skip
    credited = CreditRequest(
        amendment_id=fresh.id(), legal_entity_id=fresh.id(), zone="Europe/Berlin", customer_id=customer.id,
        currency="EUR", lines=(credit,), reason="sorry", actor="staff:1", occurred_at=AT,
    )  # fmt: skip
    await commands.credit(desk, request=credited, key=counter.key())
    async with db.reading() as conn:
        found = json.loads(msgspec.json.encode(await queries.export_party(conn, party_id=customer.party_id)))
    [one] = found["orders"]
    goods, shipping = one["lines"]
    assert (goods["text"], goods["sku"], goods["quantity"], goods["taken_back"]) == ("Ball, blue", line.sku, 2, 1)
    assert (Decimal(goods["unit_price"]), Decimal(goods["tax_rate"])) == (Decimal("11.90"), Decimal("0.19"))
    assert (goods["net_minor"], goods["tax_minor"], goods["gross_minor"]) == (2000, 380, 2380)
    assert (shipping["kind"], shipping["gross_minor"]) == ("shipping", 495)
    assert (one["currency"], one["gross_minor"], one["net_minor"] + one["tax_minor"]) == ("EUR", 2875, 2875)
    assert one["billing"]["name"] == "Anna Muster"
    [back] = one["amendments"]
    assert (back["kind"], back["reason"], back["gross_minor"], back["lines"][0]["quantity"]) == (
        "return", "too blue", 1190, 1,
    )  # fmt: skip
    paid = one["payment"]
    assert (paid["method"], paid["amount_minor"], paid["credited_minor"], paid["received_minor"]) == (
        "invoice", 2875, 1190, 2000,
    )  # fmt: skip
    assert (paid["state"], paid["open_minor"]) == ("refund_due", -315)
    assert [(money["kind"], money["amount_minor"], money["reference"]) for money in paid["money"]] == [
        ("receipt", 2000, "bank-1")
    ]
    assert [(one["gross_minor"], one["lines"][0]["text"]) for one in found["credits"]] == [(119, "Voucher")]
    # Who of the staff did it is not theirs, and ids of ours say nothing to anybody.
    assert "staff:1" not in json.dumps(found)


async def a_customer(db, fresh):
    async with db.transaction() as tx:
        party_id = await put_party(tx, name="Anna Muster", by="test", at=AT)
        code = fresh.text("shop")
        entity = await put_legal_entity(
            tx, code=code, party_id=party_id, name="House", country="DE", currency="EUR", timezone="Europe/Berlin",
            by="test", at=AT,
        )  # fmt: skip
        shop_id = await put_shop(
            tx, code=code, name="House", legal_entity_id=entity, owner_party_id=party_id, languages=["de"],
            currency="EUR", country="DE", timezone="Europe/Berlin", by="test", at=AT,
        )  # fmt: skip
        [customer] = await put_customers(tx, [PutCustomer(shop_id=shop_id, name="Anna Muster")], by="test", at=AT)
    return customer


async def test_a_person_is_exported_and_erased_but_the_bill_keeps_its_recipient(db, desk, counter, fresh):
    """What reaches the person goes at once; whom the invoice names stays for its years, and is named as kept."""
    customer = await a_customer(db, fresh)
    request = structs.replace(counter.request(counter.goods(await counter.pool(1))), customer_id=customer.id)
    await commands.place(desk, request=request, key=counter.key())
    async with db.transaction() as tx:
        exported = await queries.export_party(tx, party_id=customer.party_id)
        assert exported is not None
        assert exported.orders[0].email == request.contact.email
        erased = await commands.erase_party(tx, party_id=customer.party_id, at=AT)
        assert (erased.rows, [kept.until and kept.until.year for kept in erased.kept]) == (1, [2035])
        left = await queries.order(tx, order_id=request.order_id)
        assert left is not None and left.contact is not None
        assert (left.contact.email, left.contact.delivery, left.contact.billing.name) == ("", None, "Anna Muster")
        late = AT.replace(year=2037)
        assert (await commands.erase_party(tx, party_id=customer.party_id, at=late)).kept == ()
        gone = await queries.order(tx, order_id=request.order_id)
        assert gone is not None
        assert gone.contact is None


async def test_orders_are_found_by_the_beginning_of_their_number(db, desk, counter, fresh):
    """What is typed is taken as it is: a percent sign is no wildcard."""
    pool_id, begin = await counter.pool(9), fresh.text("N")
    for number in (f"{begin}-1", f"{begin}-2"):
        await commands.place(desk, request=counter.request(counter.goods(pool_id), number=number), key=counter.key())
    async with db.reading() as conn:
        found = [row.number for row in await queries.orders(conn, number_prefix=begin)]
        assert await queries.orders(conn, number_prefix=f"{begin}%") == []
    assert found == [f"{begin}-2", f"{begin}-1"]
