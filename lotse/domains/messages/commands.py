"""Tell devices about orders, and erase what mails and devices say about a person; the queues are the kernel's."""

from datetime import datetime
from uuid import UUID

from lotse.domains.customers.queries import account_of_email, customer, login
from lotse.domains.customers.queries import export_party as customers_of
from lotse.domains.messages.rules import customer_subject, order_subject
from lotse.domains.orders.contracts import OrderUnknown
from lotse.domains.orders.queries import addressee
from lotse.domains.parties.queries import party
from lotse.kernel.db import Transaction
from lotse.kernel.mail import post
from lotse.kernel.privacy import Erased
from lotse.kernel.push import post as devices
from lotse.kernel.push.contracts import Subscription


async def tell_device(
    tx: Transaction,
    subscription: Subscription,
    *,
    order_id: UUID,
    customer_id: UUID | None,
    language: str,
    private: bool = False,
    at: datetime,
) -> None:
    """Have a device told what becomes of an order; of all their orders, if it is its buyer who is signed in there
    (`customer_id`). `private` is for tests.

    Refusals in this order: `OrderUnknown`, `SubscriptionInvalid`, `TooManyDevices`.
    """
    found = await addressee(tx, order_id=order_id)
    if found is None:
        raise OrderUnknown(order=str(order_id))
    known = await customer(tx, customer_id=found.customer_id) if found.customer_id else None
    is_buyer = known is not None and known.id == customer_id
    await devices.subscribe(
        tx,
        subscription,
        about=customer_subject(known.id) if known is not None and is_buyer else order_subject(order_id),
        language=language,
        shop_id=found.shop_id,
        party_id=known.party_id if known else None,
        private=private,
        at=at,
    )


async def erase_party(tx: Transaction, *, party_id: UUID, at: datetime) -> Erased:
    """Erase addresses and copies of mails to a person or their addresses, and their devices; what waited is not sent
    any more."""
    mails = await post.erase_party(tx, party_id=party_id, addresses=await _addresses_of(tx, party_id))
    return Erased(mails + await devices.erase_party(tx, party_id=party_id))


async def _addresses_of(tx: Transaction, party_id: UUID) -> list[str]:
    """Where a person is and was reached: what they are known by, and what they sign in with. Lower domains erase it
    later. A former address that is somebody else's account by now is theirs."""
    known = await party(tx, party_id=party_id)
    bought = await customers_of(tx, party_id=party_id)
    logins = [await login(tx, customer_id=customer.id) for customer in (bought.customers if bought else ())]
    former = {change.former for change in (bought.email_changes if bought else ()) if change.former}
    left = [email for email in sorted(former) if await account_of_email(tx, email=email) is None]
    return [*([known.email] if known else []), *(found.email for found in logins if found), *left]
