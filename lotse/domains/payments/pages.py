"""Payments on the pages of what is paid for: what buyers owe and how; money in and out for the back office."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.parties.contracts import BankAccount
from lotse.domains.parties.queries import legal_entity
from lotse.domains.payments import commands, queries
from lotse.domains.payments.contracts import (
    Charge,
    ChargeRefund,
    Happening,
    Money,
    MoreThanRefundable,
    Payment,
)
from lotse.kernel.auth.names import names_of
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.ids import uuid7
from lotse.kernel.money import to_minor
from lotse.kernel.pages.forms import Error, FormIncomplete, checked, posted_key
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.refusals import NotFound

NOT_AN_AMOUNT = N_("Please enter an amount like 59.95.")


class PaymentShown(Struct, frozen=True):
    """A payment with its money in and out, who recorded it, where it goes. `key` is for the next form."""

    payment: Payment
    account: BankAccount
    money: list[Money]
    names: dict[str, str]
    key: str
    # What the method is called where a provider names it.
    title: str = ""
    # How it was paid through a provider: what happened, what went back, and what may still go back.
    charge: Charge | None = None
    trail: list[Happening] = []
    refunds: list[ChargeRefund] = []
    refundable_minor: int = 0


class Booked(Struct, frozen=True):
    """What is typed to record money: an amount in major units and the bank's reference."""

    amount: Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^\d{1,12}([.,]\d{1,3})?$")]
    reference: Annotated[str, Meta(min_length=1, max_length=140)]


class PaidBack(Struct, frozen=True):
    """What is typed to record money that went back, and why."""

    amount: Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^\d{1,12}([.,]\d{1,3})?$")]
    reference: Annotated[str, Meta(min_length=1, max_length=140)]
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class Returned(Struct, frozen=True):
    """What is typed to pay back through a provider: an amount in major units, and why."""

    amount: Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^\d{1,12}([.,]\d{1,3})?$")]
    reason: Annotated[str, Meta(min_length=1, max_length=200)]


async def _payments(connection: Connection, ask: Ask) -> Mapping[UUID, PaymentShown]:
    """One order is shown at a time, so the queries per payment are few."""
    found: dict[UUID, PaymentShown] = {}
    for id in ask.ids:
        payment = await queries.payment(connection, payment_id=id)
        if payment is not None:
            entity = await legal_entity(connection, legal_entity_id=payment.legal_entity_id)
            account = entity.bank_account if entity else BankAccount()
            money = await queries.money_of(connection, payment_id=id)
            found[id] = await _shown(connection, payment, account, money)
    return found


async def _shown(connection: Connection, payment: Payment, account: BankAccount, money: list[Money]) -> PaymentShown:
    title = next((method.title for method in queries.methods() if method.name == payment.method), "")
    charges = await queries.charges_of(connection, payment_ids=[payment.id]) if _charged(payment.method) else []
    if not charges:
        names = await names_of(connection, (one.actor for one in money))
        return PaymentShown(payment, account, money, names, str(uuid7()), title)
    [charge] = charges
    trail = await queries.trail(connection, charge_id=charge.id)
    refunds = await queries.refunds_of(connection, charge_id=charge.id)
    names = await names_of(connection, (one.actor for one in (*money, *trail, *refunds)))
    underway = sum(refund.amount_minor for refund in refunds if refund.state == "asked")
    left = max(0, min(payment.refundable_minor, charge.kept_minor) - underway)
    return PaymentShown(payment, account, money, names, str(uuid7()), title, charge, trail, refunds, left)


def _charged(method: str) -> bool:
    """Whether a provider took (or takes) the money: also one that is not set up any more."""
    return all(one.name != method for one in queries.without_provider())


@post(
    "/office/orders/{order_id:uuid}/payments/{payment_id:uuid}/receipt",
    guards=[needs("payments.write", queries.PAYMENT)],
    opt={"form": "/office/orders/{order_id}"},
)
async def receipt(
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    payment_id: UUID,
) -> Redirect:
    """Record money that came in.

    Refusals: `FormIncomplete`, `AmountNotPositive`, `PaymentUnknown`, `ReferenceReused`.
    """
    typed = checked(await request.form(), Booked, messages={"amount": NOT_AN_AMOUNT})

    async def run(tx: Transaction, amount_minor: int) -> Payment:
        return await commands.record_receipt(
            tx,
            payment_id=payment_id,
            amount_minor=amount_minor,
            reference=typed.reference,
            actor=str(principal),
            occurred_at=at,
            at=at,
        )

    await _record("receipt", request, database, principal, at, order_id, payment_id, typed, run)
    return Redirect(f"/office/orders/{order_id}?done=received", status_code=303)


