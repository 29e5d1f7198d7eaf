"""Take files in, run them batch by batch, tell how far they are.

Rows are independent: one that breaks a rule is refused with its line, field and reason, and the others go in. Each
batch is one transaction that also moves the import's place in the file, so a run that was stopped goes on where it was
and no row counts twice. Rows name things by their natural keys, so the same file again changes nothing. A dry run does
all of it and rolls each batch back. More than ten thousand refused rows end an import: it is the wrong file.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct

from lotse.kernel import audit, masters, seams
from lotse.kernel.db import Connection, Database, Transaction
from lotse.kernel.desk import Desk
from lotse.kernel.idempotency import KeyReused
from lotse.kernel.ids import uuid7
from lotse.kernel.imports.contracts import (
    Context,
    Current,
    FileNotTaken,
    Format,
    Import,
    Importer,
    ImportNotOpen,
    RefusedRow,
    UnknownImport,
    UnknownImportKind,
)
from lotse.kernel.imports.reading import ENCODINGS, Record, converted, delimiter_of, heading, records
from lotse.kernel.jobs import enqueue
from lotse.kernel.masters import EVERYTHING, LOTSE, Difference, Masters, Seen, check_source
from lotse.kernel.paging import PAGE_SIZE, Page, after, paged
from lotse.kernel.refusals import Invalid, Refusal
from lotse.kernel.sql import statements

SQL = statements("lotse.kernel", "imports")

JOB = "kernel.run_import"
# A piece of a file in the database; a few of them are what a worker holds in memory.
CHUNK_BYTES = 256 * 1024
CHUNKS_READ = 4
MAX_FILE_BYTES = 1024 * 1024 * 1024
MAX_REFUSED = 10_000
MAX_OPTIONS = 20
# What is kept of a refused row, for whoever mends it.
MAX_KEPT_CHARACTERS = 20_000
# Rows with this field say when they were true at their source: an older one that comes later changes nothing.
CHANGED_AT = "changed_at"

_log = structlog.get_logger("lotse.imports")


@cache  # domains do not come and go while a process lives
def importers() -> dict[str, Importer]:
    """Every kind of import that a domain or plugin brings, in the order in which a folder is imported."""
    plugins = [seams.Domain(package, package) for package in seams.load_plugins()]
    found: list[Importer] = [
        importer for part in (*seams.domains(), *plugins) for importer in part.exported("imports", "imports")
    ]
    return {importer.kind: importer for importer in sorted(found, key=lambda importer: importer.order)}


def importer_of(kind: str) -> Importer:
    """Refusal: `UnknownImportKind`."""
    known = importers()
    if kind not in known:
        raise UnknownImportKind(kind=kind[:100], known=list(known))
    return known[kind]


# -- taking a file in


async def receive(
    database: Database,
    body: AsyncIterator[bytes],
    *,
    kind: str,
    name: str,
    format: Format,
    source: str = LOTSE,
    options: Mapping[str, str] | None = None,
    dry_run: bool = False,
    by: str,
    at: datetime,
    queue: bool = True,
    request_key: str | None = None,
    max_bytes: int = MAX_FILE_BYTES,
) -> UUID:
    """Store a file piece by piece and queue it (unless the caller runs it himself); the import's id.

    The same `request_key` with the same file gets the same import again. Refusals in this order: `UnknownImportKind`,
    `Invalid`, `KeyReused`, `FileNotTaken` (empty, too large).
    """
    importer_of(kind)
    check_source(source)
    given = _checked(options or {})
    id = uuid7()
    async with database.transaction() as tx:
        if request_key is not None:
            await tx.execute(SQL.forget_key, request_key=request_key)
        made = await tx.execute(
            SQL.add_import,
            id=id,
            kind=kind,
            name=name[:300].replace("\0", "\ufffd"),
            format=format,
            source=source,
            options=given,
            dry_run=dry_run,
            actor=by,
            at=at,
            request_key=request_key,
        )
    if not made:
        return await _known(database, str(request_key), body, (kind, source, given, dry_run))
    try:
        total, digest = await _store(database, id, body, max_bytes)
    except BaseException as error:  # also when the sender went away: nothing half received is left waiting
        reason = error.rule if isinstance(error, FileNotTaken) else "it was not received as a whole"
        with suppress(Exception):
            async with database.transaction() as tx:
                await tx.execute(SQL.end_import, id=id, state="failed", reason=reason, at=at)
        raise
    async with database.transaction() as tx:
        await tx.execute(SQL.received, id=id, bytes=total, sha256=digest)
        if queue:
            await enqueue(tx, JOB, RunImport(id), unique=f"import:{id}")
    return id


class _Keyed(Struct, frozen=True):
    id: UUID
    kind: str
    source: str
    options: dict[str, str]
    dry_run: bool
    state: str
    bytes_total: int
    sha256: bytes | None


async def _known(database: Database, request_key: str, body: AsyncIterator[bytes], said: tuple[Any, ...]) -> UUID:
    """The import of a key, if it is the same file for the same purpose. Refusal: `KeyReused`."""
    digest = sha256()
    async for piece in body:
        digest.update(piece)
    async with database.reading() as conn:
        known = await conn.one(SQL.by_key, _Keyed, request_key=request_key)
    same = (known.kind, known.source, known.options, known.dry_run) == said
    # One that is being received at this moment has no hash yet; its sender waits for it elsewhere.
    if not same or (known.sha256 is not None and known.sha256 != digest.digest()):
        raise KeyReused(key=request_key.partition("\n")[2])
    return known.id


class RunImport(Struct, frozen=True):
    """What the job is told."""

    import_id: UUID


async def _store(database: Database, id: UUID, body: AsyncIterator[bytes], max_bytes: int) -> tuple[int, bytes]:
    waiting, number, total, digest = bytearray(), 0, 0, sha256()
    async for piece in body:
        waiting += piece
        total += len(piece)
        digest.update(piece)
        if total > max_bytes:
            raise FileNotTaken(rule=f"at most {max_bytes:,} bytes")
        while len(waiting) >= CHUNK_BYTES:
            await _add_chunk(database, id, number, bytes(waiting[:CHUNK_BYTES]))
            del waiting[:CHUNK_BYTES]
            number += 1
    if waiting:
        await _add_chunk(database, id, number, bytes(waiting))
    if not total:
        raise FileNotTaken(rule="a file that is not empty")
    return total, digest.digest()


async def _add_chunk(database: Database, id: UUID, number: int, body: bytes) -> None:
    async with database.single() as conn:
        await conn.execute(SQL.add_chunk, import_id=id, number=number, body=body)


def _checked(options: Mapping[str, str]) -> dict[str, str]:
    if len(options) > MAX_OPTIONS or any(
        len(name) > 63 or len(text) > 200 or "\0" in text for name, text in options.items()
    ):
        raise Invalid(field="options", rule=f"at most {MAX_OPTIONS} short texts")
    if options.get("encoding", "utf-8") not in ENCODINGS:
        raise Invalid(field="options.encoding", rule=" or ".join(ENCODINGS))
    return dict(options)


# -- running


async def run(database: Database, desk: Desk, *, import_id: UUID, at: datetime, until: "Clock | None" = None) -> Import:
    """Run batches until the file's end, or until `until` says that it is enough for now; how it stands then.

    Refusals: `UnknownImport`. What is wrong with the file as a whole ends the import with its reason.
    """
    while True:
        found = await step(database, desk, import_id=import_id, at=at)
        if found.state not in ("waiting", "running") or (until is not None and until()):
            return found


class Clock:
    """Says when a job should let others have the worker."""

    def __init__(self, seconds: float) -> None:
        from asyncio import get_running_loop

        self._loop = get_running_loop()
        self._until = self._loop.time() + seconds

    def __call__(self) -> bool:
        return self._loop.time() >= self._until


async def step(database: Database, desk: Desk, *, import_id: UUID, at: datetime) -> Import:
    """One batch in one transaction; how the import stands then."""
    try:
        async with database.transaction() as tx:
            job = await tx.maybe(SQL.hold_import, Import, id=import_id)
            if job is None:
                raise UnknownImport(import_id=import_id)
            if job.state not in ("waiting", "running"):
                return job
            return await _batch(tx, database, desk, job, at)
    except FileNotTaken as refusal:
        async with database.transaction() as tx:
            await tx.execute(SQL.end_import, id=import_id, state="failed", reason=refusal.rule, at=at)
            return await tx.one(SQL.import_, Import, id=import_id)


class _Given(Struct, frozen=True):
    """A row that could be read."""

    line: int
    raw: dict[str, Any]
    row: Any
    key: str


class _Tally:
    """What became of the rows of a batch."""

    def __init__(self) -> None:
        self.created = self.changed = self.unchanged = self.held = 0
        self.refused: list[RefusedRow] = []
        self.seen: list[Seen] = []
        self.agreed: list[tuple[str, str]] = []
        self.versions: dict[str, datetime] = {}

    def refuse(self, line: int, key: str, refusal: Refusal, raw: dict[str, Any]) -> None:
        facts = refusal.facts()
        field = str(facts.get("field", "")) or _field_of(refusal)
        reason = str(facts.get("rule", "")) or str(refusal)
        self.refused.append(RefusedRow(line, key[:200], field[:200], refusal.code, reason[:500], _bounded(raw)))


async def _batch(tx: Transaction, database: Database, desk: Desk, job: Import, at: datetime) -> Import:
    importer = importer_of(job.kind)
    encoding = job.options.get("encoding", "utf-8")
    body, last = await _bytes(tx, job)
    done, line, columns, delimiter = job.bytes_done, job.line, job.columns, ","
    taken = 0
    if job.format == "csv":
        if columns is None:
            columns, size, lines = heading(body, encoding)
            # The separator is kept with the heading, so that a resumed run reads on as it began.
            delimiter = delimiter_of(body[:size].decode(encoding))
            columns = [delimiter, *columns]
            _check_columns(columns[1:], importer)
            body, done, line = body[size:], done + size, line + lines
        delimiter = columns[0]
    given: list[_Given] = []
    tally = _Tally()
    context = Context(job.actor, at, job.created_at, job.source, job.options, job.dry_run, database, desk)
    names = (columns or [""])[1:]
    for record in records(
        body, format=job.format, columns=names, delimiter=delimiter, encoding=encoding, line=line, last=last
    ):
        done, taken = done + record.size, taken + 1
        line += record.lines
        if record.row or record.problem:
            _take(record, importer, context, given, tally)
        if taken >= importer.batch:
            break
    else:
        if not last and not taken:
            raise FileNotTaken(rule="rows that end: is a quote left open?")
    savepoint = tx.raw.transaction()
    await savepoint.start()
    try:
        await _put(tx, importer, given, context, tally)
    finally:
        # Rolled back before what is noted about the rows; that stays.
        await (savepoint.rollback() if job.dry_run else savepoint.commit())
    await _note(tx, job, tally, columns, done, line, at)
    if len(tally.refused) + job.refused > MAX_REFUSED:
        await _end(tx, job.id, "failed", f"more than {MAX_REFUSED:,} rows were refused", at)
    elif done >= job.bytes_total:
        await _end(tx, job.id, "done", "", at)
    return await tx.one(SQL.import_, Import, id=job.id)


async def _bytes(tx: Transaction, job: Import) -> tuple[bytes, bool]:
    """What follows the place in the file, some pieces of it, and whether that is all."""
    number = job.bytes_done // CHUNK_BYTES
    chunks: list[bytes] = await tx.values(SQL.chunks, import_id=job.id, number=number, limit=CHUNKS_READ)
    if not chunks:
        raise FileNotTaken(rule="the file is not kept any more; send it again")
    body = b"".join(chunks)[job.bytes_done - number * CHUNK_BYTES :]
    return body, job.bytes_done + len(body) >= job.bytes_total


def _check_columns(columns: Sequence[str], importer: Importer) -> None:
    """A heading that names no known column, or lacks one that names things, is another file's."""
    fields = importer.row.__struct_encode_fields__
    defaults = importer.row.__struct_defaults__
    required = fields[: len(fields) - len(defaults)]
    if missing := [name for name in required if name not in columns]:
        raise FileNotTaken(rule=f"a column {', '.join(missing)}; known are {', '.join(fields)}")
    unknown = [name for name in columns if name and name.partition(".")[0] not in fields]
    if unknown:
        raise FileNotTaken(rule=f"known columns only, not {', '.join(unknown[:10])}; known are {', '.join(fields)}")


