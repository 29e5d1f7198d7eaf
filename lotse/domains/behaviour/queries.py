"""Reads of behaviour: one person's, and what came in."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.domains.behaviour.contracts import Behaviour, ConsentGiven, Logged
from lotse.kernel.db import Connection
from lotse.kernel.ids import uuid7_floor
from lotse.kernel.sql import statements

READS = statements("lotse.domains.behaviour", "reads")


class Sum(Struct, frozen=True):
    """How many events of a kind came in, from where and from whom."""

    kind: str
    source: str
    bot: str
    agreed: bool
    events: int


class Choices(Struct, frozen=True):
    """How many people chose this, where."""

    text_version: str
    place: str
    measurement: bool
    marketing: bool
    people: int


async def sums(conn: Connection, *, since: datetime) -> list[Sum]:
    """What was logged since a moment, by kind, source, bot and consent; the most first."""
    return await conn.many(READS.sums, Sum, since=uuid7_floor(since))


async def choices(conn: Connection, *, since: datetime) -> list[Choices]:
    """How people chose since a moment; the most first."""
    return await conn.many(READS.choices, Choices, since=since)


async def consent(conn: Connection, *, consent_id: UUID) -> ConsentGiven | None:
    """The proof of a choice, or None."""
    return await conn.maybe(READS.consent, ConsentGiven, id=consent_id)


async def events_of(conn: Connection, *, visitors: list[UUID]) -> list[Logged]:
    """What is logged under these visitors' ids, the oldest first."""
    return await conn.many(READS.events_of, Logged, visitors=visitors)


async def export_party(conn: Connection, *, party_id: UUID) -> Behaviour | None:
    """What is kept of a person's behaviour; None if no visitor is known to be them."""
    visitors: list[UUID] = await conn.values(READS.visitors_of, party_id=party_id)
    return Behaviour(visitors, await events_of(conn, visitors=visitors)) if visitors else None
