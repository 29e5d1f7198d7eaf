"""The log of every change: who, from where, when, old, new, and why where that is asked. It only grows.

Written in the transaction that made the change. From where is known without being passed on: whoever begins something
(a route's guard, a job, a consumer, the command line) sets `origin`. Many changes that are one to people (an import, a
bulk change) are one entry with its rows behind it: `record_all` makes one from `BULK_FROM` rows on, `in_bulk` around
several transactions. Only `privacy.erase` may blank what an entry said about a person; triggers refuse the rest.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct, structs

from lotse.kernel.auth.principal import acting
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "audit")

# A page of the log that one import fills shows nothing else.
BULK_FROM = 20
# Before and after every entry that can be.
_LAST_ID = UUID(int=2**128 - 1)

OriginKind = Literal["", "page", "api", "job", "event", "cli"]


class Origin(Struct, frozen=True):
    """From where a change comes: the page or API route, the job, the consumer, the command of the command line.

    With the visitor's address, the session of the account (for the command line: who called it), the request's id.
    """

    kind: OriginKind = ""
    name: str = ""
    address: str = ""
    session: str = ""
    request: str = ""

    def columns(self) -> dict[str, str]:
        return {
            "origin_kind": self.kind,
            "origin": self.name,
            "address": self.address,
            "session": self.session,
            "request": self.request,
        }


_NOWHERE = Origin()
origin: ContextVar[Origin] = ContextVar("lotse_origin", default=_NOWHERE)
_bulk: ContextVar[UUID | None] = ContextVar("lotse_audit_bulk", default=None)


class Change(Struct, frozen=True):
    """One change of one thing; `old` is None where it was made, `new` where it was taken away.

    `bulk_id` is the id of the entry that stands for a bulk change; that one's `new` says how many rows it has.
    """

    id: UUID
    subject: str
    actor: str
    old: Any
    new: Any
    reason: str | None
    recorded_at: datetime
    origin_kind: OriginKind = ""
    origin: str = ""
    address: str = ""
    session: str = ""
    request: str = ""
    bulk_id: UUID | None = None

    @property
    def is_bulk(self) -> bool:
        """Whether it stands for many: `rows_of` tells which."""
        return self.bulk_id == self.id

    @property
    def kind(self) -> str:
        """The kind of thing, e.g. `pricing.price`."""
        return self.subject.partition(":")[0]


# -- writing


async def record(
    tx: Transaction, *, actor: str, subject: str, old: Any, new: Any, at: datetime, reason: str | None = None
) -> None:
    """Note that `actor` changed `subject` (`"pricing.price:<id>"`). Values are whatever JSON can say.

    Refusal: `NotAllowed` in a job that has not declared to change such things.
    """
    _check_job(subject)
    await tx.execute(
        SQL.record_change,
        id=uuid7(),
        subject=subject,
        actor=actor,
        old=old,
        new=new,
        reason=reason or None,
        recorded_at=at,
        bulk_id=_bulk.get(),
        **origin.get().columns(),
    )


async def record_all(
    tx: Transaction, *, actor: str, changes: Iterable[tuple[str, Any, Any]], at: datetime, reason: str | None = None
) -> None:
    """Note many changes, each as (subject, old, new), in one or two round trips.

    From `BULK_FROM` on they are one entry of the log, `<kind>:*`, with the changes behind it.
    """
    rows = list(changes)
    if not rows:
        return
    for subject in {subject.partition(":")[0] for subject, _, _ in rows}:
        _check_job(subject)
    bulk_id = _bulk.get()
    if bulk_id is None and len(rows) >= BULK_FROM:
        kinds = {subject.partition(":")[0] for subject, _, _ in rows}
        subject = f"{min(kinds)}:*" if len(kinds) == 1 else "many:*"
        bulk_id = await head(tx, subject=subject, actor=actor, new={"changes": len(rows)}, at=at, reason=reason)
    await tx.execute(
        SQL.record_changes,
        ids=[uuid7() for _ in rows],
        subjects=[subject for subject, _, _ in rows],
        old=[old for _, old, _ in rows],
        new=[new for _, _, new in rows],
        actor=actor,
        reason=reason or None,
        recorded_at=at,
        bulk_id=bulk_id,
        **origin.get().columns(),
    )


async def head(
    tx: Transaction,
    *,
    subject: str,
    actor: str,
    new: Any,
    at: datetime,
    old: Any = None,
    reason: str | None = None,
    id: UUID | None = None,
) -> UUID:
    """Write the entry that stands for a bulk change; its id, for `in_bulk`. `id` is a UUIDv7, drawn now without it."""
    bulk_id = id or uuid7()
    await tx.execute(
        SQL.record_change,
        id=bulk_id,
        subject=subject,
        actor=actor,
        old=old,
        new=new,
        reason=reason or None,
        recorded_at=at,
        bulk_id=bulk_id,
        **origin.get().columns(),
    )
    return bulk_id


@contextmanager
def in_bulk(bulk_id: UUID) -> Generator[None]:
    """What is recorded inside belongs to this head, also in further transactions."""
    token = _bulk.set(bulk_id)
    try:
        yield
    finally:
        _bulk.reset(token)


def _check_job(subject: str) -> None:
    job = acting.get()
    if job is not None:
        domain, _, kind = subject.partition(":")[0].partition(".")
        job.require_change(kind if domain == "kernel" and kind else domain)


# -- reading


async def history(conn: Connection, *, subject: str, limit: int = 100, before: UUID = _LAST_ID) -> list[Change]:
    """The changes of one thing, the newest first; go on with `before` = the last one's id."""
    return await conn.many(SQL.history, Change, subject=subject, limit=limit, before=before)


async def rows_of(
    conn: Connection, *, bulk_id: UUID, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[Change]:
    """A page of the rows of a bulk change. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        SQL.log_of_bulk, Change, bulk_id=bulk_id, after=begin[0] if begin else UUID(int=0), limit=limit + 1
    )
    return paged(found, limit, ["id"])


async def entry(conn: Connection, *, id: UUID) -> Change | None:
    """One entry, or None."""
    return await conn.maybe(SQL.entry, Change, id=id)


async def kinds(conn: Connection) -> list[str]:
    """The kinds of things that have ever changed, for a filter."""
    return await conn.values(SQL.kinds)


async def actors(conn: Connection) -> list[str]:
    """Who has ever changed something, for a filter; `names_of` tells what people call them."""
    return await conn.values(SQL.actors)


def from_session(session: str) -> None:
    """Say which session the request under way belongs to, once that is known."""
    origin.set(structs.replace(origin.get(), session=session))
