"""Jobs of the library: cut what is new, fetch lists, remove what nothing refers to; and the proof that all is there.

Who refers to media says so in its `sql/reads.sql` by a statement whose name begins with `used_media`: it takes `names`
(text[]) and returns those of them that it uses.
"""

import asyncio
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from msgspec import Struct

from lotse.kernel import jobs as queue
from lotse.kernel import migrate
from lotse.kernel.check import Difference
from lotse.kernel.db import Connection, Database
from lotse.kernel.jobs import Job
from lotse.kernel.media import intake, names, queries
from lotse.kernel.media.commands import GRACE, CutAll, FetchList
from lotse.kernel.media.contracts import (
    FetchFailed,
    MediaBroken,
    MediaInUse,
    StoreFull,
    StoreUnavailable,
    StudioBusy,
    TooManyPixels,
)
from lotse.kernel.media.fetching import Fetcher, allowed_networks
from lotse.kernel.media.library import Library
from lotse.kernel.media.names import Rendition
from lotse.kernel.media.queries import SQL
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings
from lotse.kernel.sql import Statement, statements

PREFIX = "used_media"
# What was just uploaded is about to be used; looking at it would only say what everybody knows.
_YOUNG = timedelta(hours=1)
_AT_ONCE = 500
# A run of the fetching job ends before its limit does and puts the rest in anew.
_RUN_SECONDS = 200.0
_TRIES = 3
# What lists show on a phone and on a desk, in the format that nearly all browsers take. Larger and other ones are drawn
# when somebody asks: all twelve of each would keep a core busy for an hour with a catalogue of a thousand.
IN_LISTS = (Rendition(320, "avif"), Rendition(480, "avif"))
_REST = timedelta(seconds=30)
_FETCHES_KEPT = timedelta(days=30)

log = structlog.get_logger("lotse.media")


async def cut_all(database: Database, wanted: CutAll, *, at: datetime) -> int:
    """Cut a picture to every width that it has."""
    name = names.parsed(wanted.name)
    return await Library(Settings.load()).cut(name) if name else 0


async def draw_new(database: Database, *, at: datetime) -> int:
    """Draw what lists show of drawings, the newest first; how many renditions."""
    return await draw_missing(database, Library(Settings.load()))


async def draw_missing(database: Database, library: Library, *, seconds: float = _RUN_SECONDS) -> int:
    """As `draw_new`, for one library. Between two drawings it rests for as long as the one took: half a core at most,
    at the lowest priority. What is left after `seconds`, or when the worker ends, is put in anew."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    made, drawn = 0, 0
    cursor: str | None = None
    hopeless: set[str] = set()
    while True:
        async with database.reading() as conn:
            page = await queries.media(conn, kind="drawing", cursor=cursor, limit=_AT_ONCE)
        for medium in page.items:
            name = names.parsed(medium.name)
            wanted = [cut for cut in IN_LISTS if name and cut.width in name.widths]
            if name is None or medium.kept or not wanted or medium.name in hopeless:
                continue
            began = loop.time()
            try:
                cut = await library.cut(name, wanted)
            except (MediaBroken, TooManyPixels) as refusal:
                # It is shown as it is. The next visitor's asking leaves it alone, too: see `Library.rendition`.
                log.warning("cannot be drawn", media=medium.name, error=str(refusal))
                hopeless.add(medium.name)
                continue
            except StudioBusy:
                until = 0.0
                cut = 0
            made, drawn = made + cut, drawn + cut
            if loop.time() > until or queue.stopping():
                async with database.transaction() as tx:
                    # Without a name: this very run's is still taken.
                    await queue.enqueue(tx, "media.draw", after=_REST)
                return made
            if cut:
                await asyncio.sleep(loop.time() - began)
        cursor = page.next
        if cursor is None:
            # What came in meanwhile is newer than where it began.
            if not drawn:
                return made
            drawn = 0


async def fetch_all(database: Database, wanted: FetchList, *, at: datetime) -> int:
    """Work off a list of addresses; what is done stays done. How many came."""
    settings = Settings.load()
    return await fetch_wanted(database, Library(settings), Fetcher(allowed_networks(settings)), wanted, at=at)


class _Wanted(Struct, frozen=True):
    position: int
    url: str
    tries: int
    asked_by: str


async def fetch_wanted(
    database: Database, library: Library, fetcher: Fetcher, wanted: FetchList, *, at: datetime
) -> int:
    """As `fetch_all`, with what it works with given."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _RUN_SECONDS
    came = 0
    async with fetcher:
        while True:
            async with database.reading() as conn:
                one = await conn.maybe(SQL.next_wanted, _Wanted, batch_id=wanted.batch_id)
            if one is None:
                return came
            if loop.time() > until or queue.stopping():
                async with database.transaction() as tx:
                    # A second name, because the first is this very run's and still taken.
                    name = f"media.fetch:{wanted.batch_id}:{one.position}:{one.tries}"
                    await queue.enqueue(tx, "media.fetch", wanted, unique=name)
                return came
            came += await _fetch(database, library, fetcher, wanted, one, at=at)