@post(
    "/office/orders/{order_id:uuid}/payments/{payment_id:uuid}/refund",
    guards=[needs("orders.refund", queries.PAYMENT, limited=True)],
    opt={"form": "/office/orders/{order_id}"},
)
async def pay_back(
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    payment_id: UUID,
) -> Redirect:
    """Record money that went back, and why.

    Refusals: `FormIncomplete`, `AmountNotPositive`, `PaymentUnknown`, `ReferenceReused`, `MoreThanRefundable`,
    `OverLimit`.
    """
    typed = checked(await request.form(), PaidBack, messages={"amount": NOT_AN_AMOUNT})

    async def run(tx: Transaction, amount_minor: int) -> Payment:
        paid = await commands.record_refund(
            tx,
            payment_id=payment_id,
            amount_minor=amount_minor,
            reference=typed.reference,
            actor=str(principal),
            occurred_at=at,
            at=at,
            reason=typed.reason,
        )
        await commands.limit_refunds(tx, principal, paid)
        return paid

    await _record("refund", request, database, principal, at, order_id, payment_id, typed, run)
    return Redirect(f"/office/orders/{order_id}?done=refunded", status_code=303)


async def _record(
    kind: str,
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    payment_id: UUID,
    typed: "Booked | PaidBack",
    run: Callable[[Transaction, int], Awaitable[Payment]],
) -> None:
    """The part that receipts and refunds have in common: what was typed, as an amount of this payment, once."""
    async with database.reading() as connection:
        payment = await queries.payment(connection, payment_id=payment_id)
    if payment is None or payment.purpose_id != order_id:
        raise NotFound(what="payment", id=str(payment_id))
    amount_minor = to_minor(Decimal(typed.amount.replace(",", ".")), payment.currency)
    if not amount_minor:
        raise FormIncomplete(errors={"amount": Error(NOT_AN_AMOUNT)})

    body = f"{kind} {payment_id} {amount_minor} {typed.reference}".encode()
    key = key_for(str(principal), await posted_key(request), body)
    await once(database, key, Payment, lambda tx: run(tx, amount_minor), at=at)


@post(
    "/office/orders/{order_id:uuid}/refunds/{charge_id:uuid}",
    guards=[needs("orders.refund", queries.CHARGE, limited=True)],
    opt={"form": "/office/orders/{order_id}"},
)
async def refund(
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    charge_id: UUID,
) -> Redirect:
    """Pay back through the provider that took the money.

    Refusals: `FormIncomplete`, `NotFound`, then those of `begin_refund`.
    """
    typed = checked(await request.form(), Returned, messages={"amount": NOT_AN_AMOUNT})
    async with database.reading() as connection:
        charge = await queries.charge(connection, charge_id=charge_id)
        payment_id = charge.payment_id if charge else None
        payment = await queries.payment(connection, payment_id=payment_id) if payment_id else None
    if charge is None or payment is None or payment.purpose_id != order_id:
        raise NotFound(what="charge", id=str(charge_id))
    paid = payment
    amount_minor = to_minor(Decimal(typed.amount.replace(",", ".")), charge.currency)

    async def run(tx: Transaction) -> ChargeRefund:
        wanted = await commands.begin_refund(
            tx,
            charge_id=charge_id,
            refund_id=uuid7(),
            amount_minor=amount_minor,
            cause=typed.reason,
            actor=str(principal),
            at=at,
        )
        if wanted is None:
            raise MoreThanRefundable(amount_minor=amount_minor, refundable_minor=0)
        await commands.limit_refunds(tx, principal, paid)
        return wanted

    body = f"refund {charge_id} {amount_minor}".encode()
    key = key_for(str(principal), await posted_key(request), body)
    wanted = await once(database, key, ChargeRefund, run, at=at)
    await commands.send_refund(database, refund_id=wanted.id, at=at)
    return Redirect(f"/office/orders/{order_id}?done=refunded", status_code=303)


routes = (receipt, pay_back, refund)
slots = (
    Answerer("order.payment", "payments", "payments/order_payment.html", 200, _payments),
    Answerer("office.order.payment", "payments", "payments/office_payment.html", 200, _payments),
)
