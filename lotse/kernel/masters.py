"""Masters of fields: each field of a kind of master data has one that has the say, Lotse or an outside system by name.

What the master says is applied. What another says is not, and it is not lost either: an outside system's word becomes
a row of a work list (`differences`), a person's change in Lotse is refused by name (`NotTheMaster`). Without a setting
Lotse is the master. A field `*` stands for whether things exist at all, and for every field without a setting of its
own.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from lotse.kernel import audit
from lotse.kernel.db import Connection, Transaction
from lotse.kernel.ids import uuid7
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "masters")

LOTSE = "lotse"
EVERYTHING = "*"
SOURCE_RULE = "1 to 63 small letters, digits, hyphens and underscores, beginning with a letter"
_SOURCE = re.compile(r"[a-z][a-z0-9_-]{0,62}")

DifferenceState = Literal["open", "taken", "kept", "agreed"]


class NotTheMaster(Refusal, status=409, title="Another system has the say over this field"):
    """`master` is who has; change it there, or give the field to Lotse first."""

    kind: str
    field: str
    master: str


class Master(Struct, frozen=True):
    """Who has the say over a field."""

    kind: str
    field: str
    master: str
    changed_at: datetime
    changed_by: str


class Difference(Struct, frozen=True):
    """What a source said about a field of a thing that it has no say over. `row` and `options` are how it was said."""

    id: UUID
    kind: str
    key: str
    field: str
    source: str
    ours: Any
    theirs: Any
    row: dict[str, Any]
    options: dict[str, str]
    state: DifferenceState
    seen_at: datetime
    decided_at: datetime | None
    decided_by: str | None


class Seen(Struct, frozen=True):
    """A difference on its way into the list."""

    id: UUID
    key: str
    field: str
    ours: Any
    theirs: Any
    row: dict[str, Any]


class OpenCount(Struct, frozen=True):
    kind: str
    source: str
    differences: int


class Masters(Struct, frozen=True):
    """The masters of one kind's fields."""

    kind: str
    by_field: Mapping[str, str]

    def of(self, field: str) -> str:
        """Who has the say over a field."""
        return self.by_field.get(field) or self.by_field.get(EVERYTHING, LOTSE)

    def are_all(self, source: str) -> bool:
        """Whether nobody but `source` has a say, so that nothing need be compared."""
        return self.of(EVERYTHING) == source and all(master == source for master in self.by_field.values())

    def refuse(self, fields: Iterable[str], *, source: str = LOTSE) -> None:
        """Refusal: `NotTheMaster`, for the first field that `source` has no say over."""
        for field in fields:
            if (master := self.of(field)) != source:
                raise NotTheMaster(kind=self.kind, field=field, master=master)


def check_source(name: str, field: str = "source") -> None:
    """Refusal: `Invalid`."""
    if not _SOURCE.fullmatch(name):
        raise Invalid(field=field, rule=SOURCE_RULE)


async def masters_of(conn: Connection, kind: str) -> Masters:
    """The masters of a kind."""
    return Masters(kind, {row.field: row.master for row in await conn.many(SQL.masters, Master, kind=kind)})


async def settings(conn: Connection) -> list[Master]:
    """Every field that was given to somebody."""
    return await conn.many(SQL.masters, Master, kind=None)


async def refuse_foreign(conn: Connection, kind: str, fields: Iterable[str], *, source: str = LOTSE) -> None:
    """For commands: may `source` change these fields? One statement. Refusal: `NotTheMaster`."""
    (await masters_of(conn, kind)).refuse(fields, source=source)


async def set_master(tx: Transaction, *, kind: str, field: str, master: str | None, by: str, at: datetime) -> None:
    """Give a field of a kind to a master; None: what holds without a setting. Refusal: `Invalid`."""
    if not kind or len(kind) > 63 or not field or len(field) > 63:
        raise Invalid(field="field", rule="a kind of imports and one of its fields, or *")
    before = (await masters_of(tx, kind)).by_field.get(field)
    if master is None:
        await tx.execute(SQL.unset_master, kind=kind, field=field)
    else:
        check_source(master, "master")
        await tx.execute(SQL.set_master, kind=kind, field=field, master=master, by=by, at=at)
    if before != master:
        await audit.record(tx, actor=by, subject=f"kernel.field_master:{kind}.{field}", old=before, new=master, at=at)


async def see(
    tx: Transaction,
    *,
    kind: str,
    source: str,
    found: Sequence[Seen],
    agreed: Sequence[tuple[str, str]],
    options: Mapping[str, str],
    at: datetime,
) -> None:
    """Note differences, and close those (key and field) about which both say the same."""
    if found:
        await tx.execute(
            SQL.put_differences, kind=kind, source=source, differences=list(found), options=dict(options), at=at
        )
    if agreed:
        await tx.execute(
            SQL.agree,
            kind=kind,
            source=source,
            keys=[key for key, _ in agreed],
            fields=[field for _, field in agreed],
            at=at,
        )


def seen(key: str, field: str, ours: Any, theirs: Any, row: dict[str, Any]) -> Seen:
    """A difference with an id of its own."""
    return Seen(uuid7(), key, field, ours, theirs, row)


async def differences(
    conn: Connection,
    *,
    state: DifferenceState = "open",
    kind: str | None = None,
    source: str | None = None,
    field: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Difference]:
    """The work list, the newest first. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        SQL.differences,
        Difference,
        state=state,
        kind=kind,
        source=source,
        field=field,
        before=begin[0] if begin else None,
        limit=limit + 1,
    )
    return paged(found, limit, ["id"])


async def open_counts(conn: Connection) -> list[OpenCount]:
    """How many differences are open, by kind and source."""
    return await conn.many(SQL.open_counts, OpenCount)


async def keep_ours(tx: Transaction, ids: Sequence[UUID], *, by: str, at: datetime) -> int:
    """Decide that ours is right; the list shows it again only if they say something else. How many were open."""
    held = await tx.many(SQL.hold_differences, Difference, ids=list(ids))
    count = await tx.execute(SQL.decide, ids=list(ids), state="kept", by=by, at=at)
    await audit.record_all(
        tx,
        actor=by,
        changes=[
            (f"{one.kind}.{one.field}:{one.key}", {"theirs": one.theirs}, {"kept": one.ours})
            for one in held
            if one.state == "open"
        ],
        at=at,
    )
    return count


async def reopen(tx: Transaction, ids: Sequence[UUID], *, by: str, at: datetime) -> int:
    """What was decided to be kept is open again, because it was a mistake; how many were."""
    held = await tx.many(SQL.hold_differences, Difference, ids=list(ids))
    count = await tx.execute(SQL.reopen, ids=list(ids))
    await audit.record_all(
        tx,
        actor=by,
        changes=[
            (f"{one.kind}.{one.field}:{one.key}", {"kept": one.ours}, {"theirs": one.theirs})
            for one in held
            if one.state == "kept"
        ],
        at=at,
    )
    return count
