"""What was sent to other systems, on the back office's pages: all deliveries as a table, and each try by try."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.response import Redirect
from msgspec import Meta, Struct

from lotse.kernel.auth.principal import Principal
from lotse.kernel.auth.rights import needs
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.listing import table_routes
from lotse.kernel.pages.table import (
    Action,
    Bulk,
    Change,
    Column,
    Edit,
    Field,
    No,
    Nothing,
    Option,
    Preset,
    Scope,
    Search,
    Table,
    Work,
)
from lotse.kernel.pages.view import View
from lotse.kernel.refusals import NotFound
from lotse.kernel.webhooks import commands, queries, rules
from lotse.kernel.webhooks.contracts import DeliveryState
from lotse.web.connect.events import types_known
from lotse.web.connect.shown import DELIVERY_STATES, indented, to
from lotse.web.connect.webhooks import WEBHOOKS

DELIVERIES = "/office/deliveries"
OFF = N_("Its endpoint is switched off.")
ENDED = N_("It has ended already.")


class DeliveryRow(Struct, frozen=True):
    """A delivery in the table: one event for one endpoint. `status` and `error` are of the last try."""

    id: UUID
    endpoint_id: UUID
    endpoint: str
    position: int | None
    event_id: UUID
    type: str
    key: str
    occurred_at: datetime
    state: DeliveryState
    attempts: int
    due_at: datetime | None
    created_at: datetime
    ended_at: datetime | None
    status: int | None
    error: str | None


class Standing(Struct, frozen=True):
    """In which state a delivery is, and whether its endpoint takes any."""

    id: UUID
    endpoint_id: UUID
    state: DeliveryState
    is_off: bool


class Again(Struct, frozen=True):
    """Nothing is typed to send many again; why they were may be asked one day."""

    reason: Annotated[str, Meta(max_length=300)] = ""


class GivenUp(Struct, frozen=True):
    """What is typed to give up many."""

    reason: Annotated[str, Meta(min_length=1, max_length=300)]


async def _endpoints(conn: Connection, scope: Scope) -> Mapping[str, Option]:
    return {str(one.id): Option(one.name) for one in await queries.endpoints(conn)}


def _searched(text: str) -> dict[str, Any]:
    """A message id is shown as `msg_<hex>`, kept as a UUID; what is none is a key."""
    try:
        return {"message": UUID(text.removeprefix("msg_")), "key": text}
    except ValueError:
        return {"message": None, "key": text}


def _again(work: Work, now: Mapping[str, Any]) -> dict[str, Any]:
    return {"state": "waiting"}


def _skipped(work: Work, now: Mapping[str, Any]) -> dict[str, Any] | No:
    return {"state": "skipped"} if now["state"] in ("waiting", "failed") else No(ENDED)


async def _now(conn: Connection, work: Work, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    found = await conn.many(queries.SQL.delivery_states, Standing, ids=list(ids))
    return {one.id: {"state": one.state} for one in found}


async def _hold(tx: Transaction, work: Work, ids: Sequence[UUID]) -> None:
    # The endpoints: whoever changes which delivery of a key comes next holds them.
    await tx.values(queries.SQL.hold_endpoints_of, ids=list(ids))


async def _write(tx: Transaction, work: Work, changes: Sequence[Change]) -> dict[UUID, No]:
    """Per endpoint, which is held."""
    found = await tx.many(queries.SQL.delivery_states, Standing, ids=[change.id for change in changes])
    wanted = {change.id: change.new["state"] for change in changes}
    refused: dict[UUID, No] = {}
    for endpoint_id in sorted({one.endpoint_id for one in found}):
        mine = [one for one in found if one.endpoint_id == endpoint_id]
        again = [one.id for one in mine if wanted[one.id] != "skipped"]
        if again and mine[0].is_off:
            refused.update(dict.fromkeys(again, No(OFF)))
        elif again:
            await commands.send_again(tx, endpoint_id=endpoint_id, delivery_ids=again, at=work.scope.at)
        for one in mine:
            if wanted[one.id] == "skipped":
                await commands.skip(tx, endpoint_id=endpoint_id, delivery_id=one.id, by=work.scope.by, at=work.scope.at)
    return refused


DELIVERY_TABLE = Table(
    name="kernel.webhook_deliveries",
    path=DELIVERIES,
    title=N_("Deliveries"),
    text=N_("Each event for each endpoint. What was delivered is kept for thirty days."),
    icon="hook",
    right="webhooks.read",
    where="everywhere",
    statement=queries.SQL.delivery_table,
    row=DeliveryRow,
    key="id",
    label="type",
    row_path=lambda row: f"{WEBHOOKS}/{row.endpoint_id}/deliveries/{row.id}",
    order="-id",
    live=3,
    columns=(
        Column("type", N_("Event"), kind="choice", filter="choice", choices=types_known, link=True, phone="title"),
        Column("key", N_("Key"), kind="code"),
        Column(
            "endpoint",
            N_("Endpoint"),
            filter="choice",
            choices=_endpoints,
            # Any text is borne: what is no id is no endpoint.
            condition="t.endpoint_id = any(array(select e.id from kernel.webhook_endpoints e"
            " where e.id::text = any(:value::text[])))",
        ),
        Column("state", N_("State"), kind="choice", filter="choice", options=DELIVERY_STATES),
        Column("status", N_("Answer"), template="connect/cell_answer.html"),
        Column("error", N_("What failed"), shown=False),
        Column("attempts", N_("Tries"), kind="number"),
        Column("occurred_at", N_("Happened"), kind="moment"),
        Column("due_at", N_("Next try"), kind="moment", shown=False),
        Column("ended_at", N_("Ended"), kind="moment", shown=False),
        Column("position", N_("Number"), template="connect/cell_number.html", shown=False),
        Column(
            "created_at",
            N_("Taken up"),
            kind="moment",
            filter="range",
            condition="(:since::timestamptz is null or t.id >= kernel.uuid7_floor(:since))"
            " and (:until::timestamptz is null or t.id < kernel.uuid7_floor(:until))",
            shown=False,
        ),
    ),
    search=Search(
        # One array and not two alternatives: so the index on the event serves it.
        "t.event_id = any(array("
        "select l.id from kernel.event_log l where l.key = :key union all select :message::uuid))",
        _searched,
        N_("Message, or the id of an order, an article, …"),
    ),
    presets=(
        Preset(N_("Waiting"), "state=waiting"),
        Preset(N_("Given up"), "state=failed"),
    ),
    edit=Edit(
        right="webhooks.write",
        columns=("state",),
        now=_now,
        write=_write,
        hold=_hold,
        bulks=(
            Bulk("again", N_("Send again"), Again, (Field("reason", N_("Why"), required=False),), _again, final=True),
            Bulk("skip", N_("Give up"), GivenUp, (Field("reason", N_("Why")),), _skipped, danger=True, final=True),
        ),
    ),
    nothing=Nothing(
        N_("Nothing has been sent yet"),
        N_("Events are sent here as they happen, as soon as there is an endpoint; a test goes out at once."),
        Action(N_("Webhooks"), WEBHOOKS, "webhooks.read"),
    ),
)


# -- one delivery


@get(WEBHOOKS + "/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}", guards=[needs("webhooks.read")])
async def office_delivery(
    view: View, database: Database, principal: Principal, endpoint_id: UUID, delivery_id: UUID
) -> Response[str]:
    """One delivery: what was sent, what came back, try by try."""
    async with database.reading() as conn:
        endpoint = await queries.endpoint(conn, endpoint_id=endpoint_id)
        delivery, attempts = await queries.delivery(conn, endpoint_id=endpoint_id, delivery_id=delivery_id)
        body = await _body(conn, delivery.position, delivery_id, delivery.occurred_at)
    return view.show(
        "connect/delivery.html",
        endpoint=endpoint,
        delivery=delivery,
        attempts=attempts,
        body=body,
        states=DELIVERY_STATES,
        message=rules.message_id(delivery.event_id),
        may_write=principal.may("webhooks.write"),
    )


async def _body(conn: Connection, position: int | None, delivery_id: UUID, occurred_at: datetime) -> str:
    """What is sent, indented for people."""
    if position is None:
        return indented(rules.ping(delivery_id, occurred_at))
    event = await queries.event(conn, position=position)
    return "" if event is None else indented(msgspec.json.encode(event.payload))


@post(
    WEBHOOKS + "/{endpoint_id:uuid}/deliveries/{delivery_id:uuid}/{action:str}",
    guards=[needs("webhooks.write")],
    opt={"form": WEBHOOKS},
)
async def office_change_delivery(
    database: Database, principal: Principal, at: datetime, endpoint_id: UUID, delivery_id: UUID, action: str
) -> Redirect:
    """Send it again, or give it up."""
    async with database.transaction() as tx:
        if action == "again":
            await commands.send_again(tx, endpoint_id=endpoint_id, delivery_ids=[delivery_id], at=at)
        elif action == "skip":
            await commands.skip(tx, endpoint_id=endpoint_id, delivery_id=delivery_id, by=str(principal), at=at)
        else:
            raise NotFound(what="action", id=action)
    return to(f"{WEBHOOKS}/{endpoint_id}/deliveries/{delivery_id}", "webhook")


routes = (*table_routes(DELIVERY_TABLE), office_delivery, office_change_delivery)
tables = (DELIVERY_TABLE,)
