"""Puts mails, and news for devices that want them, into their queues when something happened that somebody should hear
of."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from lotse.domains.customers.contracts import (
    AccountMade,
    ConsentAsked,
    EmailChangeAsked,
    EmailChanged,
    PasswordChanged,
    PasswordForgotten,
)
from lotse.domains.customers.queries import account_of_email, customer, email_change, email_changed
from lotse.domains.messages.contracts import (
    AboutAccount,
    AboutAmendment,
    AboutConsent,
    AboutEmail,
    AboutMoney,
    AboutNotice,
    AboutOrder,
    AboutReset,
    AboutWithdrawal,
)
from lotse.domains.messages.queries import (
    ACCOUNT_MADE,
    ACCOUNT_NOTICE,
    CONSENT_ASKED,
    EMAIL_ASKED,
    EMAIL_CHANGED,
    EMAIL_TAKEN,
    NEWS_OF_CHARGE,
    NEWS_OF_MONEY,
    NEWS_OF_ORDER,
    NEWS_OF_TAKEN_BACK,
    NEWS_OF_WITHDRAWAL,
    ORDER_AMENDED,
    ORDER_CANCELLED,
    ORDER_PLACED,
    PASSWORD_CHANGED,
    PASSWORD_FORGOTTEN,
    PAYMENT_FAILED,
    PAYMENT_RECEIVED,
    WITHDRAWAL_RECEIVED,
    account_address,
    staff_address,
)
from lotse.domains.messages.rules import WRITTEN_TO, greeting_name, is_reachable, is_stale, subjects_of
from lotse.domains.orders.contracts import OrderAmended, OrderPlaced
from lotse.domains.orders.queries import Addressee, addressee
from lotse.domains.payments.contracts import ChargeReported, Received
from lotse.domains.payments.queries import charge, payment, without_provider
from lotse.domains.returns.contracts import WithdrawalDeclared
from lotse.domains.returns.queries import withdrawal
from lotse.kernel import clock
from lotse.kernel.auth.notices import AccountNoticed
from lotse.kernel.consumers import reacts
from lotse.kernel.db import Transaction
from lotse.kernel.mail import post
from lotse.kernel.mail.contracts import Mail, To
from lotse.kernel.push import post as push
from lotse.kernel.push.contracts import Push


@reacts(OrderPlaced)
async def on_placed(tx: Transaction, event: OrderPlaced, *, at: datetime, event_id: UUID) -> None:
    """The order's confirmation."""
    if event.channel in WRITTEN_TO and not is_stale(at, clock.now()):
        await _tell(tx, ORDER_PLACED, NEWS_OF_ORDER, AboutOrder(event.order_id), event.order_id, event_id)


@reacts(OrderAmended)
async def on_amended(tx: Transaction, event: OrderAmended, *, at: datetime, event_id: UUID) -> None:
    """What was cancelled, taken back or credited; a credit without an order has nobody to write to."""
    if event.order_id is None or is_stale(at, clock.now()):
        return
    mail = ORDER_CANCELLED if event.kind == "cancellation" else ORDER_AMENDED
    about = AboutAmendment(event.order_id, event.amendment_id)
    await _tell(tx, mail, NEWS_OF_TAKEN_BACK, about, event.order_id, event_id)


@reacts(Received)
async def on_received(tx: Transaction, event: Received, *, at: datetime, event_id: UUID) -> None:
    """Money that was transferred. What a card paid stands in the confirmation already."""
    if event.purpose != "order" or is_stale(at, clock.now()):
        return
    paid = await payment(tx, payment_id=event.payment_id)
    if paid is None or paid.method not in {method.name for method in without_provider()}:
        return
    about = AboutMoney(event.purpose_id, event.payment_id, event.amount_minor, event.open_minor)
    await _tell(tx, PAYMENT_RECEIVED, NEWS_OF_MONEY, about, event.purpose_id, event_id)


@reacts(ChargeReported)
async def on_charge(tx: Transaction, event: ChargeReported, *, at: datetime, event_id: UUID) -> None:
    """A payment that did not come through although there is an order: before one, the buyer sees it on the page."""
    if event.state not in ("declined", "voided") or is_stale(at, clock.now()):
        return
    charged = await charge(tx, charge_id=event.charge_id)
    paid = await payment(tx, payment_id=charged.payment_id) if charged and charged.payment_id else None
    if paid is not None and paid.purpose == "order" and paid.open_minor > 0:
        about = AboutOrder(paid.purpose_id)
        await _tell(tx, PAYMENT_FAILED, NEWS_OF_CHARGE, about, paid.purpose_id, event_id)


@reacts(WithdrawalDeclared)
async def on_withdrawn(tx: Transaction, event: WithdrawalDeclared, *, at: datetime, event_id: UUID) -> None:
    """That the declaration arrived, at once, on a durable medium (s. 356a(4) BGB): to the address that it names."""
    declared = None if is_stale(at, clock.now()) else await withdrawal(tx, withdrawal_id=event.withdrawal_id)
    if declared is None:
        return
    about = AboutWithdrawal(declared.id)
    found = await addressee(tx, order_id=declared.order_id) if declared.order_id else None
    # Anybody can write anybody's order number: what is known of its buyer is not joined to what somebody typed.
    is_buyer = found is not None and found.email.lower() == declared.email.lower()
    if found is not None and is_buyer:
        subjects = subjects_of(found.id, found.customer_id)
        await push.enqueue(tx, NEWS_OF_WITHDRAWAL, about, about=subjects, event_id=event_id, at=clock.now())
    if not is_reachable(declared.email):
        return
    to = To(
        address=declared.email,
        name=greeting_name(declared.name),
        language=declared.language,
        shop_id=declared.shop_id,
        party_id=await _party_of(tx, found) if found and is_buyer else None,
        about=f"orders.order:{found.id}" if found and is_buyer else "",
    )
    await post.enqueue(tx, WITHDRAWAL_RECEIVED, about, to=to, event_id=event_id, at=clock.now())


