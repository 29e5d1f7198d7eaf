"""What orders do when a payment reports something."""

from datetime import datetime

from lotse.domains.orders.commands import release
from lotse.domains.orders.queries import waiting
from lotse.domains.payments.contracts import Received
from lotse.domains.payments.queries import payment
from lotse.kernel import clock
from lotse.kernel.consumers import reacts
from lotse.kernel.db import Transaction


@reacts(Received)
async def on_received(tx: Transaction, event: Received, *, at: datetime) -> None:
    """The goods of a prepaid order may leave once nothing is owed any more."""
    if event.purpose != "order" or event.open_minor > 0:
        return
    order = await waiting(tx, order_id=event.purpose_id)
    if order is None or order.cancelled:
        return
    # The event may be old: what counts is what is owed now.
    paid = await payment(tx, payment_id=order.payment_id)
    if paid is not None and paid.open_minor <= 0:
        await release(tx, order_id=order.id, released_at=at, at=clock.now())
