"""JSON endpoints of the trial domain."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import get, post
from msgspec import Meta, Struct

from lotse.kernel.db import Database
from lotse.kernel.http import (
    PAGE_SIZE,
    Cursor,
    Happened,
    Page,
    PageSize,
    Principal,
    after,
    happened,
    needs,
    paged,
    public,
)
from lotse.kernel.idempotency import key_for, once
from lotse.kernel.refusals import Refusal


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """A line."""

    sku: str
    quantity: Annotated[int, Meta(ge=1, le=1000)]


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """An order."""

    lines: Annotated[list[Line], Meta(min_length=1, max_length=10)]


class Placed(Struct, frozen=True):
    """What was placed, by whom, when, and a number that differs each time it is really done."""

    lines: int
    by: str
    at: datetime
    run: int


class SoldOut(Refusal, status=409, title="Sold out"):
    """There is none left."""

    sku: str
    available: int


runs = 0


@post("/trial/orders", guards=[public], refusals=(SoldOut,))
async def place(data: Order, database: Database, principal: Principal, idempotency_key: str, at: datetime) -> Placed:
    """Place a trial order."""

    async def run(_tx: object) -> Placed:
        global runs
        runs += 1
        for line in data.lines:
            if line.sku == "sold-out":
                raise SoldOut(sku=line.sku, available=0)
        return Placed(len(data.lines), str(principal), at, runs)

    return await once(database, key_for(str(principal), idempotency_key, data), Placed, run, at=at)


@post("/trial/careless", guards=[public])
async def careless(data: Order) -> Order:
    """A write that forgets to ask for its key."""
    return data


@post("/trial/free", guards=[public])
async def free(data: dict[str, Any], idempotency_key: str) -> dict[str, Any]:
    """Takes anything that can be stored."""
    return data


class Report(Struct, frozen=True):
    occurred_at: Happened | None = None


@post("/trial/reports", guards=[public])
async def report(data: Report, idempotency_key: str, at: datetime) -> Report:
    """Takes what happened a while ago."""
    return Report(happened(data.occurred_at, at))


@get("/trial/orders/{id:uuid}", guards=[needs("orders.read")])
async def one(id: UUID) -> Line:
    """Only for those who may."""
    return Line(str(id), 1)


@get("/trial/numbers", guards=[public])
async def numbers(limit: PageSize = PAGE_SIZE, cursor: Cursor = None) -> Page[Line]:
    """A hundred lines, by page."""
    key = after(cursor, tuple[int])
    first = key[0] + 1 if key else 1
    return paged([Line(str(n), n) for n in range(first, min(first + limit + 1, 101))], limit, ("quantity",))


@get("/trial/bug", guards=[public])
async def bug() -> Line:
    """Fails."""
    raise ZeroDivisionError("a secret of the implementation")


routes = (place, careless, free, report, one, numbers, bug)
