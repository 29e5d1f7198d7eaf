"""The event log on the back office's pages: what happened, who reacts to it, where it was sent."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from msgspec import Struct
from msgspec.structs import replace

from lotse.kernel import consumers
from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import show, table_routes
from lotse.kernel.pages.places import Place
from lotse.kernel.pages.table import Column, Nothing, Option, Preset, Scope, Search, Table
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.webhooks import queries
from lotse.web.connect.shown import DELIVERY_STATES, indented

EVENTS = "/office/events"
# The greatest number of an event, and of a page's parameter.
_MOST = 2**62


class EventRow(Struct, frozen=True):
    """An event in the table. `parked`: a consumer has put it aside (`failed`), or an earlier one of its key waits there
    (`behind`); `parked_by` says which."""

    position: int
    id: UUID
    type: str
    key: str
    occurred_at: datetime
    recorded_at: datetime
    parked: str = ""
    parked_by: str = ""


class _Parked(Struct, frozen=True):
    position: int
    consumers: str
    failed: bool


async def _with_parked(conn: Connection, scope: Scope, rows: list[EventRow]) -> list[EventRow]:
    found = await conn.many(queries.SQL.parked_among, _Parked, positions=[row.position for row in rows])
    parked = {one.position: one for one in found}
    return [
        replace(row, parked="failed" if one.failed else "behind", parked_by=one.consumers)
        if (one := parked.get(row.position))
        else row
        for row in rows
    ]


async def types_known(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    """The types of events that happened lately, to choose from."""
    return {type: Option(type) for type in await queries.known_types(conn)}


def _searched(text: str) -> dict[str, Any]:
    return {"key": text, "number": int(text) if text.isdecimal() and int(text) < _MOST else 0}


EVENT_TABLE = Table(
    name="kernel.events",
    path=EVENTS,
    title=N_("Events"),
    text=N_("What happened, in the order in which everybody learns of it."),
    icon="history",
    right="events.read",
    where="everywhere",
    statement=queries.SQL.event_table,
    row=EventRow,
    key="position",
    row_path=EVENTS + "/{}",
    order="-position",
    live=3,
    fill=_with_parked,
    columns=(
        Column("position", N_("Number"), template="connect/cell_number.html"),
        Column("type", N_("Type"), kind="choice", filter="choice", choices=types_known, link=True, phone="title"),
        Column("key", N_("Key"), kind="code"),
        Column("occurred_at", N_("Happened"), kind="moment"),
        Column(
            "parked",
            N_("Parked"),
            kind="choice",
            filter="choice",
            options={"failed": Option(N_("parked"), "bad"), "behind": Option(N_("waits behind it"), "warn")},
            condition="t.position in (select p.position from kernel.parked_events p"
            " where case when p.error is null then 'behind' else 'failed' end = any(:value::text[]))",
        ),
        Column("parked_by", N_("Parked by"), shown=False),
        Column(
            "recorded_at",
            N_("Recorded"),
            kind="moment",
            filter="range",
            condition="(:since::timestamptz is null or t.id >= kernel.uuid7_floor(:since))"
            " and (:until::timestamptz is null or t.id < kernel.uuid7_floor(:until))",
            shown=False,
        ),
    ),
    search=Search(
        "t.key = :key or t.position = :number::bigint", _searched, N_("Number, or the id of an order, an article, …")
    ),
    presets=(Preset(N_("Parked"), "parked=failed&parked=behind"),),
    beside="connect/events_beside.html",
    nothing=Nothing(
        N_("Nothing has happened yet"),
        N_("Events appear here as soon as something happens: an order, a price, a receipt."),
    ),
)


@get(EVENTS, guards=[needs("events.read")], name="events")
async def office_events(
    view: View, request: Request[Any, Any, Any], database: Database, principal: Principal
) -> Response[str]:
    """The log, the newest first, and how far everybody who reacts has come."""
    async with database.reading() as conn:
        head, standing = await consumers.positions(conn)
        parked = await consumers.parked_counts(conn)
    return await show(
        EVENT_TABLE, view, database, principal, request, head=head.position, consumers=standing, parked=parked
    )


@get(EVENTS + "/{position:int}", guards=[needs("events.read")])
async def office_event(view: View, database: Database, position: int) -> Response[str]:
    """One event: what it says, who reacts to it, where it was sent."""
    if not 0 < position < _MOST:
        raise NotFound(what="event", id=str(position))
    async with database.reading() as conn:
        event = await queries.event(conn, position=position)
        if event is None:
            raise NotFound(what="event", id=str(position))
        _, standing = await consumers.positions(conn)
        parked = {one.consumer: one for one in await queries.parked_at(conn, position=position)}
        sent = await queries.deliveries_of_event(conn, event_id=event.id)
        endpoints = {one.id: one for one in await queries.endpoints(conn)}
    reactions = consumers.installed()
    reading = [one for one in standing if event.type in reactions.types(one.name)] if standing else []
    return view.show(
        "connect/event.html",
        event=event,
        payload=indented(msgspec.json.encode(event.payload)),
        consumers=reading,
        parked=parked,
        sent=sent,
        endpoints=endpoints,
        states=DELIVERY_STATES,
    )


routes = (*table_routes(EVENT_TABLE, office_events), office_event)
tables = (EVENT_TABLE,)
places = (Place(EVENTS, N_("Events"), "history", "", "events.read", "system", 35),)
