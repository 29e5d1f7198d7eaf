"""Payments: what is owed, money in and out by table, the states against a naive account of the same money."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lotse.domains.ledger.queries import entries_of
from lotse.domains.payments.commands import credit, open_payment, record_receipt, record_refund
from lotse.domains.payments.contracts import (
    AmountNotPositive,
    MethodUnknown,
    MoreThanRefundable,
    NewPayment,
    Payment,
    PaymentUnknown,
    ReferenceReused,
)
from lotse.domains.payments.queries import money_of, overdue, payment, terms
from lotse.kernel.refusals import Invalid
from lotse.kernel.rows import Rows

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
LATER = AT + timedelta(days=3)


async def opened(
    tx, fresh, amount_minor: int = 1190, *, settled: str | None = None, method: str = "invoice"
) -> Payment:
    """Something is owed, as its purpose would say."""
    _, due_at = terms(method, AT)
    new = NewPayment(
        fresh.id(), "test", fresh.id(), method, fresh.id(), "Europe/Berlin", "EUR", amount_minor, due_at, settled
    )
    rows = Rows()
    found = open_payment(rows, new, actor="test", at=AT, recorded_at=AT)
    await rows.write(tx)
    return found


async def credited(tx, payment_id, amount_minor: int) -> None:
    rows = Rows()
    credit(rows, payment_id, amount_minor)
    await rows.write(tx)


def money(payment_id, amount_minor: int, reference: str) -> dict[str, Any]:
    return {
        "payment_id": payment_id,
        "amount_minor": amount_minor,
        "reference": reference,
        "actor": "bank",
        "occurred_at": LATER,
        "at": LATER,
    }


async def events(tx, purpose_id) -> list[str]:
    rows = await tx.raw.fetch("select type from kernel.outbox where key = $1 order by id", str(purpose_id))
    return [row["type"] for row in rows]


@pytest.mark.parametrize("settled", [None, "till 7, bon 4711"])
async def test_what_is_owed(tx, fresh, settled):
    new = await opened(tx, fresh, settled=settled)
    found = await payment(tx, payment_id=new.id)
    assert found is not None
    assert found == new
    assert (found.open_minor, found.state) == ((0, "paid") if settled else (1190, "open"))
    assert [(one.kind, one.reference) for one in await money_of(tx, payment_id=new.id)] == (
        [("receipt", settled)] if settled else []
    )
    assert await events(tx, new.purpose_id) == (["payments.Received"] if settled else [])


@pytest.mark.parametrize("verb", [record_receipt, record_refund])
@pytest.mark.parametrize(
    ("change", "refused"),
    [
        pytest.param({"amount_minor": 0, "reference": ""}, AmountNotPositive, id="amount before reference"),
        pytest.param({"amount_minor": -1}, AmountNotPositive, id="negative amount"),
        pytest.param({"amount_minor": 10**12 + 1}, Invalid, id="more than any bank moves"),
        pytest.param({"reference": " ", "payment_id": None}, Invalid, id="reference before existence"),
        pytest.param({"payment_id": None}, PaymentUnknown, id="unknown payment"),
        pytest.param({"reference": "known", "amount_minor": 2000}, ReferenceReused, id="reference before the rest"),
        pytest.param({"reference": "known", "amount_minor": 100}, None, id="the same again"),
    ],
)
async def test_refusals_of_money_in_their_order(tx, fresh, verb, change, refused):
    new = await opened(tx, fresh)
    await record_receipt(tx, **money(new.id, 100, "known"))
    await record_receipt(tx, **money(new.id, 1190, "paid"))  # a hundred too much
    await record_refund(tx, **money(new.id, 100, "known"))
    before = await payment(tx, payment_id=new.id)
    asked = money(new.id, 1, "new") | change
    asked["payment_id"] = asked["payment_id"] or fresh.id()
    if refused:
        with pytest.raises(refused):
            await verb(tx, **asked)
    else:
        assert await verb(tx, **asked) == before
    assert await payment(tx, payment_id=new.id) == before
    assert await events(tx, new.purpose_id) == ["payments.Received", "payments.Received", "payments.Refunded"]


@pytest.mark.parametrize(
    ("received", "taken_back", "most"), [(0, 0, 0), (1190, 0, 0), (1190, 400, 400), (500, 1190, 500)]
)
async def test_no_more_goes_back_than_came_in_beyond_what_is_owed(tx, fresh, received, taken_back, most):
    new = await opened(tx, fresh)
    if received:
        await record_receipt(tx, **money(new.id, received, "B1"))
    if taken_back:
        await credited(tx, new.id, taken_back)
    with pytest.raises(MoreThanRefundable) as refused:
        await record_refund(tx, **money(new.id, most + 1, "R1"))
    assert refused.value.refundable_minor == most
    if most:
        back = await record_refund(tx, **money(new.id, most, "R1"))
        assert (back.refunded_minor, back.refundable_minor) == (most, 0)


async def test_money_is_booked_between_bank_and_receivables(tx, fresh):
    new = await opened(tx, fresh)
    await record_receipt(tx, **money(new.id, 1200, "B1"))
    await record_refund(tx, **money(new.id, 10, "R1"))
    moved = {one.kind: one for one in await money_of(tx, payment_id=new.id)}
    booked = await entries_of(tx, set_ids=[one.id for one in moved.values()])
    assert {(entry.kind, entry.account, entry.amount_minor) for entry in booked} == {
        ("receipt", "bank", 1200),
        ("receipt", "receivables", -1200),
        ("refund", "bank", -10),
        ("refund", "receivables", 10),
    }
    assert {entry.legal_entity_id for entry in booked} == {new.legal_entity_id}


async def test_the_database_refuses_to_take_back_more_than_was_owed(tx, fresh):
    new = await opened(tx, fresh)
    with pytest.raises(asyncpg.CheckViolationError, match="payments_credited_within_amount"):
        await credited(tx, new.id, 1191)


async def test_overdue_is_what_is_owed_past_its_day(tx, fresh):
    late, paid, taken_back = [await opened(tx, fresh, method="prepayment") for _ in range(3)]
    await record_receipt(tx, **money(paid.id, 1190, "B1"))
    await credited(tx, taken_back.id, 1190)
    ours = {late.id, paid.id, taken_back.id}

    async def found(at: datetime, method: str = "prepayment") -> set[Any]:
        return ours & {one.id for one in await overdue(tx, method=method, at=at, limit=1_000)}

    assert await found(late.due_at) == set()
    assert await found(late.due_at + timedelta(seconds=1)) == {late.id}
    assert await found(late.due_at + timedelta(seconds=1), method="invoice") == set()


def test_ways_to_pay():
    method, due_at = terms("invoice", AT)
    assert (method.releases, due_at) == (True, AT + timedelta(days=14))
    assert not terms("prepayment", AT)[0].releases
    with pytest.raises(MethodUnknown) as refused:
        terms("shells", AT)
    assert refused.value.known == ("invoice", "prepayment")


@given(
    amount=st.integers(0, 500),
    credited=st.integers(0, 500),
    received=st.integers(0, 500),
    refunded=st.integers(0, 500),
)
def test_a_state_says_who_owes_whom(amount, credited, received, refunded):
    """For every payment that the constraints allow, against plain bookkeeping of the four sums."""
    credited, refunded = min(credited, amount), min(refunded, received)
    id = UUID(int=1)
    found = Payment(id, "test", id, "invoice", id, "UTC", "EUR", amount, credited, received, refunded, AT, AT)
    ours = (amount - credited) - (received - refunded)
    assert found.open_minor == ours
    assert found.refundable_minor == (-ours if ours < 0 else 0)
    assert (found.state in ("open", "partly_paid")) == (ours > 0)
    assert (found.state == "refund_due") == (ours < 0)
    assert found.refundable_minor <= received - refunded
