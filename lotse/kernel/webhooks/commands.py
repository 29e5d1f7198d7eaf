"""Make and change endpoints, rotate their secrets, send again: what API, pages and command line do."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct, structs

from lotse.kernel import audit
from lotse.kernel.consumers import Logged, Place
from lotse.kernel.db import Database, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.refusals import Invalid
from lotse.kernel.sql import statements
from lotse.kernel.webhooks import rules
from lotse.kernel.webhooks.contracts import (
    Delivery,
    Endpoint,
    EndpointOff,
    EndpointState,
    NewEndpoint,
    Replayed,
    Stored,
    TooManyEndpoints,
    UnknownDelivery,
    UnknownEndpoint,
)
from lotse.kernel.webhooks.queries import shown
from lotse.kernel.webhooks.shops import shops_of

SQL = statements("lotse.kernel", "webhooks")
EVENTS = statements("lotse.kernel", "events")

CONSUMER = "webhooks"
# Each event is kept once per endpoint that wants it.
MOST_ENDPOINTS = 50
MOST_TYPES = 200
# Events per transaction of gathering and of replays: the endpoints are held for some milliseconds.
BATCH = 500
# A page of the log.
MOST_AT_ONCE = 1_000
_NO_ID = UUID(int=0)


class _Row(Struct, frozen=True):
    id: UUID
    endpoint_id: UUID
    position: int
    event_id: UUID
    type: str
    key: str
    occurred_at: datetime
    first: bool


async def add_endpoint(
    tx: Transaction,
    *,
    name: str,
    url: str,
    types: Sequence[str] = (),
    shop_ids: Sequence[UUID] = (),
    private: bool = False,
    by: str,
    at: datetime,
) -> NewEndpoint:
    """Make an endpoint for what happens from now on; its secret is shown this once.

    `private`: addresses in private networks are allowed. Refusals in this order: `Invalid`, `AddressNotAllowed`,
    `TooManyEndpoints`.
    """
    _check(name, types)
    rules.check_url(url, private=private)
    await _hold_consumer(tx)
    if sum(one.state != "off" for one in await tx.many(SQL.endpoints, Stored)) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(most=MOST_ENDPOINTS)
    id, secret = uuid7(), rules.new_secret()
    await tx.execute(
        SQL.add_endpoint,
        id=id,
        name=name,
        url=url,
        types=sorted(set(types)),
        shop_ids=sorted(set(shop_ids)),
        secret=secret,
        at=at,
    )
    made = shown(await _held(tx, id))
    await audit.record(tx, actor=by, subject=_subject(id), old=None, new=_told(made), at=at)
    return NewEndpoint(made, secret)


async def change_endpoint(
    tx: Transaction,
    *,
    endpoint_id: UUID,
    name: str,
    url: str,
    types: Sequence[str],
    shop_ids: Sequence[UUID],
    private: bool = False,
    by: str,
    at: datetime,
) -> Endpoint:
    """Change what staff may; other events count from now on, what waits already is sent.

    Refusals in this order: `Invalid`, `AddressNotAllowed`, `UnknownEndpoint`.
    """
    _check(name, types)
    rules.check_url(url, private=private)
    before = shown(await _held(tx, endpoint_id))
    await tx.execute(
        SQL.change_endpoint,
        id=endpoint_id,
        name=name,
        url=url,
        types=sorted(set(types)),
        shop_ids=sorted(set(shop_ids)),
        at=at,
    )
    after = shown(await _held(tx, endpoint_id))
    if _told(before) != _told(after):
        await audit.record(tx, actor=by, subject=_subject(endpoint_id), old=_told(before), new=_told(after), at=at)
    return after


async def rotate(
    tx: Transaction, *, endpoint_id: UUID, keep: timedelta = rules.ROTATION, by: str, at: datetime
) -> NewEndpoint:
    """Give an endpoint a new secret; messages carry both signatures until the old one has been kept so long.

    Refusals in this order: `Invalid`, `UnknownEndpoint`.
    """
    if not timedelta(0) <= keep <= rules.LONGEST_ROTATION:
        raise Invalid(field="keep", rule=f"from 0 to {rules.LONGEST_ROTATION.days} days")
    await _held(tx, endpoint_id)
    secret = rules.new_secret()
    await tx.execute(SQL.rotate_secret, id=endpoint_id, secret=secret, until=at + keep, at=at)
    await audit.record(
        tx, actor=by, subject=_subject(endpoint_id), old=None, new={"secret": "rotated", "until": at + keep}, at=at
    )
    return NewEndpoint(shown(await _held(tx, endpoint_id)), secret)


async def switch(
    tx: Transaction, *, endpoint_id: UUID, state: EndpointState, reason: str = "", by: str, at: datetime
) -> Endpoint:
    """Pause, resume (`active`) or switch off. Resuming tries at once what waits. Refusal: `UnknownEndpoint`.

    An endpoint that was off gets what happens from now on; `replay` sends it what it missed.
    """
    await _hold_consumer(tx)
    before = await _held(tx, endpoint_id)
    if before.state != state or before.failures:
        await tx.execute(SQL.switch, id=endpoint_id, state=state, reason=reason, at=at)
        if state == "active":
            await tx.execute(SQL.hurry, endpoint_id=endpoint_id, at=at)
        await audit.record(
            tx,
            actor=by,
            subject=_subject(endpoint_id),
            old={"state": before.state},
            new={"state": state},
            reason=reason or None,
            at=at,
        )
    return shown(await _held(tx, endpoint_id))


async def ping(tx: Transaction, *, endpoint_id: UUID, at: datetime) -> UUID:
    """Send a test message, which has no place in the log; the id of its delivery.

    Refusals in this order: `UnknownEndpoint`, `EndpointOff`.
    """
    endpoint = await _held(tx, endpoint_id)
    if endpoint.state == "off":
        raise EndpointOff(endpoint_id=endpoint_id)
    id = uuid7()
    await tx.execute(
        SQL.add_ping, id=id, endpoint_id=endpoint_id, event_id=id, type="lotse.Ping", key=f"ping:{id}", at=at
    )
    return id


async def send_again(tx: Transaction, *, endpoint_id: UUID, delivery_ids: Sequence[UUID], at: datetime) -> int:
    """Send deliveries again under their message ids; how many were not waiting already.

    Refusals in this order: `UnknownEndpoint`, `EndpointOff`.
    """
    endpoint = await _held(tx, endpoint_id)
    if endpoint.state == "off":
        raise EndpointOff(endpoint_id=endpoint_id)
    keys = await tx.values(SQL.again, endpoint_id=endpoint_id, ids=list(delivery_ids), positions=list[int](), at=at)
    await tx.execute(SQL.set_heads, endpoint_id=endpoint_id, keys=sorted(set(keys)), at=at)
    return len(keys)


async def skip(tx: Transaction, *, endpoint_id: UUID, delivery_id: UUID, by: str, at: datetime) -> None:
    """Give up an event for an endpoint; later ones of its key go on. Refusals: `UnknownEndpoint`, `UnknownDelivery`."""
    await _held(tx, endpoint_id)
    found = await tx.maybe(SQL.delivery, Delivery, id=delivery_id)
    if found is None or found.endpoint_id != endpoint_id:
        raise UnknownDelivery(delivery_id=delivery_id)
    if await tx.execute(SQL.skip, id=delivery_id, at=at):
        await tx.execute(SQL.next_of_key, endpoint_id=endpoint_id, key=found.key, at=at)
        await audit.record(
            tx,
            actor=by,
            subject=_subject(endpoint_id),
            old={"message": rules.message_id(found.event_id), "state": found.state},
            new={"message": rules.message_id(found.event_id), "state": "skipped"},
            at=at,
        )


async def replay(
    database: Database, *, endpoint_id: UUID, first: int, last: int | None = None, by: str, at: datetime
) -> Replayed:
    """Send the events at positions `first` to `last` (the end of the log) again, those that the endpoint wants now.

    Also such that are older than the endpoint or came while it was off. Message ids stay, so a receiver that keeps to
    the rules takes none twice. In batches; one that is interrupted can simply be repeated.
    Refusals in this order: `Invalid`, `UnknownEndpoint`, `EndpointOff`.
    """
    if first < 1 or (last is not None and last < first):
        raise Invalid(field="first", rule="a position in the event log, not after `last`")
    again = new = 0
    after = first - 1
    async with database.transaction() as tx:
        endpoint = await _held(tx, endpoint_id)
        if endpoint.state == "off":
            raise EndpointOff(endpoint_id=endpoint_id)
        head = (await tx.one(EVENTS.head, Place)).position
        until = head if last is None else min(last, head)
        await audit.record(
            tx,
            actor=by,
            subject=_subject(endpoint_id),
            old=None,
            new={"replay": {"first": first, "last": until}},
            at=at,
        )
    while after < until:
        async with database.transaction() as tx:
            endpoint = await _held(tx, endpoint_id)
            events = await tx.many(SQL.events_after, Logged, after=after, until=until, id=_NO_ID, limit=BATCH)
            if not events:
                break
            after = events[-1].position
            # What the endpoint would have been sent had it always been there.
            everything = _from_the_beginning(endpoint)
            wanted = await _wanted(tx, [everything], events)
            positions = [row.position for row in wanted]
            keys = await tx.values(SQL.again, endpoint_id=endpoint_id, ids=list[UUID](), positions=positions, at=at)
            again += len(keys)
            # Behind whatever is open of their keys; which of them comes first is found below.
            new += await tx.execute(SQL.add_deliveries, rows=[_behind(row) for row in wanted], at=at)
            await tx.execute(SQL.set_heads, endpoint_id=endpoint_id, keys=sorted({row.key for row in wanted}), at=at)
    return Replayed(again, new)


async def gather(tx: Transaction, *, at: datetime) -> int:
    """Take up the next events of the log for all endpoints that want them; how many events were looked at."""
    place = await _hold_consumer(tx)
    head = await tx.one(EVENTS.head, Place)
    if place.position >= head.position:
        return 0
    await tx.values(SQL.hold_endpoints)
    endpoints = [one for one in await tx.many(SQL.endpoints, Stored) if one.state != "off"]
    if not endpoints:
        await tx.execute(EVENTS.advance_consumer, name=CONSUMER, position=head.position, id=head.id)
        return 0
    events = await tx.many(
        SQL.events_after, Logged, after=place.position, until=head.position, id=place.id, limit=BATCH
    )
    if not events:
        return 0
    if rows := await _wanted(tx, endpoints, events):
        await tx.execute(SQL.add_deliveries, rows=rows, at=at)
    await tx.execute(EVENTS.advance_consumer, name=CONSUMER, position=events[-1].position, id=events[-1].id)
    return len(events)


async def _wanted(tx: Transaction, endpoints: Sequence[Stored], events: Sequence[Logged]) -> list[_Row]:
    """Who gets which event. `first`: no earlier one of its key for the same endpoint is among them."""
    picky = any(endpoint.shop_ids for endpoint in endpoints)
    nobodys: list[rules.ShopOf] = ["none"] * len(events)
    shops = await shops_of(tx, events) if picky else nobodys
    rows: list[_Row] = []
    seen: set[tuple[UUID, str]] = set()
    for event, shop_id in zip(events, shops, strict=True):
        for endpoint in endpoints:
            if rules.wants(endpoint, event, shop_id):
                name = (endpoint.id, event.key)
                rows.append(
                    _Row(
                        uuid7(),
                        endpoint.id,
                        event.position,
                        event.id,
                        event.type,
                        event.key,
                        event.occurred_at,
                        name not in seen,
                    )
                )
                seen.add(name)
    return rows


def _behind(row: _Row) -> _Row:
    return _Row(row.id, row.endpoint_id, row.position, row.event_id, row.type, row.key, row.occurred_at, False)


def _from_the_beginning(endpoint: Stored) -> Stored:
    return structs.replace(endpoint, from_position=0)


async def _hold_consumer(tx: Transaction) -> Place:
    """Held by who gathers and who makes or switches an endpoint: no event falls between the two."""
    found = await tx.maybe(EVENTS.hold_consumer, _Consumer, name=CONSUMER)
    if found is None:
        await tx.execute(EVENTS.add_consumer, name=CONSUMER)
        found = await tx.one(EVENTS.hold_consumer, _Consumer, name=CONSUMER)
    return Place(found.position, found.id)


class _Consumer(Struct, frozen=True):
    name: str
    position: int
    id: UUID


async def _held(tx: Transaction, endpoint_id: UUID) -> Stored:
    found = await tx.maybe(SQL.hold_endpoint, Stored, id=endpoint_id)
    if found is None:
        raise UnknownEndpoint(endpoint_id=endpoint_id)
    return found


def _check(name: str, types: Sequence[str]) -> None:
    if not 1 <= len(name) <= 200 or "\0" in name:
        raise Invalid(field="name", rule="1 to 200 characters")
    if len(types) > MOST_TYPES or any(not 1 <= len(kind) <= 100 or "\0" in kind for kind in types):
        raise Invalid(field="types", rule=f"at most {MOST_TYPES} types of events such as orders.Placed")


def _subject(endpoint_id: UUID) -> str:
    return f"kernel.webhook_endpoint:{endpoint_id}"


def _told(endpoint: Endpoint) -> dict[str, Any]:
    """What the audit notes: no secret."""
    return {
        "name": endpoint.name,
        "url": endpoint.url,
        "types": endpoint.types,
        "shop_ids": endpoint.shop_ids,
        "state": endpoint.state,
    }
