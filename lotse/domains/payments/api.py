"""Money in and out, told by the bank's software or a person with the right; charges, and what providers tell."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from msgspec import Meta, Struct

from lotse.domains.payments import commands, queries
from lotse.domains.payments.commands import limit_refunds
from lotse.domains.payments.contracts import (
    AmountNotPositive,
    Charge,
    ChargeNotReady,
    ChargeRefund,
    ChargeUnknown,
    Happening,
    Money,
    MoreThanRefundable,
    Payment,
    PaymentUnknown,
    ProviderUnknown,
    ReferenceReused,
    RefundUnderWay,
    WebhookForged,
)
from lotse.domains.payments.queries import CHARGE, PAYMENT
from lotse.domains.payments.rules import MAX_AMOUNT_MINOR, MAX_REFERENCE
from lotse.kernel.auth.principal import OverLimit
from lotse.kernel.db import Database, Transaction
from lotse.kernel.http import Happened, Principal, happened, needs, public
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.ids import uuid7


class Transfer(Struct, frozen=True):
    """An amount in minor units under the bank's reference; `occurred_at` is now without it."""

    amount_minor: Annotated[int, Meta(le=MAX_AMOUNT_MINOR)]
    reference: Annotated[str, Meta(min_length=1, max_length=MAX_REFERENCE)]
    occurred_at: Happened | None = None
    reason: Annotated[str, Meta(max_length=500, description="Why money goes back; stands in the log of changes.")] = ""


class PaymentView(Struct, frozen=True):
    """A payment and the money that moved for it."""

    payment: Payment
    money: list[Money]


@get(
    "/payments/{payment_id:uuid}",
    guards=[needs("payments.read", PAYMENT)],
    refusals=(PaymentUnknown,),
    tags=["payments"],
)
async def read_payment(database: Database, payment_id: UUID) -> PaymentView:
    """What is owed, what came in, what went back."""
    async with database.snapshot() as conn:
        found = await queries.payment(conn, payment_id=payment_id)
        if found is None:
            raise PaymentUnknown(payment_id=payment_id)
        return PaymentView(found, await queries.money_of(conn, payment_id=payment_id))


@post(
    "/payments/{payment_id:uuid}/receipts",
    guards=[needs("payments.write", PAYMENT)],
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
    guards=[needs("orders.refund", PAYMENT, limited=True)],
    refusals=(OverLimit, AmountNotPositive, PaymentUnknown, ReferenceReused, MoreThanRefundable),
    tags=["payments"],
)
async def record_refund(
    database: Database, principal: Principal, payment_id: UUID, data: Transfer, idempotency_key: str, at: datetime
) -> Payment:
    """Money went back. The same reference with the same amount is recorded once, whatever the key.

    What one account pays back of one payment counts together against its limit.
    """

    async def run(tx: Transaction) -> Payment:
        paid = await commands.record_refund(
            tx,
            payment_id=payment_id,
            amount_minor=data.amount_minor,
            reference=data.reference,
            actor=str(principal),
            occurred_at=happened(data.occurred_at, at),
            at=at,
            reason=data.reason,
        )
        await limit_refunds(tx, principal, paid)
        return paid

    key = key_for(str(principal), idempotency_key, ("record refund", payment_id, data))
    return await once(database, key, Payment, run, at=at)


# -- charges

# What any provider says of one charge; more was not sent by one.
MAX_WEBHOOK_BYTES = 256 * 1024


class ChargeView(Struct, frozen=True):
    """A charge, what happened to it, and what went back of it."""

    charge: Charge
    trail: list[Happening]
    refunds: list[ChargeRefund]


class GiveBack(Struct, frozen=True):
    """An amount in minor units to pay back through the provider; all that may go back without it."""

    amount_minor: Annotated[int, Meta(le=MAX_AMOUNT_MINOR)] | None = None
    reason: Annotated[str, Meta(max_length=200)] = ""


@get("/charges/{charge_id:uuid}", guards=[needs("payments.read", CHARGE)], refusals=(ChargeUnknown,), tags=["payments"])
async def read_charge(database: Database, charge_id: UUID) -> ChargeView:
    """What became of an attempt to be paid through a provider."""
    async with database.snapshot() as conn:
        found = await queries.charge(conn, charge_id=charge_id)
        if found is None:
            raise ChargeUnknown(charge_id=charge_id)
        return ChargeView(
            found,
            await queries.trail(conn, charge_id=charge_id),
            await queries.refunds_of(conn, charge_id=charge_id),
        )


@post(
    "/charges/{charge_id:uuid}/refunds",
    guards=[needs("orders.refund", CHARGE, limited=True)],
    refusals=(OverLimit, ChargeUnknown, AmountNotPositive, ChargeNotReady, MoreThanRefundable, RefundUnderWay),
    tags=["payments"],
)
async def refund_charge(
    database: Database, principal: Principal, charge_id: UUID, data: GiveBack, idempotency_key: str, at: datetime
) -> ChargeRefund:
    """Pay back through the provider that took the money. `asked`: it has not answered yet and is asked again."""
    key = key_for(str(principal), idempotency_key, ("refund charge", charge_id, data))
    wanted = await once(database, key, ChargeRefund, lambda tx: _refund(tx, charge_id, data, principal, at), at=at)
    return await commands.send_refund(database, refund_id=wanted.id, at=at)


async def _refund(tx: Transaction, charge_id: UUID, data: GiveBack, principal: Principal, at: datetime) -> ChargeRefund:
    refund = await commands.begin_refund(
        tx,
        charge_id=charge_id,
        refund_id=uuid7(),
        amount_minor=data.amount_minor,
        cause=data.reason or "by staff",
        actor=str(principal),
        at=at,
    )
    if refund is None:
        raise MoreThanRefundable(amount_minor=0, refundable_minor=0)
    charge = await queries.charge(tx, charge_id=charge_id)
    paid = await queries.payment(tx, payment_id=charge.payment_id) if charge and charge.payment_id else None
    if paid is not None:
        await limit_refunds(tx, principal, paid)
    return refund


@post(
    "/webhooks/payments/{provider:str}",
    guards=[public],
    refusals=(ProviderUnknown, WebhookForged),
    opt={"natural_key": True},
    status_code=200,
    tags=["payments"],
)
async def payment_webhook(
    request: Request[Any, Any, Any], database: Database, provider: str, at: datetime
) -> Response[None]:
    """A message of a payment provider, signed as the provider does. Stored first, then handled, each once.

    It needs no `Idempotency-Key`: the message names itself. Whoever waits for the money goes on from an event.
    """
    body = await request.body()
    if len(body) > MAX_WEBHOOK_BYTES:
        raise WebhookForged(provider=provider, rule=f"at most {MAX_WEBHOOK_BYTES} bytes")
    headers = {name.lower(): value for name, value in request.headers.items()}
    notice = queries.provider_named(provider).webhook(headers, body, at=at)
    async with database.transaction() as tx:
        # What was verified is UTF-8 JSON; a provider that sends something else is kept as far as a column holds it.
        text = body.decode("utf-8", "replace").replace("\0", "\ufffd")
        await commands.keep_webhook(tx, provider=provider, notice=notice, body=text, at=at)
    async with database.transaction() as tx:
        await commands.handle_webhook(tx, provider=provider, notice=notice, at=at)
    return Response(None, status_code=200)


routes = (read_payment, record_receipt, record_refund, read_charge, refund_charge, payment_webhook)