@reacts(AccountMade)
async def on_account_made(tx: Transaction, event: AccountMade, *, at: datetime, event_id: UUID) -> None:
    """A welcome."""
    about = AboutAccount(event.customer_id, at)
    await _tell_customer(tx, ACCOUNT_MADE, about, event.customer_id, event.language, at=at, event_id=event_id)


@reacts(PasswordForgotten)
async def on_password_forgotten(tx: Transaction, event: PasswordForgotten, *, at: datetime, event_id: UUID) -> None:
    """The link to a new password; once it is used or too old there is nothing left to say."""
    about = AboutReset(event.customer_id, event.reset_id)
    await _tell_customer(tx, PASSWORD_FORGOTTEN, about, event.customer_id, event.language, at=at, event_id=event_id)


@reacts(PasswordChanged)
async def on_password_changed(tx: Transaction, event: PasswordChanged, *, at: datetime, event_id: UUID) -> None:
    """That an account has another password: its owner hears of it whoever did it."""
    about = AboutAccount(event.customer_id, at)
    await _tell_customer(tx, PASSWORD_CHANGED, about, event.customer_id, event.language, at=at, event_id=event_id)


@reacts(ConsentAsked)
async def on_consent_asked(tx: Transaction, event: ConsentAsked, *, at: datetime, event_id: UUID) -> None:
    """Whether it is meant: only who reads the mailbox can say so."""
    about = AboutConsent(event.customer_id, event.request_id)
    await _tell_customer(tx, CONSENT_ASKED, about, event.customer_id, event.language, at=at, event_id=event_id)


@reacts(EmailChangeAsked)
async def on_email_asked(tx: Transaction, event: EmailChangeAsked, *, at: datetime, event_id: UUID) -> None:
    """Whether the mailbox is its owner's; an address that has an account hears that it has one."""
    asked = await email_change(tx, change_id=event.change_id, at=clock.now())
    if asked is None or is_stale(at, clock.now()):
        return
    taken_by = await account_of_email(tx, email=asked.email)
    if taken_by is not None:
        about = AboutAccount(taken_by, at)
        await _tell_customer(tx, EMAIL_TAKEN, about, taken_by, event.language, at=at, event_id=event_id)
        return
    to = await account_address(tx, customer_id=event.customer_id, language=event.language)
    if to is not None and is_reachable(asked.email):
        # Whose mailbox it is nobody knows yet: no name.
        to = replace(to, address=asked.email, name="")
        about = AboutEmail(event.customer_id, event.change_id)
        await post.enqueue(tx, EMAIL_ASKED, about, to=to, event_id=event_id, at=clock.now())


@reacts(EmailChanged)
async def on_email_changed(tx: Transaction, event: EmailChanged, *, at: datetime, event_id: UUID) -> None:
    """That an account has another mail address, to the former one: its owner hears of it whoever did it."""
    changed = await email_changed(tx, change_id=event.change_id)
    to = (
        None
        if is_stale(at, clock.now())
        else await account_address(tx, customer_id=event.customer_id, language=event.language)
    )
    if to is not None and changed is not None and changed.former and is_reachable(changed.former):
        to = replace(to, address=changed.former)
        about = AboutAccount(event.customer_id, at)
        await post.enqueue(tx, EMAIL_CHANGED, about, to=to, event_id=event_id, at=clock.now())


@reacts(AccountNoticed)
async def on_noticed(tx: Transaction, event: AccountNoticed, *, at: datetime, event_id: UUID) -> None:
    """What somebody who works here should know about their account, where the log-in is a mail address."""
    if is_stale(at, clock.now()):
        return
    to = await staff_address(tx, staff_id=event.staff_id)
    if to is not None and is_reachable(to.address):
        about = AboutNotice(event.staff_id, event.kind)
        await post.enqueue(tx, ACCOUNT_NOTICE, about, to=to, event_id=event_id, at=clock.now())


async def _tell_customer(
    tx: Transaction, mail: Mail, about: Struct, customer_id: UUID, language: str, *, at: datetime, event_id: UUID
) -> None:
    """Write to the address of an account."""
    to = None if is_stale(at, clock.now()) else await account_address(tx, customer_id=customer_id, language=language)
    if to is not None and is_reachable(to.address):
        await post.enqueue(tx, mail, about, to=to, event_id=event_id, at=clock.now())


async def _tell(tx: Transaction, mail: Mail, news: Push, about: Struct, order_id: UUID, event_id: UUID) -> None:
    """By mail whoever can be written to, and on every device that wants to hear of the order."""
    found = await addressee(tx, order_id=order_id)
    if found is None or found.channel not in WRITTEN_TO:
        return
    if is_reachable(found.email):
        await post.enqueue(tx, mail, about, to=await _to(tx, found), event_id=event_id, at=clock.now())
    subjects = subjects_of(found.id, found.customer_id)
    await push.enqueue(tx, news, about, about=subjects, event_id=event_id, at=clock.now())


async def _to(tx: Transaction, found: Addressee) -> To:
    return To(
        address=found.email,
        name=greeting_name(found.name),
        language=found.language,
        shop_id=found.shop_id,
        party_id=await _party_of(tx, found),
        about=f"orders.order:{found.id}",
    )


async def _party_of(tx: Transaction, found: Addressee) -> UUID | None:
    known = await customer(tx, customer_id=found.customer_id) if found.customer_id else None
    return known.party_id if known else None
