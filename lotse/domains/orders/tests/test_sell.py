"""Sales that have happened: never refused for stock, never lost, never twice, in the month in which they happened."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from lotse.domains.catalog.contracts import UnknownVariant
from lotse.domains.inventory.contracts import UnknownLocation
from lotse.domains.inventory.queries import location_by_code, locations_by_ids
from lotse.domains.ledger.queries import entries_of
from lotse.domains.orders import commands, queries
from lotse.domains.orders.contracts import Order, Placed, TillLine, TillSale
from lotse.domains.payments.queries import payment
from lotse.domains.pools.queries import LATEST, history
from lotse.domains.pools.queries import hold as read_hold
from lotse.domains.tax.contracts import NoTaxRate
from lotse.kernel import check, clock
from lotse.kernel.auth import tokens
from lotse.kernel.auth.links import Links
from lotse.kernel.db import opened
from lotse.kernel.desk.desk import running
from lotse.kernel.idempotency import KeyReused
from lotse.kernel.tags import Tags
from lotse.web import app as web
from lotse.web.process import Process
from tests.desk.desks import (
    AT,
    answer,
    asked,
    balances,
    connected,
    holding,
    moving,
    new_key,
    ordering,
    stocked,
)
from tests.scene import open_shop, put_one
from tests.web.conftest import at_origin


@pytest.fixture
async def commit(anyio_backend, dsn):
    """Requests (kind, request) in one batch; their answers and refusals."""
    async with connected(dsn) as hand:

        async def together(*requests, now=AT):
            batch = [asked(kind, request) for kind, request in requests]
            await hand.commit(batch, now)
            return [answer(one) for one in batch]

        yield together


async def moved(db, pool_id: int) -> list[tuple[str, str, int]]:
    """Reason, what caused it, how much; the oldest first, without the receipt."""
    async with db.reading() as conn:
        found = await history(conn, pool_id=pool_id, before=LATEST)
    return [(one.reason, one.ref_kind, one.delta) for one in reversed(found) if one.reason != "received"]


async def read(db, order_id) -> Order:
    async with db.reading() as conn:
        found = await queries.order(conn, order_id=order_id)
    assert found is not None
    return found


# On hand, held, sold; then: left on hand, found, whether the hold breaks.
STOCK = {
    "enough": (5, 0, 3, 2, 0, False),
    "exactly": (3, 0, 3, 0, 0, False),
    "enough beside the hold": (5, 2, 3, 2, 0, False),
    "more than is free": (5, 4, 3, 2, 0, True),
    "all that is held": (4, 4, 4, 0, 0, True),
    "more than there is": (2, 0, 5, 0, 3, False),
    "more than there is, held": (2, 2, 5, 0, 3, True),
    "from nothing": (0, 0, 5, 0, 5, False),
}


@pytest.mark.parametrize(("on_hand", "held", "sold", "left", "found", "breaks"), STOCK.values(), ids=STOCK)
async def test_whatever_the_stock_says(db, desk, commit, on_hand, held, sold, left, found, breaks):
    [pool_id] = await stocked(db, desk, on_hand)
    hold = holding((max(held, 1), [pool_id]))
    if held:
        await commit(("hold", hold))
    request = ordering((sold, [pool_id]), settled="till 1")
    [placed] = await commit(("sell", request))
    assert isinstance(placed, Placed)
    assert await balances(db, [pool_id]) == [(left, 0 if breaks else held)]
    expected = [("found", "sale", found)] if found else []
    assert await moved(db, pool_id) == [*expected, ("sold", "order", -sold)]
    if held:
        async with db.reading() as conn:
            told = await read_hold(conn, hold_id=hold.hold_id)
        assert told and told.state == ("broken" if breaks else "held")
    order = await read(db, placed.order_id)
    assert [(line.quantity, line.pool_id) for line in order.lines] == [(sold, pool_id)]
    async with db.reading() as conn:
        paid = await payment(conn, payment_id=order.payment_id)
    assert paid and (paid.state, paid.received_minor, paid.open_minor) == ("paid", 100 * sold, 0)
    assert order.released_at == AT


async def test_a_line_is_served_by_the_first_place_that_has_it_whole(db, desk, commit):
    """If none has, the goods came from the first one all the same."""
    first, second = await stocked(db, desk, 2, 9)
    await commit(("sell", ordering((3, [first, second]), (1, [first, second]))))
    assert await balances(db, [first, second]) == [(1, 0), (6, 0)]
    await commit(("sell", ordering((7, [first, second]))))
    assert await balances(db, [first, second]) == [(0, 0), (6, 0)]
    assert await moved(db, first) == [("sold", "order", -1), ("found", "sale", 6), ("sold", "order", -7)]


async def test_lines_of_a_sale_add_up(db, desk, commit):
    """Two lines of one place, of which one comes there because its other place is short: nothing is counted twice."""
    first, second = await stocked(db, desk, 0, 5)
    await commit(("hold", holding((2, [second]))))
    await commit(("sell", ordering((3, [first, second]), (4, [second]))))
    assert await balances(db, [first, second]) == [(0, 0), (0, 0)]
    assert await moved(db, second) == [("found", "sale", 2), ("sold", "order", -3), ("sold", "order", -4)]


async def test_a_sale_and_an_order_of_the_last_piece_in_one_batch(db, desk, commit):
    """Who comes first gets it; the sale is recorded either way."""
    [pool_id] = await stocked(db, desk, 1)
    answers = await commit(("sell", ordering((1, [pool_id]))), ("place", ordering((1, [pool_id]))))
    assert [type(one).__name__ for one in answers] == ["Placed", "OutOfStock"]
    await commit(("receive", moving("receipt", (pool_id, 1))))
    answers = await commit(("place", ordering((1, [pool_id]))), ("sell", ordering((1, [pool_id]))))
    assert [type(one).__name__ for one in answers] == ["Placed", "Placed"]
    assert await balances(db, [pool_id]) == [(0, 0)]


async def test_two_tills_and_a_buyer_at_once(db, desk, commit):
    """Twenty sales of five pieces and twenty buyers: every sale is recorded, nothing is below zero."""
    [pool_id] = await stocked(db, desk, 5)
    requests = [(kind, ordering((1, [pool_id]))) for _ in range(20) for kind in ("sell", "place")]
    answers = await asyncio.gather(
        *(desk.submit(kind, request, Placed, key=new_key(), at=AT) for kind, request in requests),
        return_exceptions=True,
    )
    sold = [one for (kind, _), one in zip(requests, answers, strict=True) if kind == "sell"]
    assert [type(one) for one in sold] == [Placed] * 20
    assert await balances(db, [pool_id]) == [(0, 0)]


# -- a till's sale


@pytest.fixture
async def store(db, fresh) -> Any:
    """A shop, its store's code, and three articles of which the store has never had any."""
    async with db.transaction() as tx:
        place = await open_shop(tx, fresh)
        product = await put_one(tx, fresh, variants=3)
        [found] = await locations_by_ids(tx, location_ids=[place.store])
    return place, found.code, [f"{product.slug}-{n}" for n in range(3)], product.variant_ids