async def _fetch(
    database: Database, library: Library, fetcher: Fetcher, wanted: FetchList, one: _Wanted, *, at: datetime
) -> bool:
    media, problem, state = None, None, "done"
    try:
        async with fetcher.fetched(one.url) as found:
            taken = await library.take(
                database, found.pieces(), title=found.title, source_url=one.url, by=one.asked_by, at=at
            )
            media = taken.name
    except (StoreUnavailable, StoreFull):
        raise  # nothing is wrong with the address: the whole job is tried again, with growing pauses
    except Refusal as refusal:
        problem = str(refusal)[:500]
        passing = isinstance(refusal, FetchFailed) and not refusal.lasting and one.tries + 1 < _TRIES
        state = "wanted" if passing else "failed"
    async with database.transaction() as tx:
        await tx.execute(
            SQL.note_fetch,
            batch_id=wanted.batch_id, position=one.position, state=state, media=media, problem=problem, at=at,
        )  # fmt: skip
    return media is not None


def users() -> list[Statement]:
    """Every statement that says which media are used."""
    return [
        statement
        for package in migrate.packages()
        for statement in statements(package, "reads")
        if statement.name.startswith(PREFIX)
    ]


async def used(conn: Connection, wanted: list[str]) -> set[str]:
    """Those of the names that something refers to."""
    found: set[str] = set()
    for statement in users():
        found |= set(await conn.values(statement, names=wanted))
    return found


async def sweep(database: Database, *, at: datetime) -> int:
    """Note what nothing refers to, and remove what nothing has referred to for the grace time; how many went."""
    settings = Settings.load()
    await asyncio.to_thread(intake.sweep, settings)
    async with database.transaction() as tx:
        await tx.execute(SQL.sweep_fetches, before=at - _FETCHES_KEPT, limit=10_000)
    return await sweep_unused(database, Library(settings), at=at)


async def sweep_unused(database: Database, library: Library, *, at: datetime, grace: timedelta = GRACE) -> int:
    """As `sweep`, for one library."""
    last = ""
    while True:
        async with database.transaction() as tx:
            found: list[str] = await tx.values(SQL.sweep_names, after=last, before=at - _YOUNG, limit=_AT_ONCE)
            if not found:
                break
            last = found[-1]
            in_use = await used(tx, found)
            await tx.execute(SQL.note_unused, names=found, used=sorted(in_use), at=at)
    removed = 0
    async with database.reading() as conn:
        going: list[str] = await conn.values(SQL.to_remove, before=at - grace, limit=10_000)
    for name in going:
        async with database.reading() as conn:
            if await used(conn, [name]):
                continue  # used since it was looked at; the next sweep notes it
        try:
            removed += await library.remove(database, name, unused_before=at - grace)
        except MediaInUse:
            log.warning("media in use by something that does not say so", media=name)
    return removed


class _Row(Struct, frozen=True):
    name: str
    size: int
    kind: str


async def differences(database: Database, library: Library, *, deep: bool = False) -> list[Difference]:
    """Where rows and files disagree: a row without its file or of another size; with `deep`, bytes that are not what
    their name says. A file without a row is no difference: it is being taken in, or the next sweep's."""
    # Rows first: what is taken in meanwhile has its file before its row, so every row of these has one by now.
    async with database.snapshot() as conn:
        rows = await conn.many(SQL.every, _Row)
    there = {key: size async for key, size in library.store.listed()}
    found: list[Difference] = []
    for row in rows:
        name = names.parsed(row.name)
        size = there.get(names.key_of(name)) if name else None
        if name is None or size is None or size != row.size:
            async with database.reading() as conn:
                if not await conn.many(SQL.by_names, _Name, names=[row.name]):
                    continue  # removed while this looked
            said = f"{size} bytes" if size is not None else "no file"
            found.append(Difference("kernel", "media_files", f"media:{row.name}", f"{row.size} bytes", said))
        elif deep:
            digest = await _digest(library, name, size)
            if digest != name.digest:
                found.append(Difference("kernel", "media_content", f"media:{row.name}", name.digest, digest))
    return found


class _Name(Struct, frozen=True):
    name: str


async def _digest(library: Library, name: names.Name, size: int) -> str:
    opened = await library.find(name)
    digest = sha256()
    if opened is not None:
        async for piece in library.store.read(opened):
            digest.update(piece)
    return digest.hexdigest()


jobs = (
    Job("media.cut", cut_all, payload=CutAll, at_once=1, rights=("media.write",)),
    # Each put of a drawing asks for it; at night, in case the last one asked while a run was about to end.
    Job("media.draw", draw_new, timetable="40 3 * * *", at_once=1, rights=("media.write",)),
    Job("media.fetch", fetch_all, payload=FetchList, at_once=2, rights=("media.write",)),
    Job("media.sweep", sweep, timetable="50 2 * * *", rights=("media.write",)),
)
