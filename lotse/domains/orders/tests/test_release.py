"""A prepaid order is released by its money, through outbox, relay and consumer."""

from datetime import UTC, datetime

import pytest

from lotse.domains.orders import commands, queries
from lotse.domains.payments.commands import record_receipt
from lotse.kernel.consumers import settle

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
PAID_AT = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.mark.parametrize(("paid", "released"), [(500, False), (1190, True), (1500, True)])
async def test_money_releases_a_prepaid_order(db, desk, counter, paid, released):
    request = counter.request(counter.goods(await counter.pool(1)), method="prepayment")
    placed = await commands.place(desk, request=request, key=counter.key())
    async with db.transaction() as tx:
        await record_receipt(
            tx, payment_id=placed.payment_id, amount_minor=paid, reference="B1", actor="bank", occurred_at=PAID_AT,
            at=PAID_AT,
        )  # fmt: skip
    await settle(db)
    async with db.reading() as conn:
        order = await queries.order(conn, order_id=placed.order_id)
    assert order is not None
    assert order.released_at == (PAID_AT if released else None)


async def test_money_for_a_cancelled_order_releases_nothing(db, desk, counter):
    request = counter.request(counter.goods(await counter.pool(1)), method="prepayment")
    placed = await commands.place(desk, request=request, key=counter.key())
    async with db.reading() as conn:
        await commands.cancel(desk, conn, order_id=placed.order_id, reason="", actor="test", key=counter.key(), at=AT)
    async with db.transaction() as tx:
        await record_receipt(
            tx, payment_id=placed.payment_id, amount_minor=1190, reference="B1", actor="bank", occurred_at=PAID_AT,
            at=PAID_AT,
        )  # fmt: skip
    await settle(db)
    async with db.reading() as conn:
        order = await queries.order(conn, order_id=placed.order_id)
    assert order is not None
    assert order.released_at is None
