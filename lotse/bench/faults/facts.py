"""What is in the database after a round, in one snapshot."""

from datetime import datetime
from typing import Any

from msgspec import Struct

from lotse.bench.faults.provider import ChargeTruth
from lotse.kernel.db import Connection
from lotse.kernel.sql import statements

READS = statements("lotse.bench.faults", "reads")


class OrderFact(Struct, frozen=True, kw_only=True):
    """An order and every part of it, each as its own table has it. `payment_minor` is -1 without a payment.

    `found` are pieces that a till sold though they were not on record.
    """

    id: str
    email: str
    number: str
    payment_id: str
    gross_minor: int
    wants: dict[str, int]
    sold: dict[str, int]
    moved: dict[str, int]
    found: dict[str, int]
    lines_minor: int
    receivables_minor: int
    balance_minor: int
    payment_minor: int
    method: str
    reported: int


class AmendmentFact(Struct, frozen=True, kw_only=True):
    id: str
    order_id: str
    kind: str
    reason: str
    gross_minor: int
    lines_minor: int
    receivables_minor: int
    restocked: dict[str, int]
    moved: dict[str, int]
    reported: int


class DocumentFact(Struct, frozen=True):
    id: str
    reference: str
    moved: dict[str, int]


class HoldFact(Struct, frozen=True):
    id: str
    state: str
    lines: dict[str, int]
    live: bool
    moved: dict[str, int]


class PoolFact(Struct, frozen=True):
    """`live` is what its live lines hold, `overdue` the part of it whose time is over."""

    id: int
    on_hand: int
    held: int
    live: int
    overdue: int


class BasketFact(Struct, frozen=True):
    id: str
    order_id: str
    wants: dict[str, int]


class ChargeFact(Struct, frozen=True):
    """A charge as Lotse knows it. `order_id` is empty without an order; `owed_minor` is what of that is still sold."""

    id: str
    state: str
    ended: bool
    amount_minor: int
    authorised_minor: int
    captured_minor: int
    voided_minor: int
    refunded_minor: int
    order_id: str
    owed_minor: int


class Orphan(Struct, frozen=True):
    """A row whose head is missing."""

    what: str
    id: str


class EventFact(Struct, frozen=True):
    position: int
    type: str
    key: str


class SeenFact(Struct, frozen=True):
    consumer: str
    position: int


class Facts(Struct, kw_only=True):
    """Everything that the judge looks at, of one moment."""

    orders: list[OrderFact] = []
    amendments: list[AmendmentFact] = []
    documents: list[DocumentFact] = []
    holds: list[HoldFact] = []
    pools: list[PoolFact] = []
    baskets: list[BasketFact] = []
    orphans: list[Orphan] = []
    charges: list[ChargeFact] = []
    # What the provider itself says; not of the same moment, but of one when nothing moved any more.
    truth: list[ChargeTruth] = []
    events: list[EventFact] = []
    seen: list[SeenFact] = []


class Unrest(Struct, frozen=True):
    """Something that is still under way."""

    what: str
    how: str


async def gather(conn: Connection, *, at: datetime) -> Facts:
    """Read all of it, on a connection that holds a snapshot. `at` decides which holds are over."""
    found: dict[str, list[Any]] = {
        "orders": await conn.many(READS.orders, OrderFact),
        "amendments": await conn.many(READS.amendments, AmendmentFact),
        "documents": await conn.many(READS.documents, DocumentFact),
        "holds": await conn.many(READS.holds, HoldFact),
        "pools": await conn.many(READS.pools, PoolFact, at=at),
        "baskets": await conn.many(READS.baskets, BasketFact),
        "charges": await conn.many(READS.charges, ChargeFact),
        "orphans": await conn.many(READS.orphans, Orphan),
        "events": await conn.many(READS.events, EventFact),
        "seen": await conn.many(READS.seen, SeenFact),
    }
    return Facts(**found)


async def unrest(conn: Connection) -> list[Unrest]:
    """What is still under way; none when everything that was begun has ended."""
    return await conn.many(READS.unrest, Unrest)


async def unfinished_jobs(conn: Connection) -> list[Unrest]:
    """Jobs that nobody has done yet, or that failed for good."""
    return await conn.many(READS.unfinished_jobs, Unrest)
