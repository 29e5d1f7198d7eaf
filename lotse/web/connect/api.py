"""Programs and Lotse: endpoints of webhooks, the feed of events, imports, masters of fields, differences."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import get, post, put
from litestar.params import Parameter
from msgspec import Meta, Struct

from lotse.domains.parties.contracts import Shop, UnknownShop
from lotse.domains.parties.queries import shop_by_code
from lotse.kernel import masters
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.http import PAGE_SIZE, ApiRequest, BadCursor, Cursor, Page, PageSize, Principal, needs
from lotse.kernel.idempotency import KeyReused, key_for, once
from lotse.kernel.imports import runs
from lotse.kernel.imports.contracts import (
    FileNotTaken,
    Format,
    Import,
    ImportNotOpen,
    ImportState,
    RefusedRow,
    UnknownImport,
    UnknownImportKind,
)
from lotse.kernel.masters import Difference, DifferenceState, Master
from lotse.kernel.refusals import Invalid
from lotse.kernel.settings import Settings
from lotse.kernel.webhooks import commands, queries
from lotse.kernel.webhooks.contracts import (
    AddressNotAllowed,
    Attempt,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointOff,
    NewEndpoint,
    Replayed,
    TooManyEndpoints,
    UnknownDelivery,
    UnknownEndpoint,
)
from lotse.kernel.webhooks.queries import Feed

# A request of the feed waits so long at most for something to happen; proxies cut what says nothing for a minute.
LONGEST_WAIT_SECONDS = 20
# So many wait at once in one process: each has a place that a buyer may want. Who comes later is answered at once.
MOST_WAITING = 32
# How often one look tells all who wait whether the log has grown; a look costs 0.1 ms.
LOOK_SECONDS = 0.2
MAX_EVENTS = 1_000
# Over HTTP within the time that a request may take; larger files go into the drop folder or through the command line.
MAX_UPLOAD_BYTES = 64 * 1024 * 1024
MAX_DIFFERENCES = 200

Text = Annotated[str, Meta(min_length=1, max_length=200)]


# -- the feed


class _Head:
    """Where the log ends, looked at once for all who wait in this process."""

    def __init__(self) -> None:
        self.waiting = 0
        self._look: asyncio.Task[int] | None = None

    async def grown(self, database: Database, position: int, seconds: float) -> bool:
        """Wait until the log reaches beyond a position, or the time is over."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        self.waiting += 1
        try:
            while loop.time() < until:
                if self._look is None or self._look.done():
                    self._look = asyncio.create_task(self._looked(database))
                if await asyncio.shield(self._look) > position:
                    return True
            return False
        finally:
            self.waiting -= 1

    async def _looked(self, database: Database) -> int:
        await asyncio.sleep(LOOK_SECONDS)
        async with database.reading() as conn:
            return await queries.head(conn)


_HEAD = _Head()


