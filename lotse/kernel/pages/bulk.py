"""Changes of many rows: chosen, planned, looked at, applied, undone as a whole.

    given -> planned | refused -> done | failed -> undone | undo_failed

Every row of a change is kept with what it was and what it becomes, from the moment it is planned: what is applied is
what was shown, a row that somebody changed meanwhile is refused by name, and so it is when the whole is undone. Work is
done in chunks, a transaction each, so that locks are short, progress shows, and a run that was interrupted goes on.
A small change is done while its request waits; a large one by a job.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from lotse.kernel import audit, masters, runtime, seams
from lotse.kernel.auth.principal import ALL, Kind, Principal, holding
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.desk.socket import connected
from lotse.kernel.ids import uuid7
from lotse.kernel.pages import query
from lotse.kernel.pages.i18n import N_
from lotse.kernel.pages.table import PYTHON, Bulk, Change, Column, No, Scope, Table, Work
from lotse.kernel.refusals import NotFound, Refusal
from lotse.kernel.settings import Settings
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "office")

# Rows per transaction: half a second of work at most.
CHUNK = 2_500
# Up to here the request does the work itself; it takes less than a second.
AT_ONCE = 1_000
# A change of more rows is not looked through by anybody, and not one that a table's page should begin.
MOST_ROWS = 200_000
# What was planned and never begun.
KEPT = timedelta(days=1)

CHANGED_SINCE = N_("It was changed meanwhile: it is %(now)s, not %(old)s.")
GONE = N_("It is no longer there.")
NOT_OURS = N_("Another system has the say over it: %(master)s. It is changed there, or given to Lotse first.")


class NothingChosen(Refusal, status=422, title="Nothing was chosen"):
    """Choose some rows, or all matches."""


class TooManyChosen(Refusal, status=422, title="That is too much for one change"):
    """Narrow the table with a filter and do it in parts."""

    limit: int


class NotInThisState(Refusal, status=409, title="This change has gone on"):
    """It was applied or undone before. Look at what is there now."""

    state: str


class BulkChange(Struct, frozen=True):
    """A change of many rows and how far it is."""

    id: UUID
    table_name: str
    action: str
    state: str
    typed: dict[str, Any]
    scope: dict[str, Any]
    reason: str
    actor: str
    actor_name: str
    chosen: int
    changes: int
    refused: int
    same: int
    done: int
    failed: int
    undone: int
    undo_failed: int
    begun_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    undone_by: str | None

    @property
    def is_at_work(self) -> bool:
        return self.state in ("planning", "applying", "undoing")

    @property
    def percent(self) -> int:
        """How far the work is, in percent."""
        so_far, all_of_it = {
            "planning": (self.changes + self.refused + self.same, self.chosen),
            "applying": (self.done + self.failed, self.changes),
            "undoing": (self.undone + self.undo_failed, self.done),
        }.get(self.state, (1, 1))
        return 100 * so_far // max(all_of_it, 1)


class BulkRow(Struct, frozen=True):
    """A row of a change as it is kept: values are JSON."""

    position: int
    row_id: UUID | None
    label: str = ""
    old: dict[str, Any] = {}
    new: dict[str, Any] = {}
    line: int | None = None
    state: str = "given"
    refusal: str | None = None
    said: dict[str, str] | None = None

    @property
    def id(self) -> UUID:
        """The row's key. `LookupError` for a line of a file that names none; such a line is refused from the start."""
        if self.row_id is None:
            raise LookupError(f"line {self.line} names no row")
        return self.row_id


class RunBulk(Struct, frozen=True):
    """The payload of the job that works on a large change."""

    id: UUID


class _Counts(Struct):
    changes: int = 0
    refused: int = 0
    same: int = 0
    done: int = 0
    failed: int = 0
    undone: int = 0
    undo_failed: int = 0


def action_of(table: Table, name: str) -> Bulk:
    """A bulk action of a table by its name, or what a file does (`file`). Refusal: `NotFound`."""
    edit = table.edit
    for one in edit.bulks if edit else ():
        if one.name == name:
            return one
    if edit and edit.intake and name == edit.intake.name:
        return edit.intake
    raise NotFound(what="bulk action", id=name)


