"""Payments on the pages of what is paid for: what buyers owe and how; money in and out for the back office."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.domains.parties.contracts import BankAccount
from lotse.domains.parties.queries import legal_entity
from lotse.domains.payments import commands, queries
from lotse.domains.payments.contracts import (
    Charge,
    ChargeListing,
    ChargeRefund,
    Happening,
    Money,
    MoreThanRefundable,
    Payment,
    PaymentListing,
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
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.slots import Answerer, Ask
from lotse.kernel.pages.table import Action, Column, Nothing, Option, Preset, Scope, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound

NOT_AN_AMOUNT = N_("Please enter an amount like 59.95.")


class PaymentShown(Struct, frozen=True):
    """A payment with its money in and out, who recorded it, where it goes. `key` is for the next form."""

    payment: Payment
    account: BankAccount
    money: list[Money]
    names: dict[str, str]
    key: str
    # What the method is called: a message id.
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
    method = _methods().get(payment.method)
    title = method.label if method else payment.method
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


METHODS = {
    "invoice": Option(N_("Invoice")),
    "prepayment": Option(N_("In advance")),
    "card": Option(N_("Card")),
    "cash": Option(N_("Cash")),
    "marketplace": Option(N_("Marketplace")),
}


def _methods() -> dict[str, Option]:
    """What ways to pay are called: those of every shop, and those that plugins bring."""
    return {method.name: Option(method.title) for method in queries.methods()} | METHODS


async def _methods_known(connection: Connection, scope: Scope) -> dict[str, Option]:
    return _methods()


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


# -- the back office's tables


STATES = {
    "open": Option(N_("open"), "warn"),
    "refund_due": Option(N_("to pay back"), "bad"),
    "refunded": Option(N_("paid back")),
    "settled": Option(N_("settled"), "good"),
}
# As the partial indexes say it; what is not chosen is gone when the statement is planned.
_IN_STATE = """
    ('open' = any (:value::text[]) and t.amount_minor - t.credited_minor > t.received_minor - t.refunded_minor)
    or ('refund_due' = any (:value::text[]) and t.received_minor - t.refunded_minor > t.amount_minor - t.credited_minor)
    or ('refunded' = any (:value::text[]) and t.refunded_minor > 0)
    or ('settled' = any (:value::text[]) and t.amount_minor - t.credited_minor = t.received_minor - t.refunded_minor)
"""
PAYMENTS = Table(
    name="payments.payments",
    path="/office/payments",
    title=N_("Payments"),
    icon="money",
    right="payments.read",
    where="everywhere",
    statement=queries.READS.payment_table,
    row=PaymentListing,
    key="id",
    order="-id",
    row_path="/office/payments/{}",
    columns=(
        Column("purpose_id", N_("For"), slot="office.payment.purpose", link=True, phone="title"),
        Column("state", N_("State"), kind="choice", filter="choice", options=STATES, condition=_IN_STATE),
        Column("method", N_("Method"), kind="choice", choices=_methods_known),
        Column("due_at", N_("Due"), kind="moment", filter="range"),
        Column("amount_minor", N_("Owed"), kind="money"),
        Column("credited_minor", N_("Credited"), kind="money", shown=False),
        Column("received_minor", N_("Received"), kind="money"),
        Column("refunded_minor", N_("Paid back"), kind="money", shown=False),
        Column("open_minor", N_("Open"), kind="money", filter="range"),
        Column("created_at", N_("Since"), kind="moment", shown=False),
    ),
    presets=(
        Preset(N_("Open items"), "state=open"),
        Preset(N_("Refund due"), "state=refund_due"),
        Preset(N_("Paid back"), "state=refunded"),
    ),
    actions=(Action(N_("Charges at providers"), "/office/payments/charges", "payments.read", "lock"),),
    nothing=Nothing(N_("No payments yet"), N_("Each order begins one: what is owed, what came in, what went back.")),
)
CHARGE_STATES = {
    "started": Option(N_("begun")),
    "asked": Option(N_("asked for"), "warn"),
    "waiting": Option(N_("waits for the buyer"), "warn"),
    "authorised": Option(N_("reserved"), "warn"),
    "taken": Option(N_("taken"), "warn"),
    "ordered": Option(N_("reserved for an order"), "warn"),
    "giving_up": Option(N_("is being given back"), "warn"),
    "captured": Option(N_("taken"), "good"),
    "dropped": Option(N_("left by the buyer")),
    "declined": Option(N_("declined"), "bad"),
    "voided": Option(N_("given back")),
    "refunded": Option(N_("paid back")),
}
CHARGES = Table(
    name="payments.charges",
    path="/office/payments/charges",
    title=N_("Charges at providers"),
    icon="lock",
    right="payments.read",
    where="everywhere",
    statement=queries.READS.charge_table,
    row=ChargeListing,
    key="id",
    order="-id",
    columns=(
        Column(
            "created_at",
            N_("Begun"),
            kind="moment",
            filter="range",
            template="payments/cell_charge.html",
            phone="title",
        ),
        Column("provider", N_("Provider"), filter="equals"),
        Column("state", N_("State"), kind="choice", filter="choice", options=CHARGE_STATES),
        Column("amount_minor", N_("Amount"), kind="money", filter="range"),
        Column("captured_minor", N_("Taken"), kind="money"),
        Column("refunded_minor", N_("Paid back"), kind="money"),
        Column("unplaced_minor", N_("Without an order"), kind="money", shown=False),
        Column("reason", N_("Reason"), kind="code"),
        Column("provider_reference", N_("Theirs"), kind="code", shown=False),
        Column("look_at", N_("Looked at again"), kind="moment", shown=False),
    ),
    presets=(
        Preset(N_("Under way"), "state=asked&state=waiting&state=authorised&state=taken&state=ordered&state=giving_up"),
        Preset(N_("Declined"), "state=declined"),
    ),
    nothing=Nothing(N_("No charges yet"), N_("Money through a payment provider shows here with every step.")),
)


@get("/office/payments/{payment_id:uuid}", guards=[needs("payments.read", queries.PAYMENT)])
async def office_payment(view: View, database: Database, payment_id: UUID) -> Response[str]:
    """To what the payment is for: its money stands there."""
    async with database.reading() as connection:
        payment = await queries.payment(connection, payment_id=payment_id)
    if payment is None:
        raise NotFound(what="payment", id=str(payment_id))
    return view.go(f"/office/orders/{payment.purpose_id}")


@get("/office/payments/money/{money_id:uuid}", guards=[needs("payments.read", "common")])
async def office_money(view: View, database: Database, money_id: UUID) -> Response[str]:
    """To what a receipt or a refund was for: postings carry its id. What is there asks for its own right."""
    async with database.reading() as connection:
        purpose_id = await queries.purpose_of_money(connection, id=money_id)
    if purpose_id is None:
        raise NotFound(what="money", id=str(money_id))
    return view.go(f"/office/orders/{purpose_id}")


routes = (receipt, pay_back, refund, *table_routes(PAYMENTS), *table_routes(CHARGES), office_payment, office_money)
tables = (PAYMENTS, CHARGES)
places = (Place("/office/payments", N_("Payments"), "money", "y", "payments.read", "money", 10),)
slots = (
    Answerer("order.payment", "payments", "payments/order_payment.html", 200, _payments),
    Answerer("office.order.payment", "payments", "payments/office_payment.html", 200, _payments),
)
