"""Reads of what media are; the bytes are the library's."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Connection
from lotse.kernel.media.contracts import Fetch, Kind, Medium
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "media")


class Totals(Struct, frozen=True):
    """How many media there are, their bytes, and how many of them nothing refers to."""

    media: int
    size: int
    unused: int


class Batch(Struct, frozen=True):
    """A list of addresses in figures."""

    batch_id: UUID
    asked_at: datetime
    total: int
    done: int
    failed: int


async def media_by_names(conn: Connection, *, names: Sequence[str]) -> dict[str, Medium]:
    """Those of the media that exist, by name."""
    return {found.name: found for found in await conn.many(SQL.by_names, Medium, names=list(names))}


async def media(
    conn: Connection,
    *,
    kind: Kind | None = None,
    words: str = "",
    lacking: str | None = None,
    unused: bool | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Medium]:
    """The library, newest first. `words` are sought in titles and alternative texts; `lacking` is a language in which
    the alternative text is missing. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[datetime, str])
    found = await conn.many(
        SQL.listed,
        Medium,
        kind=kind,
        words=words.strip()[:100].replace("\0", ""),
        lacking=lacking,
        unused=unused,
        after_at=begin[0] if begin else None,
        after_name=begin[1] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["created_at", "name"])


async def totals(conn: Connection) -> Totals:
    """The library in figures."""
    return await conn.one(SQL.totals, Totals)


async def fetches(conn: Connection, *, batch_id: UUID, after: int = -1, limit: int = 500) -> list[Fetch]:
    """A list of addresses with what became of each, from the one behind `after` on."""
    return await conn.many(SQL.fetches, Fetch, batch_id=batch_id, after=after, limit=limit)


async def batches(conn: Connection, *, limit: int = 20) -> list[Batch]:
    """The lists that were asked for, the latest first."""
    return await conn.many(SQL.batches, Batch, limit=limit)