async def begin(
    tx: Transaction, table: Table, bulk: Bulk, scope: Scope, *, typed: Struct, rows: Sequence[BulkRow]
) -> UUID:
    """Note what is to be changed. Refusals: `NothingChosen`, `TooManyChosen`."""
    if not rows:
        raise NothingChosen()
    if len(rows) > MOST_ROWS:
        raise TooManyChosen(limit=MOST_ROWS)
    id = uuid7()
    await tx.execute(
        SQL.begin_change,
        id=id,
        table_name=table.name,
        action=bulk.name,
        typed=msgspec.to_builtins(typed),
        scope={
            "shop": str(scope.shop),
            "currency": scope.currency,
            "language": scope.language,
            "zone": scope.zone,
        },
        reason=str(getattr(typed, "reason", "")),
        actor=scope.by,
        actor_name=scope.principal.name,
        chosen=len(rows),
        at=scope.at,
    )
    for piece in _pieces(rows, 10_000):
        await tx.execute(SQL.give_rows, change_id=id, rows=piece)
    refused = sum(row.state == "refused" for row in rows)
    if refused:
        await _count(tx, id, _Counts(refused=refused))
    return id


def given(ids: Iterable[UUID]) -> list[BulkRow]:
    """Rows that were chosen."""
    return [BulkRow(position, id) for position, id in enumerate(ids)]


async def run(database: Database, id: UUID, *, at: datetime, desk: Desk | None = None) -> BulkChange:
    """Work on a change until it is planned, applied or undone; goes on where an earlier run ended."""
    while True:
        async with database.transaction() as tx:
            change = await tx.maybe(SQL.change_locked, BulkChange, id=id)
            if change is None:
                raise NotFound(what="bulk change", id=str(id))
            if not change.is_at_work:
                return change
            table = table_named(change.table_name)
            work = work_of(table, change, at, database, desk)
            with audit.in_bulk(_head_of(change)):
                more = await _STEPS[change.state](tx, table, work, change)
            if not more:
                state = {"planning": "planned", "applying": "applied", "undoing": "undone"}[change.state]
                await tx.execute(SQL.move_change, id=id, from_state=change.state, to_state=state, at=at, by=None)


async def run_job(database: Database, payload: RunBulk, *, at: datetime) -> None:
    """The job of a large change; one that was swept meanwhile is no work any more."""
    async with database.reading() as conn:
        known = await conn.maybe(SQL.change, BulkChange, id=payload.id)
    if known is not None:
        # Connected on first use: most tables never ask for it.
        async with connected(runtime.desk_socket(Settings.load())) as desk:
            await run(database, payload.id, at=at, desk=desk)


async def sweep(database: Database, *, at: datetime) -> int:
    """Take away what was planned and never begun."""
    async with database.transaction() as tx:
        return await tx.execute(SQL.sweep_changes, before=at - KEPT)


async def move(tx: Transaction, id: UUID, *, from_state: str, to_state: str, by: str, at: datetime) -> BulkChange:
    """Begin to apply or to undo. Refusals: `NotFound`, `NotInThisState`."""
    moved = await tx.execute(SQL.move_change, id=id, from_state=from_state, to_state=to_state, at=at, by=by)
    change = await tx.maybe(SQL.change, BulkChange, id=id)
    if change is None:
        raise NotFound(what="bulk change", id=str(id))
    if not moved:
        raise NotInThisState(state=change.state)
    # One entry of the audit log stands for what the domains record of the rows.
    await audit.head(
        tx,
        subject=f"{change.table_name}:*",
        actor=by,
        new={"changes": change.changes if to_state == "applying" else change.done, "state": to_state},
        at=at,
        reason=change.reason,
        id=_head_of(change),
    )
    return change


def _head_of(change: BulkChange) -> UUID:
    """The audit log's entry of the applying, or (the last bit turned) of the undoing."""
    return change.id if change.state == "applying" else UUID(int=change.id.int ^ 1)


def work_of(table: Table, change: BulkChange, at: datetime, database: Database, desk: Desk | None = None) -> Work:
    """What a change was asked with, at the moment of the work."""
    bulk = action_of(table, change.action)
    kind, _, id = change.actor.partition(":")
    scope = Scope(
        shop=UUID(change.scope["shop"]),
        currency=change.scope["currency"],
        language=change.scope["language"],
        zone=change.scope["zone"],
        at=at,
        # Which rows the actor may change was seen to when they were chosen; from there on the table is read whole.
        principal=Principal(msgspec.convert(kind, Kind), id, change.actor_name, holding(ALL)),
        right=table.editing.right,
    )
    typed = msgspec.convert(change.typed, bulk.form, strict=False)
    return Work(scope, typed, change.reason, change.begun_at, database, desk)