def _take(record: Record, importer: Importer, context: Context, given: list[_Given], tally: _Tally) -> None:
    try:
        if record.problem:
            raise record.problem
        # Cells are text; JSON has types.
        row = converted(record.row, importer.row, text=bool(record.row) and _all_text(record.row, importer))
        given.append(_Given(record.line, record.row, row, importer.key(row, context)))
    except Refusal as refusal:
        tally.refuse(record.line, "", refusal, record.row)


def _all_text(row: Mapping[str, Any], importer: Importer) -> bool:
    return all(isinstance(value, str) for value in row.values())


async def _put(tx: Transaction, importer: Importer, given: Sequence[_Given], context: Context, tally: _Tally) -> None:
    """Put rows. Of one thing at most one row goes in at a time, in the order of the file."""
    waiting = list(given)
    known = await masters.masters_of(tx, importer.kind)
    while waiting:
        now: dict[str, _Given] = {}
        later: list[_Given] = []
        for one in waiting:
            if one.key in now:
                later.append(one)
            else:
                now[one.key] = one
        await _halved(
            tx, importer, await _fresh(tx, importer, list(now.values()), context, tally), known, context, tally
        )
        waiting = later


async def _fresh(
    tx: Transaction, importer: Importer, rows: list[_Given], context: Context, tally: _Tally
) -> list[_Given]:
    """Those rows that are not older than what their source said before."""
    moments = {one.key: moment for one in rows if isinstance(moment := getattr(one.row, CHANGED_AT, None), datetime)}
    if not moments:
        return rows
    noted = {
        found.key: found.changed_at
        for found in await tx.many(
            SQL.versions, _Version, kind=importer.kind, source=context.source, keys=list(moments)
        )
    }
    fresh: list[_Given] = []
    for one in rows:
        moment = moments.get(one.key)
        if moment is not None and one.key in noted and moment < noted[one.key]:
            tally.unchanged += 1
            continue
        if moment is not None:
            tally.versions[one.key] = moment
        fresh.append(one)
    return fresh