def till_sale(fresh, location: str, *lines: tuple[str, int, int], at=AT, receipt: str | None = None) -> TillSale:
    return TillSale(
        till="T1",
        receipt=receipt or fresh.text("r"),
        location=location,
        lines=tuple(TillLine(*line) for line in lines),
        occurred_at=at,
    )


async def record(db, desk, shop, sale: TillSale) -> Placed:
    async with db.transaction() as tx:
        request = await commands.sale_of_till(tx, shop=shop, sale=sale, actor="till")
    return await commands.sell(desk, request=request, key=commands.till_key(sale))


async def test_a_late_sale_is_booked_in_its_own_month(db, desk, fresh, store):
    """The till was offline since 1 July 2020, when the rate had just fallen to 16 %: period, rate and movements are of
    that day; what was recorded when is of today."""
    place, code, skus, variant_ids = store
    then = AT.replace(year=2020, month=6, day=30, hour=22, minute=30)  # half past midnight of 1 July in Germany
    sale = till_sale(fresh, code, (skus[0], 2, 2320), (skus[1], 1, 100), at=then)
    placed = await record(db, desk, place.shop, sale)
    order = await read(db, placed.order_id)
    assert (order.number, order.channel, order.placed_at, order.gross_minor) == (sale.number, "till", then, 2420)
    assert order.recorded_at > then + timedelta(days=365)
    line = order.lines[0]
    assert (line.variant_id, line.unit_price, line.tax_rate, line.tax_minor, line.text) == (
        variant_ids[0],
        Decimal("11.6"),
        Decimal("0.16"),
        320,
        "Laufschuh, 0",
    )
    async with db.reading() as conn:
        entries = await entries_of(conn, set_ids=[order.id])
        [sold, found] = await history(conn, pool_id=line.pool_id or 0)
        paid = await payment(conn, payment_id=order.payment_id)
        location = await location_by_code(conn, code=code)
    assert {entry.period for entry in entries} == {date(2020, 7, 1)}
    assert (sold.delta, found.delta, found.reason, found.occurred_at) == (-2, 2, "found", then)
    assert paid and (paid.method, paid.state, paid.due_at) == ("cash", "paid", then)
    assert location and line.location_id == location.id


