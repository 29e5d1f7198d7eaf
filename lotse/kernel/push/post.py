"""The devices that want news, and the queue of what they are told."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel import jobs
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.push import rules
from lotse.kernel.push.contracts import Device, Message, Push, Subscription, TooManyDevices
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "push")

# Of one order or customer: phone, tablet, computer, those of the family; more is a program.
MOST_DEVICES = 10
SEND = "kernel.send_push"


class SendPush(Struct, frozen=True):
    """The message that a job sends."""

    message_id: UUID


async def subscribe(
    tx: Transaction,
    subscription: Subscription,
    *,
    about: str,
    language: str,
    shop_id: UUID | None,
    party_id: UUID | None = None,
    private: bool = False,
    at: datetime,
) -> None:
    """Have a device told about a thing, as the audit calls things: `orders.order:<id>`. A second time changes keys and
    language of the first.

    Refusals in this order: `SubscriptionInvalid`, `TooManyDevices`.
    """
    key, auth = rules.checked(subscription, private=private)
    mark = rules.mark_of(subscription.endpoint)
    # One after the other, or two at once would both be the tenth.
    await tx.execute(SQL.lock_about, about=about)
    if await tx.value(SQL.others_about, about=about, mark=mark) >= MOST_DEVICES:
        raise TooManyDevices(most=MOST_DEVICES)
    await tx.execute(
        SQL.subscribe,
        id=uuid7(),
        endpoint=subscription.endpoint,
        mark=mark,
        public_key=key,
        auth=auth,
        about=about,
        shop_id=shop_id,
        party_id=party_id,
        language=language,
        at=at,
    )


async def unsubscribe(tx: Transaction, *, endpoint: str, about: Sequence[str]) -> int:
    """Tell a device nothing more about things; how many things it still wants to hear of."""
    mark = rules.mark_of(endpoint)
    await tx.execute(SQL.unsubscribe, mark=mark, about=list(about))
    return await tx.value(SQL.left, mark=mark)


async def is_told(conn: Connection, *, endpoint: str, about: Sequence[str]) -> bool:
    """Whether a device hears of one of the things."""
    return await conn.value(SQL.is_told, mark=rules.mark_of(endpoint), about=list(about))


async def renew(
    tx: Transaction, *, former: str, subscription: Subscription, private: bool = False, at: datetime
) -> int:
    """A browser got another subscription for the same device: what it was told before it is told there; how many
    things. Whoever knows the former endpoint is the device. Refusal: `SubscriptionInvalid`."""
    key, auth = rules.checked(subscription, private=private)
    gone, mark = rules.mark_of(former), rules.mark_of(subscription.endpoint)
    moved = await tx.execute(
        SQL.renew, former=gone, endpoint=subscription.endpoint, mark=mark, public_key=key, auth=auth, at=at
    )
    if gone != mark:
        await tx.execute(SQL.forget_endpoint, mark=gone)  # of what is told at the new one already
    return moved


async def enqueue(
    tx: Transaction, push: Push, payload: Struct, *, about: Sequence[str], event_id: UUID, at: datetime
) -> int:
    """Tell every device that wants to hear of one of the things, each once for this event, once this transaction has
    committed; how many that are."""
    if type(payload) is not push.payload:
        raise TypeError(f"{push.name} takes {push.payload}, not {type(payload)}")
    devices = await tx.many(SQL.devices_about, Device, about=list(about))
    told = 0
    for device in devices:
        id = uuid7()
        if await tx.execute(
            SQL.enqueue,
            id=id,
            push=push.name,
            event_id=event_id,
            mark=device.endpoint_mark,
            payload=msgspec.to_builtins(payload),
            at=at,
            expires_at=at + rules.KEPT,
        ):
            await jobs.enqueue(tx, SEND, SendPush(id))
            told += 1
    return told


async def messages(conn: Connection, *, event_id: UUID) -> list[Message]:
    """What devices were told of an event."""
    return await conn.many(SQL.of_event, Message, event_id=event_id)


async def export_party(conn: Connection, *, party_id: UUID) -> list[dict[str, Any]]:
    """The devices of a person: whose push service, which language. Address and keys are secrets of the device."""
    devices = await conn.many(SQL.of_party, Device, party_id=party_id)
    return [
        {"push_service": urlsplit(one.endpoint).hostname or "", "about": one.about, "language": one.language}
        for one in devices
    ]


async def erase_party(tx: Transaction, *, party_id: UUID) -> int:
    """Forget the devices of a person; what waits for them is not sent."""
    return await tx.execute(SQL.erase_party, party_id=party_id)
