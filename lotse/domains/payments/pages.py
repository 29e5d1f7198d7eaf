"""Payments on the pages of what is paid for: what buyers owe and how; money in and out for the back office."""

from collections.abc import Mapping
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
from lotse.domains.payments.contracts import Money, Payment
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


class Booked(Struct, frozen=True):
    """What is typed to record money: an amount in major units and the bank's reference."""

    amount: Annotated[str, Meta(min_length=1, max_length=20, pattern=r"^\d{1,12}([.,]\d{1,3})?$")]
    reference: Annotated[str, Meta(min_length=1, max_length=140)]


async def _payments(connection: Connection, ask: Ask) -> Mapping[UUID, PaymentShown]:
    """One order is shown at a time, so the queries per payment are few."""
    found: dict[UUID, PaymentShown] = {}
    for id in ask.ids:
        payment = await queries.payment(connection, payment_id=id)
        if payment is not None:
            entity = await legal_entity(connection, legal_entity_id=payment.legal_entity_id)
            account = entity.bank_account if entity else BankAccount()
            money = await queries.money_of(connection, payment_id=id)
            names = await names_of(connection, (one.actor for one in money))
            found[id] = PaymentShown(payment, account, money, names, str(uuid7()))
    return found


@post(
    "/office/orders/{order_id:uuid}/payments/{payment_id:uuid}/{kind:str}",
    guards=[needs("payments:write")],
    opt={"form": "/office/orders/{order_id}"},
)
async def record(
    request: Request[Any, Any, Any],
    database: Database,
    principal: Principal,
    at: datetime,
    order_id: UUID,
    payment_id: UUID,
    kind: str,
) -> Redirect:
    """Record money that came in (`receipt`) or went back (`refund`).

    Refusals: `FormIncomplete`, `AmountNotPositive`, `PaymentUnknown`, `ReferenceReused`, `MoreThanRefundable`.
    """
    verbs = {"receipt": commands.record_receipt, "refund": commands.record_refund}
    if kind not in verbs:
        raise NotFound(what="page", id=kind)
    typed = checked(await request.form(), Booked, messages={"amount": NOT_AN_AMOUNT})
    async with database.reading() as connection:
        payment = await queries.payment(connection, payment_id=payment_id)
    if payment is None or payment.purpose_id != order_id:
        raise NotFound(what="payment", id=str(payment_id))
    amount_minor = to_minor(Decimal(typed.amount.replace(",", ".")), payment.currency)
    if not amount_minor:
        raise FormIncomplete(errors={"amount": Error(NOT_AN_AMOUNT)})

    async def run(tx: Transaction) -> Payment:
        return await verbs[kind](
            tx,
            payment_id=payment_id,
            amount_minor=amount_minor,
            reference=typed.reference,
            actor=str(principal),
            occurred_at=at,
            at=at,
        )

    body = f"{kind} {payment_id} {amount_minor} {typed.reference}".encode()
    await once(database, key_for(str(principal), await posted_key(request), body), Payment, run, at=at)
    done = "received" if kind == "receipt" else "refunded"
    return Redirect(f"/office/orders/{order_id}?done={done}", status_code=303)


routes = (record,)
slots = (
    Answerer("order.payment", "payments", "payments/order_payment.html", 200, _payments),
    Answerer("office.order.payment", "payments", "payments/office_payment.html", 200, _payments),
)