async def test_a_sale_is_recorded_once_whoever_sends_it_how_often(db, desk, fresh, store):
    """Till and receipt name it; the same receipt with other lines is a mistake of the till's and changes nothing."""
    place, code, skus, _ = store
    sale = till_sale(fresh, code, (skus[0], 1, 1000))
    answers = await asyncio.gather(*(record(db, desk, place.shop, sale) for _ in range(5)))
    assert len({one.order_id for one in answers}) == 1
    other = till_sale(fresh, code, (skus[0], 2, 2000), receipt=sale.receipt)
    with pytest.raises(KeyReused):
        await record(db, desk, place.shop, other)
    async with db.reading() as conn:
        assert await conn.raw.fetchval("select count(*) from orders.orders where number = $1", sale.number) == 1


async def test_what_a_till_can_get_wrong(db, desk, fresh, store):
    """Existence before rules; none of it uses the receipt up."""
    place, code, skus, _ = store
    good = till_sale(fresh, code, (skus[0], 1, 1000))
    early = AT.replace(year=1950)
    for refusal, lines, location, at in (
        (UnknownLocation, [("no-such", 1, 1)], "nowhere", early),
        (UnknownVariant, [(skus[0], 1, 1), ("no-such", 1, 1)], code, early),
        (NoTaxRate, [(skus[0], 1, 1)], code, early),
    ):
        with pytest.raises(refusal):
            await record(db, desk, place.shop, till_sale(fresh, location, *lines, at=at, receipt=good.receipt))
    assert isinstance(await record(db, desk, place.shop, good), Placed)


# -- over HTTP


async def test_over_http(databases, settings, fresh):
    """A token with the right, a natural key; broken input is told by field; the books agree afterwards."""
    dsn = databases.migrated()
    async with opened(dsn) as db, running(dsn) as desk:
        async with db.transaction() as tx:
            place = await open_shop(tx, fresh)
            product = await put_one(tx, fresh)
            [store] = await locations_by_ids(tx, location_ids=[place.store])
            made = await tokens.make(tx, name="till", scopes=["sales.write"], days=1, actor="system", at=clock.now())
        application = web.make_api(Process("api", settings, db, desk, Links(b"s" * 32), Tags()))  # type: ignore[arg-type]
        application.state.shop = (float("inf"), place.shop)
        happened = (clock.now() - timedelta(days=3)).isoformat()
        body = {
            "till": "T1",
            "receipt": "000017",
            "location": store.code,
            "occurred_at": happened,
            "lines": [{"sku": f"{product.slug}-0", "quantity": 2, "gross_minor": 1998}],
        }

        async with at_origin(application) as client:

            async def post(body: dict[str, Any], *, token: str = made.secret) -> httpx.Response:
                headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": fresh.text()}
                return await client.post("/api/v1/sales", json=body, headers=headers)

            first, again = await post(body), await post(body)
            assert first.status_code == again.status_code == 201, first.text
            assert first.json() == again.json()
            assert first.json()["number"] == "T1-000017"
            assert (await post(body, token="no")).status_code == 401
            other = await post(body | {"method": "card"})
            assert (other.status_code, other.json()["type"]) == (409, "urn:lotse:refusal:key-reused")
            for change, status in (
                ({"till": "1-2"}, 422),
                ({"receipt": ""}, 422),
                ({"lines": []}, 422),
                ({"lines": [{"sku": "x", "quantity": 0, "gross_minor": 1}]}, 422),
                ({"lines": [{"sku": "x", "quantity": 1, "gross_minor": -1}]}, 422),
                ({"occurred_at": "2026-01-01T00:00:00"}, 422),
                ({"occurred_at": "1066-10-14T09:00:00Z"}, 422),
                ({"location": "nowhere"}, 404),
                ({"lines": [{"sku": "no-such", "quantity": 1, "gross_minor": 1}]}, 404),
            ):
                refused = await post(body | {"receipt": fresh.text("r")} | change)
                assert refused.status_code == status, (change, refused.text)
        assert [str(one) for one in await check.run(db)] == []