class _Version(Struct, frozen=True):
    key: str
    changed_at: datetime


async def _halved(
    tx: Transaction, importer: Importer, rows: Sequence[_Given], known: Masters, context: Context, tally: _Tally
) -> None:
    """Put rows together; if one is refused, halve them until it stands alone: ten halvings find one in a thousand."""
    if not rows:
        return
    trial = _Tally()
    try:
        async with tx.raw.transaction():
            await _together(tx, importer, rows, known, context, trial)
    except Refusal as refusal:
        if len(rows) == 1:
            tally.refuse(rows[0].line, rows[0].key, refusal, rows[0].raw)
            tally.versions.pop(rows[0].key, None)
            return
        middle = len(rows) // 2
        await _halved(tx, importer, rows[:middle], known, context, tally)
        await _halved(tx, importer, rows[middle:], known, context, tally)
        return
    tally.created += trial.created
    tally.changed += trial.changed
    tally.unchanged += trial.unchanged
    tally.held += trial.held
    tally.seen += trial.seen
    tally.agreed += trial.agreed


async def _together(
    tx: Transaction, importer: Importer, rows: Sequence[_Given], known: Masters, context: Context, tally: _Tally
) -> None:
    found = await importer.current(tx, [one.row for one in rows], context)
    applied: list[Any] = []
    before: list[Current] = []
    for one, current in zip(rows, found, strict=True):
        wanted = importer.wanted(one.row, current, context)
        row = _decided(one, wanted, current, known, context, tally)
        if row is not None:
            applied.append(row)
            before.append(current)
    if applied:
        await importer.apply(tx, applied, before, context)


