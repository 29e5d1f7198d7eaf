"""Orders whose prepayment never came, through the desk's socket as a worker reaches it."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from lotse.domains.orders import commands, jobs, queries
from lotse.domains.payments.commands import record_receipt
from lotse.domains.pools.queries import balance
from lotse.kernel import runtime
from lotse.kernel.desk.socket import serve
from lotse.kernel.settings import Settings

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
IN_TIME = AT + jobs.GRACE
LATE = IN_TIME + timedelta(seconds=1)


@pytest.fixture
async def reachable(desk, tmp_path, monkeypatch):
    """The desk, listening where a worker looks for it."""
    monkeypatch.setenv("LOTSE_HOME", str(tmp_path))
    serving = asyncio.create_task(serve(desk, runtime.desk_socket(Settings.load())))
    yield desk
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)


async def test_what_nobody_paid_in_time_is_cancelled_once(db, reachable, counter, monkeypatch):
    """Pages of one: what a person must look at does not keep the job from what is younger."""
    monkeypatch.setattr(jobs, "BATCH", 1)
    pool_id = await counter.pool(9)

    async def placed(method: str = "prepayment"):
        request = counter.request(counter.goods(pool_id), method=method)
        return await commands.place(reachable, request=request, key=counter.key())

    partly, unpaid, invoice = await placed(), await placed(), await placed("invoice")
    async with db.transaction() as tx:
        await record_receipt(
            tx, payment_id=partly.payment_id, amount_minor=1, reference="B1", actor="bank", occurred_at=AT, at=AT
        )

    async def cancelled(at: datetime) -> list[bool]:
        await jobs.cancel_unpaid(db, at=at)
        async with db.reading() as conn:
            found = [await queries.order(conn, order_id=order.order_id) for order in (partly, unpaid, invoice)]
        return [order is not None and order.cancelled for order in found]

    assert await cancelled(IN_TIME) == [False, False, False]
    for _ in range(2):
        assert await cancelled(LATE) == [False, True, False]
        async with db.reading() as conn:
            left = await balance(conn, pool_id=pool_id)
        assert left is not None
        assert left.on_hand == 7
