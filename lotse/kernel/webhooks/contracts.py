"""What crosses the border of webhooks: endpoints, deliveries, tries, and the refusals about them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel.refusals import Refusal

EndpointState = Literal["active", "paused", "off"]
DeliveryState = Literal["waiting", "delivered", "failed", "skipped"]


class Stored(Struct, frozen=True):
    """An endpoint as it is kept, with its secrets."""

    id: UUID
    name: str
    url: str
    types: list[str]
    shop_ids: list[UUID]
    secret: str
    former_secret: str | None
    former_until: datetime | None
    state: EndpointState
    reason: str
    from_position: int
    failures: int
    failing_since: datetime | None
    rest_until: datetime | None
    created_at: datetime
    changed_at: datetime


class Endpoint(Struct, frozen=True):
    """Where events are sent. `types` and `shop_ids` choose which; empty means all.

    `paused`: it failed for days, events are gathered for it and not sent. `off`: nothing is gathered. `reason` says
    why.
    """

    id: UUID
    name: str
    url: str
    types: list[str]
    shop_ids: list[UUID]
    state: EndpointState
    reason: str
    failures: int
    failing_since: datetime | None
    rest_until: datetime | None
    former_until: datetime | None
    created_at: datetime
    changed_at: datetime


class NewEndpoint(Struct, frozen=True):
    """An endpoint with its secret, which is shown when it is made or rotated and never again."""

    endpoint: Endpoint
    secret: str


class Delivery(Struct, frozen=True):
    """One event for one endpoint. `event_id` is the message id on every try; `position` is null for a ping.

    `due_at` null while it waits behind an earlier event of its key. `status` and `error` are of the last try.
    """

    id: UUID
    endpoint_id: UUID
    position: int | None
    event_id: UUID
    type: str
    key: str
    occurred_at: datetime
    state: DeliveryState
    tries: int
    attempts: int
    due_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    status: int | None
    error: str | None


class Attempt(Struct, frozen=True):
    """One try: what was sent, what came back (at most 4 KiB of it), or the words of what failed."""

    delivery_id: UUID
    number: int
    at: datetime
    took_ms: int
    request_headers: dict[str, str]
    status: int | None
    error: str | None
    response_headers: dict[str, str]
    response_body: str


class Count(Struct, frozen=True):
    """How many deliveries of an endpoint are in an open state, and when the oldest event of them happened."""

    endpoint_id: UUID
    state: DeliveryState
    deliveries: int
    oldest: datetime


class LoggedEvent(Struct, frozen=True):
    """An event of the log. Positions are dense: who has read position n has missed nothing before it."""

    position: int
    id: UUID
    type: str
    version: int
    key: str
    payload: dict[str, Any]
    occurred_at: datetime
    recorded_at: datetime


class Replayed(Struct, frozen=True):
    """How many events are sent again, and how many for the first time, because they were older than the endpoint."""

    again: int
    first: int


class UnknownEndpoint(Refusal, status=404, title="There is no such webhook endpoint"):
    """No endpoint has this id."""

    endpoint_id: UUID


class UnknownDelivery(Refusal, status=404, title="There is no such delivery"):
    """No delivery of this endpoint has this id; those that were delivered are kept for thirty days."""

    delivery_id: UUID


class AddressNotAllowed(Refusal, status=422, title="Webhooks cannot be sent to this address"):
    """`rule` says what is allowed. Own systems in private networks need LOTSE_WEBHOOK_PRIVATE_ADDRESSES."""

    url: str
    rule: str


class EndpointOff(Refusal, status=409, title="This endpoint is switched off"):
    """Switch it on first."""

    endpoint_id: UUID


class TooManyEndpoints(Refusal, status=409, title="There are too many webhook endpoints"):
    """Each event is kept once per endpoint; switch one off, or let one receiver share them out."""

    most: int
