"""Reads of webhooks and of the event log: endpoints, the log of deliveries, the feed."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct, structs

from lotse.kernel.consumers import Place
from lotse.kernel.db import Connection
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements
from lotse.kernel.webhooks.contracts import (
    Attempt,
    Count,
    Delivery,
    DeliveryState,
    Endpoint,
    LoggedEvent,
    Stored,
    UnknownDelivery,
    UnknownEndpoint,
)

SQL = statements("lotse.kernel", "webhooks")
EVENTS = statements("lotse.kernel", "events")

# Of a delivery's tries; probes of an endpoint that was away for days add some.
ATTEMPTS_SHOWN = 50
# Types of events are known by having happened; the last so many show those that matter.
LOOKED_AT = 20_000


class Feed(Struct, frozen=True):
    """A page of the feed. Ask for `after=next` next; `head` is where the log ended. Nothing is left out between."""

    items: list[LoggedEvent]
    next: int
    head: int


def shown(endpoint: Stored) -> Endpoint:
    """An endpoint without its secrets."""
    fields = structs.asdict(endpoint)
    return Endpoint(**{name: fields[name] for name in Endpoint.__struct_fields__})


async def endpoints(conn: Connection) -> list[Endpoint]:
    """All endpoints by name."""
    return [shown(endpoint) for endpoint in await conn.many(SQL.endpoints, Stored)]


async def endpoint(conn: Connection, *, endpoint_id: UUID) -> Endpoint:
    """One endpoint. Refusal: `UnknownEndpoint`."""
    found = await conn.maybe(SQL.endpoint, Stored, id=endpoint_id)
    if found is None:
        raise UnknownEndpoint(endpoint_id=endpoint_id)
    return shown(found)


async def counts(conn: Connection) -> dict[UUID, dict[DeliveryState, Count]]:
    """The open deliveries of each endpoint that has some."""
    found: dict[UUID, dict[DeliveryState, Count]] = {}
    for row in await conn.many(SQL.counts, Count):
        found.setdefault(row.endpoint_id, {})[row.state] = row
    return found


async def deliveries(
    conn: Connection,
    *,
    endpoint_id: UUID,
    state: DeliveryState | None = None,
    text: str = "",
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Delivery]:
    """The log of an endpoint, the newest first; `text` is a key, a type of event, or a message id.

    Refusals: `BadCursor`, `UnknownEndpoint`.
    """
    begin = after(cursor, tuple[UUID])
    await endpoint(conn, endpoint_id=endpoint_id)
    found = await conn.many(
        SQL.deliveries,
        Delivery,
        endpoint_id=endpoint_id,
        state=state,
        text=_searched(text),
        before=begin[0] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["id"])


async def delivery(conn: Connection, *, endpoint_id: UUID, delivery_id: UUID) -> tuple[Delivery, list[Attempt]]:
    """One delivery and its tries, the newest first. Refusal: `UnknownDelivery`."""
    found = await conn.maybe(SQL.delivery, Delivery, id=delivery_id)
    if found is None or found.endpoint_id != endpoint_id:
        raise UnknownDelivery(delivery_id=delivery_id)
    return found, await conn.many(SQL.attempts, Attempt, delivery_id=delivery_id, limit=ATTEMPTS_SHOWN)


async def deliveries_of_event(conn: Connection, *, event_id: UUID) -> list[Delivery]:
    """Where an event was sent."""
    return await conn.many(SQL.deliveries_of_event, Delivery, event_id=event_id)


async def next_due(conn: Connection) -> datetime | None:
    """When there is something to send; None while nothing waits."""
    return await conn.value(SQL.next_due)


# -- the event log


async def feed(conn: Connection, *, position: int, types: Sequence[str] = (), limit: int = PAGE_SIZE) -> Feed:
    """The events after a position, in order.

    The end of the log is read first, so what comes in between is left for the next page and never passed over.
    """
    head = (await conn.one(EVENTS.head, Place)).position
    found = await conn.many(SQL.feed, LoggedEvent, after=position, until=head, types=list(types), limit=limit)
    last = found[-1].position if len(found) == limit else max(head, position)
    return Feed(found, last, head)


async def head(conn: Connection) -> int:
    """Where the log ends."""
    return (await conn.one(EVENTS.head, Place)).position


async def event(conn: Connection, *, position: int) -> LoggedEvent | None:
    """One event by its place in the log."""
    return await conn.maybe(SQL.event_at, LoggedEvent, position=position)


async def known_types(conn: Connection) -> list[str]:
    """The types of the latest events."""
    return await conn.values(SQL.known_types, limit=LOOKED_AT)


class ParkedBy(Struct, frozen=True):
    """A consumer that has put an event aside; `error` is None where it only waits behind another."""

    consumer: str
    error: str | None
    attempts: int
    parked_at: datetime


async def parked_at(conn: Connection, *, position: int) -> list[ParkedBy]:
    """Who has put an event aside."""
    return await conn.many(SQL.parked_at, ParkedBy, position=position)


def _searched(text: str) -> str | None:
    """A message id is shown as `msg_<hex>`, kept as a UUID; what is neither is looked for as it is."""
    plain = text.strip().replace("\0", "\ufffd")
    if not plain:
        return None
    try:
        return str(UUID(plain.removeprefix("msg_")))
    except ValueError:
        return plain