def _decided(
    one: _Given, wanted: Mapping[str, Any], current: Current, known: Masters, context: Context, tally: _Tally
) -> Any:
    """The row with what its source has the say over, or None if nothing of it is to be put."""
    source = context.source
    if current is None:
        if known.of(EVERYTHING) != source:
            tally.seen.append(masters.seen(one.key, EVERYTHING, None, _plain(one.raw), _plain(one.raw)))
            tally.held += 1
            return None
        tally.created += 1
        return one.row
    differing = [field for field, value in wanted.items() if current.get(field) != value]
    mine = [field for field in differing if known.of(field) == source]
    others = [field for field in differing if field not in mine]
    for field in others:
        tally.seen.append(masters.seen(one.key, field, current.get(field), wanted[field], _plain(one.raw)))
    if source != LOTSE:  # Lotse's own files have no work list: what they may not say is theirs to know by the counts
        tally.agreed += [(one.key, field) for field in wanted if field not in differing or field in mine]
    if others:
        tally.held += 1
    elif mine:
        tally.changed += 1
    else:
        tally.unchanged += 1
    if not mine:
        return None
    return msgspec.structs.replace(one.row, **dict.fromkeys(others, msgspec.UNSET))


async def _note(
    tx: Transaction,
    job: Import,
    tally: _Tally,
    columns: list[str] | None,
    done: int,
    line: int,
    at: datetime,
) -> None:
    if not job.dry_run:
        await masters.see(
            tx, kind=job.kind, source=job.source, found=tally.seen, agreed=tally.agreed, options=job.options, at=at
        )
        if tally.versions:
            await tx.execute(
                SQL.note_versions,
                kind=job.kind,
                source=job.source,
                keys=list(tally.versions),
                moments=list(tally.versions.values()),
            )
    if tally.refused:
        await tx.execute(SQL.add_rows, import_id=job.id, rows=tally.refused)
    await tx.execute(
        SQL.advance,
        id=job.id,
        bytes_done=done,
        line=line,
        columns=columns,
        created=tally.created,
        changed=tally.changed,
        unchanged=tally.unchanged,
        held=tally.held,
        refused=len(tally.refused),
        at=at,
    )


