"""Money in and out, told by the bank's software or a person with the right."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, post
from msgspec import Meta, Struct

from lotse.domains.payments import commands, queries
from lotse.domains.payments.contracts import (
    AmountNotPositive,
    Money,
    MoreThanRefundable,
    Payment,
    PaymentUnknown,
    ReferenceReused,
)
from lotse.domains.payments.rules import MAX_AMOUNT_MINOR, MAX_REFERENCE
from lotse.kernel.db import Database
from lotse.kernel.http import Happened, Principal, happened, needs
from lotse.kernel.idempotency import key_for, once


class Transfer(Struct, frozen=True):
    """An amount in minor units under the bank's reference; `occurred_at` is now without it."""

    amount_minor: Annotated[int, Meta(le=MAX_AMOUNT_MINOR)]
    reference: Annotated[str, Meta(min_length=1, max_length=MAX_REFERENCE)]
    occurred_at: Happened | None = None


class PaymentView(Struct, frozen=True):
    """A payment and the money that moved for it."""

    payment: Payment
    money: list[Money]


@get("/payments/{payment_id:uuid}", guards=[needs("payments:read")], refusals=(PaymentUnknown,), tags=["payments"])
async def read_payment(database: Database, payment_id: UUID) -> PaymentView:
    """What is owed, what came in, what went back."""
    async with database.snapshot() as conn:
        found = await queries.payment(conn, payment_id=payment_id)
        if found is None:
            raise PaymentUnknown(payment_id=payment_id)
        return PaymentView(found, await queries.money_of(conn, payment_id=payment_id))


@post(
    "/payments/{payment_id:uuid}/receipts",
    guards=[needs("payments:write")],
    refusals=(AmountNotPositive, PaymentUnknown, ReferenceReused),
    tags=["payments"],
)
async def record_receipt(
    database: Database, principal: Principal, payment_id: UUID, data: Transfer, idempotency_key: str, at: datetime
) -> Payment:
    """Money came in. The same reference with the same amount is recorded once, whatever the key."""
    return await once(
        database,
        key_for(str(principal), idempotency_key, ("record receipt", payment_id, data)),
        Payment,
        lambda tx: commands.record_receipt(
            tx,
            payment_id=payment_id,
            amount_minor=data.amount_minor,
            reference=data.reference,
            actor=str(principal),
            occurred_at=happened(data.occurred_at, at),
            at=at,
        ),
        at=at,
    )


@post(
    "/payments/{payment_id:uuid}/refunds",
    guards=[needs("payments:write")],
    refusals=(AmountNotPositive, PaymentUnknown, ReferenceReused, MoreThanRefundable),
    tags=["payments"],
)
async def record_refund(
    database: Database, principal: Principal, payment_id: UUID, data: Transfer, idempotency_key: str, at: datetime
) -> Payment:
    """Money went back. The same reference with the same amount is recorded once, whatever the key."""
    return await once(
        database,
        key_for(str(principal), idempotency_key, ("record refund", payment_id, data)),
        Payment,
        lambda tx: commands.record_refund(
            tx,
            payment_id=payment_id,
            amount_minor=data.amount_minor,
            reference=data.reference,
            actor=str(principal),
            occurred_at=happened(data.occurred_at, at),
            at=at,
        ),
        at=at,
    )


routes = (read_payment, record_receipt, record_refund)