def table_named(name: str) -> Table:
    """A table that some domain, frame or plugin puts out. Refusal: `NotFound`."""
    for table in tables():
        if table.name == name:
            return table
    raise NotFound(what="table", id=name)


def tables() -> list[Table]:
    """Every table of the installation: `tables` of each `pages.py`, and of the frames that have some."""
    return [
        *seams.framed("tables"),
        *(table for domain in seams.domains() for table in domain.exported("pages", "tables")),
    ]


# -- one chunk


async def _plan(tx: Transaction, table: Table, work: Work, change: BulkChange) -> bool:
    rows = await _rows(tx, change.id, "given")
    if not rows:
        return False
    bulk = action_of(table, change.action)
    ids = [row.id for row in rows]
    now = await table.editing.now(tx, work, ids)
    labels = await _labels(tx, table, work.scope, ids)
    foreign = await _foreign(tx, table)
    counts = _Counts()
    settled: list[BulkRow] = []
    same: list[int] = []
    for row in rows:
        found = now.get(row.id)
        label = labels.get(row.id) or row.label
        if found is None:
            settled.append(_refused(row, label, No(GONE)))
            continue
        old = stored(found)
        wanted = _wanted(table, bulk, work, row, found)
        if isinstance(wanted, No):
            settled.append(_refused(msgspec.structs.replace(row, old=old), label, wanted))
            continue
        new = {**old, **stored(wanted)}
        if new == old:
            same.append(row.position)
        elif (no := _not_ours(foreign, old, new)) is not None:
            settled.append(_refused(msgspec.structs.replace(row, old=old), label, no))
        elif (was := _changed_since(row, old)) is not None:
            settled.append(_refused(msgspec.structs.replace(row, old=old), label, was))
        else:
            settled.append(msgspec.structs.replace(row, label=label, old=old, new=new, state="planned"))
    counts.same = len(same)
    counts.refused = sum(row.state == "refused" for row in settled)
    counts.changes = len(settled) - counts.refused
    if same:
        await tx.execute(SQL.drop_rows, change_id=change.id, positions=same)
    await _settle(tx, change.id, settled, counts)
    return True


def _wanted(table: Table, bulk: Bulk, work: Work, row: BulkRow, now: Mapping[str, Any]) -> Mapping[str, Any] | No:
    """What the row is to become: what its line of the file says, then what the action makes of it."""
    typed = {name: value(table.column(name), content) for name, content in _touched(row).items()}
    return bulk.change(work, {**now, **typed})


def _changed_since(row: BulkRow, old: Mapping[str, Any]) -> No | None:
    """A file says what each value was when it was saved; what nobody touched in it may have changed since."""
    for name in _touched(row):
        if name in row.old and row.old[name] != old.get(name):
            return No(CHANGED_SINCE, {"now": _short(old.get(name)), "old": _short(row.old[name])})
    return None


def _touched(row: BulkRow) -> dict[str, Any]:
    """What a line of a file wants otherwise than it was saved."""
    return {name: new for name, new in row.new.items() if name not in row.old or row.old[name] != new}


async def _apply(tx: Transaction, table: Table, work: Work, change: BulkChange) -> bool:
    rows = await _rows(tx, change.id, "planned")
    if rows:
        refused = await _written(tx, table, work, rows, is_undo=False)
        settled = [_settled(row, refused, "done", "failed") for row in rows]
        await _settle(tx, change.id, settled, _Counts(done=len(rows) - len(refused), failed=len(refused)))
    return bool(rows)


async def _undo(tx: Transaction, table: Table, work: Work, change: BulkChange) -> bool:
    rows = await _rows(tx, change.id, "done")
    if rows:
        refused = await _written(tx, table, work, rows, is_undo=True)
        settled = [_settled(row, refused, "undone", "undo_failed") for row in rows]
        await _settle(tx, change.id, settled, _Counts(undone=len(rows) - len(refused), undo_failed=len(refused)))
    return bool(rows)


_STEPS = {"planning": _plan, "applying": _apply, "undoing": _undo}


