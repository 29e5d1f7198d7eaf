"""Verbs on payments. Money in and out is a fact with the bank's reference; the same reference is never booked twice."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.domains.ledger.commands import book
from lotse.domains.payments.contracts import (
    MoreThanRefundable,
    NewPayment,
    Payment,
    PaymentUnknown,
    Received,
    ReferenceReused,
    Refunded,
)
from lotse.domains.payments.queries import READS
from lotse.domains.payments.rules import check_amount, check_reference, receipt_entries, refund_entries
from lotse.kernel.db import Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.outbox import OUTBOX, encode
from lotse.kernel.rows import Rows, Writer

_PACKAGE = "lotse.domains.payments"


class PaymentRow(Struct, frozen=True):
    id: UUID
    purpose: str
    purpose_id: UUID
    method: str
    legal_entity_id: UUID
    zone: str
    currency: str
    amount_minor: int
    received_minor: int
    due_at: datetime
    created_at: datetime


class MoneyRow(Struct, frozen=True):
    id: UUID
    payment_id: UUID
    reference: str
    amount_minor: int
    actor: str
    occurred_at: datetime
    recorded_at: datetime


class SumsRow(Struct, frozen=True):
    payment_id: UUID
    credited_minor: int
    received_minor: int
    refunded_minor: int


PAYMENTS = Writer(_PACKAGE, "payments", PaymentRow)
RECEIPTS = Writer(_PACKAGE, "receipts", MoneyRow)
REFUNDS = Writer(_PACKAGE, "refunds", MoneyRow)
SUMS = Writer(_PACKAGE, "sums", SumsRow)


def open_payment(rows: Rows, new: NewPayment, *, actor: str, at: datetime, recorded_at: datetime) -> Payment:
    """Owe an amount from `at` on, in the transaction or desk draft of what it is for; settled at once if it says so."""
    settled = new.amount_minor if new.settled is not None else 0
    payment = Payment(
        new.id,
        new.purpose,
        new.purpose_id,
        new.method,
        new.legal_entity_id,
        new.zone,
        new.currency,
        new.amount_minor,
        0,
        settled,
        0,
        new.due_at,
        at,
    )
    rows.add(
        PAYMENTS,
        PaymentRow(
            new.id,
            new.purpose,
            new.purpose_id,
            new.method,
            new.legal_entity_id,
            new.zone,
            new.currency,
            new.amount_minor,
            settled,
            new.due_at,
            at,
        ),
    )
    if new.settled is not None and settled:
        receipt_id = uuid7()
        rows.add(RECEIPTS, MoneyRow(receipt_id, new.id, new.settled, settled, actor, at, recorded_at))
        book(rows, receipt_entries(payment, receipt_id, settled, at), recorded_at=recorded_at)
        rows.add(OUTBOX, encode(_received(payment, settled), at))
    return payment


def credit(rows: Rows, payment_id: UUID, amount_minor: int) -> None:
    """Owe less, because what was paid for is taken back. The constraint refuses more than was owed."""
    rows.add(SUMS, SumsRow(payment_id, amount_minor, 0, 0))


def refund_at_once(
    rows: Rows, payment: Payment, amount_minor: int, *, reference: str, actor: str, at: datetime, recorded_at: datetime
) -> None:
    """Money that has gone back already when its reason is recorded (an import, a till). In the reason's transaction."""
    refund_id = uuid7()
    rows.add(REFUNDS, MoneyRow(refund_id, payment.id, reference, amount_minor, actor, at, recorded_at))
    rows.add(SUMS, SumsRow(payment.id, 0, 0, amount_minor))
    book(rows, refund_entries(payment, refund_id, amount_minor, at), recorded_at=recorded_at)
    rows.add(OUTBOX, encode(_refunded(payment, amount_minor), at))


async def record_receipt(
    tx: Transaction,
    *,
    payment_id: UUID,
    amount_minor: int,
    reference: str,
    actor: str,
    occurred_at: datetime,
    at: datetime,
) -> Payment:
    """Money came in. The same reference and amount again changes nothing and answers the same.

    Too much is taken, too: it is then to be refunded.
    Refusals: `AmountNotPositive`, `Invalid` (amount, reference), `PaymentUnknown`, `ReferenceReused`.
    """
    payment, known = await _find(tx, payment_id, amount_minor, reference, "receipt")
    if known:
        return payment
    rows, receipt_id = Rows(), uuid7()
    rows.add(RECEIPTS, MoneyRow(receipt_id, payment_id, reference, amount_minor, actor, occurred_at, at))
    rows.add(SUMS, SumsRow(payment_id, 0, amount_minor, 0))
    book(rows, receipt_entries(payment, receipt_id, amount_minor, occurred_at), recorded_at=at)
    payment = structs.replace(payment, received_minor=payment.received_minor + amount_minor)
    rows.add(OUTBOX, encode(_received(payment, amount_minor), occurred_at))
    await rows.write(tx)
    return payment


async def record_refund(
    tx: Transaction,
    *,
    payment_id: UUID,
    amount_minor: int,
    reference: str,
    actor: str,
    occurred_at: datetime,
    at: datetime,
) -> Payment:
    """Money went back. The same reference and amount again changes nothing and answers the same.

    Refusals: `AmountNotPositive`, `Invalid` (amount, reference), `PaymentUnknown`, `ReferenceReused`,
    `MoreThanRefundable`.
    """
    payment, known = await _find(tx, payment_id, amount_minor, reference, "refund")
    if known:
        return payment
    if amount_minor > payment.refundable_minor:
        raise MoreThanRefundable(amount_minor=amount_minor, refundable_minor=payment.refundable_minor)
    rows = Rows()
    refund_at_once(rows, payment, amount_minor, reference=reference, actor=actor, at=occurred_at, recorded_at=at)
    await rows.write(tx)
    return structs.replace(payment, refunded_minor=payment.refunded_minor + amount_minor)


async def _find(
    tx: Transaction, payment_id: UUID, amount_minor: int, reference: str, kind: str
) -> tuple[Payment, bool]:
    check_amount(amount_minor)
    check_reference(reference)
    payment = await tx.maybe(READS.lock_payment, Payment, payment_id=payment_id)
    if payment is None:
        raise PaymentUnknown(payment_id=payment_id)
    statement = READS.receipt if kind == "receipt" else READS.refund
    known = await tx.maybe(statement, _Known, payment_id=payment_id, reference=reference)
    if known and known.amount_minor != amount_minor:
        raise ReferenceReused(reference=reference, amount_minor=known.amount_minor)
    return payment, known is not None


class _Known(Struct, frozen=True):
    amount_minor: int


def _received(payment: Payment, amount_minor: int) -> Received:
    return Received(payment.id, payment.purpose, payment.purpose_id, amount_minor, payment.currency, payment.open_minor)


def _refunded(payment: Payment, amount_minor: int) -> Refunded:
    return Refunded(payment.id, payment.purpose, payment.purpose_id, amount_minor, payment.currency)