async def _end(tx: Transaction, id: UUID, state: str, reason: str, at: datetime) -> None:
    await tx.execute(SQL.end_import, id=id, state=state, reason=reason, at=at)


# -- differences


async def take_theirs(database: Database, desk: Desk, *, ids: Sequence[UUID], by: str, at: datetime) -> int:
    """Put what a source said about fields that it has no say over, because a person decided so; how many.

    All or none. Refusals: those of the rows.
    """
    async with database.transaction() as tx:
        held = [
            one for one in await tx.many(masters.SQL.hold_differences, Difference, ids=list(ids)) if one.state == "open"
        ]
        for one in held:
            await take(tx, one, database, desk, by=by, at=at)
        await taken(tx, held, by=by, at=at)
    return len(held)


async def take(tx: Transaction, one: Difference, database: Database, desk: Desk, *, by: str, at: datetime) -> None:
    """Put what a source said, of one difference. Refusals: those of the row."""
    importer = importer_of(one.kind)
    context = Context(by, at, one.seen_at, one.source, one.options, False, database, desk)
    text = _all_text(one.row, importer)
    whole = converted(one.row, importer.row, text=text)
    [current] = await importer.current(tx, [whole], context)
    row = whole if one.field == EVERYTHING else _only(whole, one.field, importer)
    wanted = importer.wanted(row, current, context)
    if current is None or any(current.get(field) != value for field, value in wanted.items()):
        await importer.apply(tx, [row], [current], context)