async def _written(
    tx: Transaction, table: Table, work: Work, rows: Sequence[BulkRow], *, is_undo: bool
) -> Mapping[UUID, No]:
    """Write rows that are still what they were; the others are refused by name."""
    edit = table.editing
    ids = [row.id for row in rows]
    if edit.hold is not None:
        await edit.hold(tx, work, ids)
    now = await edit.now(tx, work, ids)
    foreign = await _foreign(tx, table)
    refused: dict[UUID, No] = {}
    changes: list[Change] = []
    for row in rows:
        before, then = (row.new, row.old) if is_undo else (row.old, row.new)
        found = now.get(row.id)
        if found is None:
            refused[row.id] = No(GONE)
        elif (here := stored(found)) != before:
            name = next(name for name in before if here.get(name) != before[name])
            refused[row.id] = No(CHANGED_SINCE, {"now": _short(here.get(name)), "old": _short(before[name])})
        elif (no := _not_ours(foreign, before, then)) is not None:
            refused[row.id] = no
        else:
            old, new = (_read(table, values) for values in ((row.old, row.new) if edit.undo else (before, then)))
            changes.append(Change(id=row.id, label=row.label, old=old, new=new))
    write = edit.undo if is_undo and edit.undo else edit.write
    return {**refused, **(await write(tx, work, changes) if changes else {})}


async def _foreign(tx: Transaction, table: Table) -> dict[str, str]:
    """The columns that another system has the say over now, with its name."""
    kinds = {kind for kind, _ in table.editing.masters.values()}
    known = {kind: await masters.masters_of(tx, kind) for kind in kinds}
    found = {column: known[kind].of(field) for column, (kind, field) in table.editing.masters.items()}
    return {column: master for column, master in found.items() if master != masters.LOTSE}


def _not_ours(foreign: Mapping[str, str], old: Mapping[str, Any], new: Mapping[str, Any]) -> No | None:
    for column, master in foreign.items():
        if old.get(column) != new.get(column):
            return No(NOT_OURS, {"master": master})
    return None


# -- rows


async def _rows(tx: Transaction, id: UUID, state: str, limit: int = CHUNK) -> list[BulkRow]:
    return await tx.many(SQL.rows_in_state, BulkRow, change_id=id, state=state, limit=limit)


async def some(conn: Connection, id: UUID, state: str, limit: int) -> list[BulkRow]:
    """The first rows of a change that stand in a state."""
    return await conn.many(SQL.rows_in_state, BulkRow, change_id=id, state=state, limit=limit)


async def _settle(tx: Transaction, id: UUID, rows: Sequence[BulkRow], counts: _Counts) -> None:
    if rows:
        await tx.execute(SQL.settle_rows, change_id=id, rows=rows)
    await _count(tx, id, counts)


async def _count(tx: Transaction, id: UUID, counts: _Counts) -> None:
    await tx.execute(SQL.count_on, id=id, **msgspec.structs.asdict(counts))


async def _labels(conn: Connection, table: Table, scope: Scope, ids: Sequence[UUID]) -> dict[UUID, str]:
    if not table.label:
        return {}
    rows = await query.by_keys(conn, table, scope, ids)
    filled = await table.fill(conn, scope, rows) if table.fill and rows else rows
    return {table.id(row): table.called(row) for row in filled}


def _refused(row: BulkRow, label: str, no: No) -> BulkRow:
    return msgspec.structs.replace(row, label=label, state="refused", refusal=no.message, said=no.said)


def _settled(row: BulkRow, refused: Mapping[UUID, No], well: str, badly: str) -> BulkRow:
    no = refused.get(row.row_id) if row.row_id else None
    if no is None:
        return msgspec.structs.replace(row, state=well)
    return msgspec.structs.replace(row, state=badly, refusal=no.message, said=no.said)


def _pieces(rows: Sequence[BulkRow], size: int) -> Iterable[Sequence[BulkRow]]:
    return (rows[begin : begin + size] for begin in range(0, len(rows), size))


# -- values


def stored(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as they are kept and compared: one way to write each of them."""
    return {name: _stored(content) for name, content in values.items()}


def _stored(content: Any) -> Any:
    if isinstance(content, Decimal):
        return f"{content.normalize():f}"
    return msgspec.to_builtins(content)


def value(column: Column, content: Any) -> Any:
    """A kept value as the column's values are."""
    return None if content is None else msgspec.convert(content, PYTHON[column.kind], strict=False)


def _read(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value(table.column(name), content) for name, content in values.items()}


def _short(content: Any) -> str:
    return "–" if content is None or content == "" else str(content)[:100]