@get("/events", guards=[needs("events.read")], tags=["events"])
async def list_events(
    database: Database,
    after_position: Annotated[
        int, Parameter(query="after", ge=0, le=2**62, description="`next` of the answer before; 0 begins at the start.")
    ] = 0,
    types: Annotated[
        list[str] | None,
        Parameter(max_items=200, description="Only these, e.g. `orders.Placed`; repeat the parameter."),
    ] = None,
    limit: Annotated[int, Parameter(ge=1, le=MAX_EVENTS, description="How many events at most.")] = 100,
    wait: Annotated[
        int, Parameter(ge=0, le=LONGEST_WAIT_SECONDS, description="Wait so many seconds if there is nothing new.")
    ] = 0,
) -> Feed:
    """The event log from a position on, in order. Nothing is lost or told twice: keep `next` and ask for what follows.

    Positions are dense and never change. With `types` the events of others are left out and `next` still passes them.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while True:
        async with database.reading() as conn:
            found = await queries.feed(conn, position=after_position, types=types or (), limit=limit)
        left = until - loop.time()
        if found.items or left <= 0 or _HEAD.waiting >= MOST_WAITING:
            return found
        after_position = found.next
        if not await _HEAD.grown(database, found.next, left):
            return found


@get("/events/head", guards=[needs("events.read")], tags=["events"])
async def events_head(database: Database) -> int:
    """Where the log ends now: where a new reader begins that wants no history."""
    async with database.reading() as conn:
        return await queries.head(conn)


# -- webhooks


class WebhookEndpoint(Struct, frozen=True, kw_only=True):
    """Where events are to be sent, and which: no types or no shops means all."""

    name: Text
    url: Annotated[str, Meta(min_length=8, max_length=2_000)]
    types: Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=200)] = []
    shops: Annotated[list[Text], Meta(max_length=200, description="Codes of shops.")] = []


class Rotation(Struct, frozen=True):
    """How long messages carry the signature of the old secret as well."""

    keep_hours: Annotated[int, Meta(ge=0, le=30 * 24)] = 24


class Switch(Struct, frozen=True):
    """`active` resumes, `paused` gathers without sending, `off` does neither."""

    state: Literal["active", "paused", "off"]
    reason: Annotated[str, Meta(max_length=200)] = ""


class Replay(Struct, frozen=True):
    """Positions of the event log; without `last` up to its end."""

    first: Annotated[int, Meta(ge=1, le=2**62)]
    last: Annotated[int, Meta(ge=1, le=2**62)] | None = None


class Done(Struct, frozen=True):
    """How many things were touched."""

    count: int


class Pinged(Struct, frozen=True):
    """The delivery of the test message."""

    delivery_id: UUID


class Sent(Struct, frozen=True):
    """A delivery and its tries, the newest first."""

    delivery: Delivery
    attempts: list[Attempt]


@get("/webhooks", guards=[needs("webhooks.read")], tags=["webhooks"])
async def list_webhooks(database: Database) -> list[Endpoint]:
    """All endpoints by name."""
    async with database.reading() as conn:
        return await queries.endpoints(conn)


@post(
    "/webhooks",
    guards=[needs("webhooks.write")],
    refusals=(AddressNotAllowed, TooManyEndpoints, UnknownShop),
    tags=["webhooks"],
)
async def add_webhook(
    database: Database,
    settings: Settings,
    principal: Principal,
    data: WebhookEndpoint,
    idempotency_key: str,
    at: datetime,
) -> NewEndpoint:
    """Send what happens from now on to an address. The answer holds the secret, and no other answer ever does."""

    async def run(tx: Transaction) -> NewEndpoint:
        return await commands.add_endpoint(
            tx,
            name=data.name,
            url=data.url,
            types=data.types,
            shop_ids=await shop_ids(tx, data.shops),
            private=settings.webhook_private_addresses,
            by=str(principal),
            at=at,
        )

    return await once(
        database, key_for(str(principal), idempotency_key, ("add webhook", data)), NewEndpoint, run, at=at
    )


@get("/webhooks/{endpoint_id:uuid}", guards=[needs("webhooks.read")], refusals=(UnknownEndpoint,), tags=["webhooks"])
async def read_webhook(database: Database, endpoint_id: UUID) -> Endpoint:
    """One endpoint."""
    async with database.reading() as conn:
        return await queries.endpoint(conn, endpoint_id=endpoint_id)


@put(
    "/webhooks/{endpoint_id:uuid}",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint, AddressNotAllowed, UnknownShop),
    tags=["webhooks"],
)
async def change_webhook(
    database: Database,
    settings: Settings,
    principal: Principal,
    endpoint_id: UUID,
    data: WebhookEndpoint,
    idempotency_key: str,
    at: datetime,
) -> Endpoint:
    """Change name, address, types and shops; what waits already is sent to the new address."""

    async def run(tx: Transaction) -> Endpoint:
        return await commands.change_endpoint(
            tx,
            endpoint_id=endpoint_id,
            name=data.name,
            url=data.url,
            types=data.types,
            shop_ids=await shop_ids(tx, data.shops),
            private=settings.webhook_private_addresses,
            by=str(principal),
            at=at,
        )

    key = key_for(str(principal), idempotency_key, ("change webhook", endpoint_id, data))
    return await once(database, key, Endpoint, run, at=at)


@post(
    "/webhooks/{endpoint_id:uuid}/rotate",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint,),
    tags=["webhooks"],
)
async def rotate_webhook(
    database: Database, principal: Principal, endpoint_id: UUID, data: Rotation, idempotency_key: str, at: datetime
) -> NewEndpoint:
    """A new secret; for a while messages carry the signatures of both."""

    async def run(tx: Transaction) -> NewEndpoint:
        keep = timedelta(hours=data.keep_hours)
        return await commands.rotate(tx, endpoint_id=endpoint_id, keep=keep, by=str(principal), at=at)

    key = key_for(str(principal), idempotency_key, ("rotate webhook", endpoint_id, data))
    return await once(database, key, NewEndpoint, run, at=at)


@post(
    "/webhooks/{endpoint_id:uuid}/switch",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint,),
    tags=["webhooks"],
)
async def switch_webhook(
    database: Database, principal: Principal, endpoint_id: UUID, data: Switch, idempotency_key: str, at: datetime
) -> Endpoint:
    """Resume, pause or switch off."""

    async def run(tx: Transaction) -> Endpoint:
        return await commands.switch(
            tx, endpoint_id=endpoint_id, state=data.state, reason=data.reason, by=str(principal), at=at
        )

    key = key_for(str(principal), idempotency_key, ("switch webhook", endpoint_id, data))
    return await once(database, key, Endpoint, run, at=at)


@post(
    "/webhooks/{endpoint_id:uuid}/ping",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint, EndpointOff),
    tags=["webhooks"],
)
async def ping_webhook(
    database: Database, principal: Principal, endpoint_id: UUID, idempotency_key: str, at: datetime
) -> Pinged:
    """Send a test message of type `lotse.Ping`."""

    async def run(tx: Transaction) -> Pinged:
        return Pinged(await commands.ping(tx, endpoint_id=endpoint_id, at=at))

    key = key_for(str(principal), idempotency_key, ("ping webhook", endpoint_id))
    return await once(database, key, Pinged, run, at=at)


@post(
    "/webhooks/{endpoint_id:uuid}/replay",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint, EndpointOff),
    tags=["webhooks"],
)
async def replay_webhook(
    database: Database, principal: Principal, endpoint_id: UUID, data: Replay, idempotency_key: str, at: datetime
) -> Replayed:
    """Send events again, also such that are older than the endpoint. Message ids stay the same.

    Repeating the request sends them once more; receivers that keep to the rules take none twice.
    """
    return await commands.replay(
        database, endpoint_id=endpoint_id, first=data.first, last=data.last, by=str(principal), at=at
    )


@get(
    "/webhooks/{endpoint_id:uuid}/deliveries",
    guards=[needs("webhooks.read")],
    refusals=(UnknownEndpoint, BadCursor),
    tags=["webhooks"],
)
async def list_deliveries(
    database: Database,
    endpoint_id: UUID,
    status: DeliveryState | None = None,
    q: Annotated[str, Parameter(max_length=200, description="A key, a type of event, or a message id.")] = "",
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[Delivery]:
    """The log of an endpoint, the newest first. What was delivered is kept for thirty days."""
    async with database.reading() as conn:
        return await queries.deliveries(conn, endpoint_id=endpoint_id, state=status, text=q, cursor=cursor, limit=limit)


@get(
    "/webhooks/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}",
    guards=[needs("webhooks.read")],
    refusals=(UnknownDelivery,),
    tags=["webhooks"],
)
async def read_delivery(database: Database, endpoint_id: UUID, delivery_id: UUID) -> Sent:
    """One delivery with what was sent and what came back."""
    async with database.reading() as conn:
        delivery, attempts = await queries.delivery(conn, endpoint_id=endpoint_id, delivery_id=delivery_id)
    return Sent(delivery, attempts)


@post(
    "/webhooks/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/again",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint, EndpointOff),
    tags=["webhooks"],
)
async def send_delivery_again(
    database: Database, principal: Principal, endpoint_id: UUID, delivery_id: UUID, idempotency_key: str, at: datetime
) -> Done:
    """Send one delivery again under its message id; 0 if it waits to be sent already."""

    async def run(tx: Transaction) -> Done:
        return Done(await commands.send_again(tx, endpoint_id=endpoint_id, delivery_ids=[delivery_id], at=at))

    key = key_for(str(principal), idempotency_key, ("send again", endpoint_id, delivery_id))
    return await once(database, key, Done, run, at=at)


@post(
    "/webhooks/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/skip",
    guards=[needs("webhooks.write")],
    refusals=(UnknownEndpoint, UnknownDelivery),
    tags=["webhooks"],
)
async def skip_delivery(
    database: Database, principal: Principal, endpoint_id: UUID, delivery_id: UUID, idempotency_key: str, at: datetime
) -> Done:
    """Give up an event, so that later ones of its key go on."""

    async def run(tx: Transaction) -> Done:
        await commands.skip(tx, endpoint_id=endpoint_id, delivery_id=delivery_id, by=str(principal), at=at)
        return Done(1)

    key = key_for(str(principal), idempotency_key, ("skip delivery", endpoint_id, delivery_id))
    return await once(database, key, Done, run, at=at)


# -- imports


@post(
    "/imports/{kind:str}",
    guards=[needs("imports.write")],
    refusals=(UnknownImportKind, FileNotTaken, KeyReused, Invalid),
    tags=["imports"],
    status_code=202,
    request_max_body_size=MAX_UPLOAD_BYTES,
)
async def upload_import(
    request: ApiRequest,
    database: Database,
    principal: Principal,
    idempotency_key: str,
    at: datetime,
    kind: str,
    format: Annotated[
        Format, Parameter(description="Of the body: CSV with a heading, or a JSON object per line.")
    ] = "csv",
    name: Annotated[str, Parameter(max_length=200, description="The file's name, for people.")] = "",
    source: Annotated[
        str, Parameter(max_length=63, description="The outside system that says it; masters of fields go by it.")
    ] = masters.LOTSE,
    shop_code: Annotated[str, Parameter(query="shop", max_length=63, description="For rows that name no shop.")] = "",
    in_language: Annotated[str, Parameter(query="in", max_length=35, description="Language of texts.")] = "",
    encoding: Annotated[Literal["utf-8", "windows-1252"], Parameter()] = "utf-8",
    dry_run: Annotated[bool, Parameter(description="Say what would be done, and do nothing.")] = False,
) -> Import:
    """Take in a file of rows; it is worked on at once, and `GET /imports/{id}` says how far it is.

    The body is the file itself. The same key with the same file is the same import.
    """
    options = {"shop": shop_code, "language": in_language, "encoding": encoding}
    id = await runs.receive(
        database,
        _bounded(request.stream()),
        kind=kind,
        name=name or f"{kind}.{format}",
        format=format,
        source=source,
        options={option: text for option, text in options.items() if text and (option, text) != ("encoding", "utf-8")},
        dry_run=dry_run,
        by=str(principal),
        at=at,
        request_key=f"{principal}\n{idempotency_key}",
        max_bytes=MAX_UPLOAD_BYTES,
    )
    async with database.reading() as conn:
        return await runs.one(conn, import_id=id)


async def _bounded(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for piece in body:
        if piece:
            yield piece


@get("/imports", guards=[needs("imports.read")], refusals=(BadCursor,), tags=["imports"])
async def list_imports(
    database: Database,
    kind: Annotated[str | None, Parameter(max_length=63)] = None,
    status: ImportState | None = None,
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[Import]:
    """The newest imports."""
    async with database.reading() as conn:
        return await runs.imports(conn, kind=kind, state=status, cursor=cursor, limit=limit)


@get("/imports/{import_id:uuid}", guards=[needs("imports.read")], refusals=(UnknownImport,), tags=["imports"])
async def read_import(database: Database, import_id: UUID) -> Import:
    """How far an import is, and what became of its rows."""
    async with database.reading() as conn:
        return await runs.one(conn, import_id=import_id)


@get(
    "/imports/{import_id:uuid}/refused",
    guards=[needs("imports.read")],
    refusals=(UnknownImport, BadCursor),
    tags=["imports"],
)
async def list_refused_rows(
    database: Database, import_id: UUID, limit: PageSize = PAGE_SIZE, cursor: Cursor = None
) -> Page[RefusedRow]:
    """Rows that were not taken, each with its line, field and reason, in the order of the file."""
    async with database.reading() as conn:
        return await runs.refused_rows(conn, import_id=import_id, limit=limit, cursor=cursor)


@post(
    "/imports/{import_id:uuid}/cancel",
    guards=[needs("imports.write")],
    refusals=(UnknownImport, ImportNotOpen),
    tags=["imports"],
)
async def cancel_import(
    database: Database, principal: Principal, import_id: UUID, idempotency_key: str, at: datetime
) -> Done:
    """Stop after the batch that is under way; what went in stays."""

    async def run(tx: Transaction) -> Done:
        await runs.cancel(tx, import_id=import_id, by=str(principal), at=at)
        return Done(1)

    return await once(database, key_for(str(principal), idempotency_key, ("cancel", import_id)), Done, run, at=at)


@post(
    "/imports/{import_id:uuid}/resume",
    guards=[needs("imports.write")],
    refusals=(UnknownImport, ImportNotOpen),
    tags=["imports"],
)
async def resume_import(
    database: Database, principal: Principal, import_id: UUID, idempotency_key: str, at: datetime
) -> Done:
    """Go on with one that failed or was cancelled, where it stopped."""

    async def run(tx: Transaction) -> Done:
        await runs.resume(tx, import_id=import_id)
        return Done(1)

    return await once(database, key_for(str(principal), idempotency_key, ("resume", import_id)), Done, run, at=at)


# -- masters and differences


class SetMaster(Struct, frozen=True):
    """Who has the say over a field from now on: `lotse`, the name of a system, or null for what holds otherwise."""

    kind: Annotated[str, Meta(min_length=1, max_length=63)]
    field: Annotated[str, Meta(min_length=1, max_length=63)]
    master: Annotated[str, Meta(max_length=63)] | None


class Decision(Struct, frozen=True):
    """`theirs` puts what they said; `ours` keeps what is here."""

    ids: Annotated[list[UUID], Meta(min_length=1, max_length=MAX_DIFFERENCES)]
    take: Literal["theirs", "ours"]


@get("/masters", guards=[needs("imports.read")], tags=["imports"])
async def list_masters(database: Database) -> list[Master]:
    """Fields that were given to somebody; over all others Lotse has the say."""
    async with database.reading() as conn:
        return await masters.settings(conn)


@put("/masters", guards=[needs("masters.write")], tags=["imports"])
async def set_master(
    database: Database, principal: Principal, data: SetMaster, idempotency_key: str, at: datetime
) -> Done:
    """Give a field of a kind of imports to a master; `*` stands for all that have none of their own."""

    async def run(tx: Transaction) -> Done:
        check_field(data.kind, data.field)
        await masters.set_master(tx, kind=data.kind, field=data.field, master=data.master, by=str(principal), at=at)
        return Done(1)

    return await once(database, key_for(str(principal), idempotency_key, ("set master", data)), Done, run, at=at)


@get("/differences", guards=[needs("imports.read")], refusals=(BadCursor,), tags=["imports"])
async def list_differences(
    database: Database,
    status: DifferenceState = "open",
    kind: Annotated[str | None, Parameter(max_length=63)] = None,
    source: Annotated[str | None, Parameter(max_length=63)] = None,
    limit: PageSize = PAGE_SIZE,
    cursor: Cursor = None,
) -> Page[Difference]:
    """What systems said about fields that they have no say over, the newest first."""
    async with database.reading() as conn:
        return await masters.differences(conn, state=status, kind=kind, source=source, limit=limit, cursor=cursor)


@post("/differences/decide", guards=[needs("imports.write")], tags=["imports"])
async def decide_differences(
    database: Database, desk: Desk, principal: Principal, data: Decision, idempotency_key: str, at: datetime
) -> Done:
    """Decide open differences; those that are decided already are left alone, so repeating does no harm."""
    return Done(await decide(database, desk, data.ids, data.take, by=str(principal), at=at))


async def decide(
    database: Database, desk: Desk, ids: list[UUID], take: Literal["theirs", "ours"], *, by: str, at: datetime
) -> int:
    """How many were open and are decided now."""
    if take == "theirs":
        return await runs.take_theirs(database, desk, ids=ids, by=by, at=at)
    async with database.transaction() as tx:
        return await masters.keep_ours(tx, ids, by=by, at=at)


def check_field(kind: str, field: str) -> None:
    """Refusals: `UnknownImportKind`, `Invalid`."""
    importer = runs.importer_of(kind)
    if field not in (masters.EVERYTHING, *importer.fields):
        raise Invalid(field="field", rule=f"one of {masters.EVERYTHING}, {', '.join(importer.fields)}")


async def shop_ids(conn: Connection, codes: list[str]) -> list[UUID]:
    """Refusal: `UnknownShop`."""
    found: list[UUID] = []
    for code in codes:
        shop: Shop | None = await shop_by_code(conn, code=code)
        if shop is None:
            raise UnknownShop(shop=code)
        found.append(shop.id)
    return found


api: tuple[Any, ...] = (
    list_events,
    events_head,
    list_webhooks,
    add_webhook,
    read_webhook,
    change_webhook,
    rotate_webhook,
    switch_webhook,
    ping_webhook,
    replay_webhook,
    list_deliveries,
    read_delivery,
    send_delivery_again,
    skip_delivery,
    upload_import,
    list_imports,
    read_import,
    list_refused_rows,
    cancel_import,
    resume_import,
    list_masters,
    set_master,
    list_differences,
    decide_differences,
)
