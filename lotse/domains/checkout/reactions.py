"""What the checkout does when a provider tells of a charge by itself, and when money paid through one is owed back."""

from datetime import datetime
from uuid import UUID, uuid5

from lotse.domains.checkout.commands import PURPOSE
from lotse.domains.checkout.contracts import ChargeToSettle
from lotse.domains.orders.contracts import OrderAmended
from lotse.domains.orders.queries import order as read_order
from lotse.domains.payments import commands as payments
from lotse.domains.payments.contracts import Charge, ChargeReported, Received, RefundToSend
from lotse.domains.payments.queries import charges_of
from lotse.domains.payments.queries import payment as read_payment
from lotse.kernel import clock
from lotse.kernel.consumers import reacts
from lotse.kernel.db import Transaction
from lotse.kernel.jobs import enqueue


@reacts(ChargeReported)
async def on_reported(tx: Transaction, event: ChargeReported, *, at: datetime) -> None:
    """Whoever paid may have closed the browser: the order is placed without them."""
    if event.purpose == PURPOSE:
        await _settle_soon(tx, event.charge_id)


@reacts(OrderAmended)
async def on_amended(tx: Transaction, event: OrderAmended, *, at: datetime) -> None:
    """What is taken back of an order goes back to where the money came from, by the amendment's id once."""
    if event.order_id is None:
        return
    order = await read_order(tx, order_id=event.order_id)
    if order is not None:
        await _give_back(tx, order.payment_id, event.amendment_id, f"amendment {event.amendment_id}")


@reacts(Received)
async def on_received(tx: Transaction, event: Received, *, at: datetime) -> None:
    """Money that was taken for an order of which part had been taken back before."""
    if event.open_minor < 0:
        await _give_back(tx, event.payment_id, uuid5(event.payment_id, "received"), "more than is owed")


async def _give_back(tx: Transaction, payment_id: UUID, refund_id: UUID, cause: str) -> None:
    found: list[Charge] = await charges_of(tx, payment_ids=[payment_id])
    if not found:
        return  # paid without a provider: somebody transfers it
    [charge] = found
    payment, now = await read_payment(tx, payment_id=payment_id), clock.now()
    if charge.state == "ordered":
        if payment is not None and payment.open_minor <= 0:
            # Nothing is owed any more and nothing was taken: the reservation goes.
            await payments.give_up_charge(
                tx, charge_id=charge.id, reason="order-cancelled", actor="system", at=now, ordered_too=True
            )
            await _settle_soon(tx, charge.id)
        return  # else it is captured first, and `on_received` sees what of it goes back
    refund = await payments.begin_refund(
        tx, charge_id=charge.id, refund_id=refund_id, amount_minor=None, cause=cause, actor="system", at=now
    )
    if refund is not None and refund.state == "asked":
        await enqueue(tx, "payments.send_refund", RefundToSend(refund.id), unique=f"refund:{refund.id}")


async def _settle_soon(tx: Transaction, charge_id: UUID) -> None:
    await enqueue(tx, "checkout.settle_charge", ChargeToSettle(charge_id), unique=f"charge:{charge_id}")
