"""The record of changes to master data: who, when, old, new. Written in the transaction that made the change."""

from collections.abc import Iterable
from contextvars import ContextVar
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "audit")


class Origin(Struct, frozen=True):
    """From where a change comes: the page or API route, the job, the command of the command line, with the visitor's
    address, the session or token, and the request's id."""

    kind: str = ""
    name: str = ""
    address: str = ""
    session: str = ""
    request: str = ""


# Set by whoever begins something (a route's guard, a job's run, a command of the command line); read by `record`.
origin: ContextVar[Origin] = ContextVar("lotse_origin", default=Origin())


class Change(Struct, frozen=True):
    """One change of one thing; `old` is None where it was made, `new` where it was taken away."""

    id: UUID
    subject: str
    actor: str
    old: Any
    new: Any
    reason: str | None
    recorded_at: datetime


async def record(
    tx: Transaction, *, actor: str, subject: str, old: Any, new: Any, at: datetime, reason: str | None = None
) -> None:
    """Note that `actor` changed `subject` (`"pricing.price:<id>"`). Values are whatever JSON can say."""
    await tx.execute(
        SQL.record_change, id=uuid7(), subject=subject, actor=actor, old=old, new=new, reason=reason, recorded_at=at
    )


async def record_all(
    tx: Transaction, *, actor: str, changes: Iterable[tuple[str, Any, Any]], at: datetime, reason: str | None = None
) -> None:
    """Note many changes, each as (subject, old, new), in one round trip: an import changes thousands of things."""
    await tx.execute_many(
        SQL.record_change,
        [
            {
                "id": uuid7(),
                "subject": subject,
                "actor": actor,
                "old": old,
                "new": new,
                "reason": reason,
                "recorded_at": at,
            }
            for subject, old, new in changes
        ],
    )


async def history(conn: Connection, *, subject: str, limit: int = 100) -> list[Change]:
    """The changes of one thing, the newest first."""
    return await conn.many(SQL.history, Change, subject=subject, limit=limit)
