"""What mails are about: ids only, because the queue outlives names."""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

# Whoever hears of something later than this has heard of it otherwise, or it never happened to them (a replay).
STALE_AFTER = timedelta(days=2)


class AboutOrder(Struct, frozen=True):
    """An order."""

    order_id: UUID


class AboutAmendment(Struct, frozen=True):
    """Something that was taken back of an order."""

    order_id: UUID
    amendment_id: UUID


class AboutMoney(Struct, frozen=True):
    """Money that came in for an order."""

    order_id: UUID
    payment_id: UUID
    amount_minor: int
    open_minor: int


class AboutWithdrawal(Struct, frozen=True):
    """A declaration of withdrawal."""

    withdrawal_id: UUID


class AboutNotice(Struct, frozen=True):
    """Something that happened to an account of staff; `kind` is that of the notice."""

    staff_id: UUID
    kind: str


class AboutReset(Struct, frozen=True):
    """A link to a new password."""

    customer_id: UUID
    reset_id: UUID


class AboutConsent(Struct, frozen=True):
    """A consent that waits to be confirmed."""

    customer_id: UUID
    request_id: UUID


class AboutEmail(Struct, frozen=True):
    """A mail address that waits to become an account's."""

    customer_id: UUID
    change_id: UUID


class AboutAccount(Struct, frozen=True):
    """Something that happened to a customer's account, and when."""

    customer_id: UUID
    happened_at: datetime