async def taken(tx: Transaction, held: Sequence[Difference], *, by: str, at: datetime) -> None:
    """Note that these were decided so."""
    await tx.execute(masters.SQL.decide, ids=[one.id for one in held], state="taken", by=by, at=at)
    await audit.record_all(
        tx,
        actor=by,
        changes=[(f"{one.kind}.{one.field}:{one.key}", one.ours, one.theirs) for one in held],
        at=at,
        reason="taken from another system",
    )


def _only(row: Any, field: str, importer: Importer) -> Any:
    """The row with nothing but its name and one field."""
    given = {name: msgspec.UNSET for name in importer.fields if name != field and name in row.__struct_fields__}
    return msgspec.structs.replace(row, **given)


# -- what an operator can do


async def cancel(tx: Transaction, *, import_id: UUID, by: str, at: datetime) -> None:
    """Stop an import after its batch; what went in stays. Refusals: `UnknownImport`, `ImportNotOpen`."""
    found = await one(tx, import_id=import_id)
    if not await tx.execute(SQL.end_import, id=import_id, state="cancelled", reason=f"by {by}", at=at):
        raise ImportNotOpen(state=found.state)


async def resume(tx: Transaction, *, import_id: UUID) -> None:
    """Go on with an import that failed or was cancelled, where it stopped.

    Refusals: `UnknownImport`, `ImportNotOpen`.
    """
    found = await one(tx, import_id=import_id)
    if not await tx.execute(SQL.reopen, id=import_id):
        raise ImportNotOpen(state=found.state)
    await enqueue(tx, JOB, RunImport(import_id), unique=f"import:{import_id}")


async def one(conn: Connection, *, import_id: UUID) -> Import:
    """One import. Refusal: `UnknownImport`."""
    found = await conn.maybe(SQL.import_, Import, id=import_id)
    if found is None:
        raise UnknownImport(import_id=import_id)
    return found


async def imports(
    conn: Connection,
    *,
    kind: str | None = None,
    state: str | None = None,
    cursor: str | None = None,
    limit: int = PAGE_SIZE,
) -> Page[Import]:
    """The newest imports. Refusal: `BadCursor`."""
    begin = after(cursor, tuple[UUID])
    found = await conn.many(
        SQL.imports, Import, kind=kind, state=state, before=begin[0] if begin else None, limit=limit + 1
    )
    return paged(found, limit, ["id"])


async def refused_rows(
    conn: Connection, *, import_id: UUID, cursor: str | None = None, limit: int = PAGE_SIZE
) -> Page[RefusedRow]:
    """Rows that were not taken, in the order of the file. Refusals: `BadCursor`, `UnknownImport`."""
    begin = after(cursor, tuple[int])
    await one(conn, import_id=import_id)
    found = await conn.many(SQL.rows, RefusedRow, import_id=import_id, after=begin[0] if begin else 0, limit=limit + 1)
    return paged(found, limit, ["line"])


async def in_pieces(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Bytes that are there, as `receive` takes them."""
    for piece in pieces:
        yield piece


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def _bounded(raw: dict[str, Any]) -> dict[str, Any]:
    """A row as it is kept: without what no JSON column holds, and not longer than anybody reads."""
    text = msgspec.json.encode(raw).decode().replace("\\u0000", "\\ufffd")
    return msgspec.json.decode(text) if len(text) <= MAX_KEPT_CHARACTERS else {"row": text[:MAX_KEPT_CHARACTERS]}


def _field_of(refusal: Refusal) -> str:
    """Which field a refusal of a command is about, by the name of its first fact."""
    return next(iter(refusal.facts()), "") if refusal.facts() else ""


KEPT = timedelta(days=30)
