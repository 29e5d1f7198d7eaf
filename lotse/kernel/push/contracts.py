"""What crosses the border of push: the description of a kind of push, devices, news, refusals.

A domain that has news exports its kinds from its `queries.py`:

    pushes = (Push("messages.order_placed", AboutOrder, gather),)

The queue keeps ids only. `gather` reads what is said when it is sent, in the language of the device.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Connection
from lotse.kernel.mail.contracts import Ways
from lotse.kernel.refusals import Refusal

# How much a phone that saves its battery should care (RFC 8030, 5.3).
Urgency = Literal["low", "normal", "high"]
# gone: the device does not want news any more. expired: nobody could be reached in time. cancelled: nothing was left
# to say.
State = Literal["waiting", "sent", "failed", "gone", "expired", "cancelled"]


class Device(Struct, frozen=True):
    """A browser that wants news about one thing. `endpoint` is an address at the push service of its maker; whoever
    has it and the keys can write to the device."""

    id: UUID
    endpoint: str
    endpoint_mark: bytes
    public_key: bytes
    auth: bytes
    about: str
    shop_id: UUID | None
    party_id: UUID | None
    language: str


class Keys(Struct, frozen=True):
    """What messages to a subscription are encrypted with, base64url as the browser says it."""

    p256dh: str
    auth: str


class Subscription(Struct, frozen=True):
    """A subscription as browsers put it into JSON (`PushSubscription.toJSON`)."""

    endpoint: str
    keys: Keys


class News(Struct, frozen=True):
    """What a device shows: message ids, said in its language with `values`, which are ready to be read. `path` opens
    when it is touched; news with the same `tag` replace each other there."""

    title: str
    body: str
    path: str
    values: Mapping[str, str] = {}
    tag: str = ""


Gather = Callable[[Connection, Any, Device, Ways], Awaitable[News | None]]


class Push(Struct, frozen=True):
    """A kind of push: `<domain>.<what>`. `gather` answers None if there is nothing to say any more."""

    name: str
    payload: type[Struct]
    gather: Gather
    urgency: Urgency = "normal"


class Message(Struct, frozen=True):
    """A message of the queue."""

    id: UUID
    push: str
    event_id: UUID
    endpoint_mark: bytes
    payload: str
    state: State
    tries: int
    error: str
    created_at: datetime
    expires_at: datetime


class SubscriptionInvalid(Refusal, status=422, title="This browser cannot be sent news"):
    """`field` of the subscription is not what push services give out; `rule` says what is."""

    field: str
    rule: str


class TooManyDevices(Refusal, status=409, title="So many devices are told already"):
    """Switch it off on one of them first."""

    most: int
