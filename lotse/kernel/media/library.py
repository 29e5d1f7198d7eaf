"""The library: takes files in, gives them and their renditions out. One per process; holds no connection.

A file is stored first and its row written after, both in an order that every crash leaves whole: a file without a row
is swept, a row without a file cannot come about, because whoever removes one holds it against those who put it.
"""

import asyncio
import fcntl
import os
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import structlog

from lotse.kernel.db import Database
from lotse.kernel.media import commands, names, studio
from lotse.kernel.media.commands import NewMedium
from lotse.kernel.media.contracts import MediaBroken, MediaMismatch, Medium, StudioBusy, TooManyPixels
from lotse.kernel.media.drawings import MAX_BYTES as MAX_DRAWING_BYTES
from lotse.kernel.media.drawings import drawn_anew
from lotse.kernel.media.intake import MAX_BYTES, Incoming, incoming, room
from lotse.kernel.media.kinds import kind_of
from lotse.kernel.media.names import Name, Rendition
from lotse.kernel.media.queries import SQL
from lotse.kernel.media.store import Opened, Store, store_of
from lotse.kernel.refusals import Refusal
from lotse.kernel.settings import Settings

# How often somebody who waits looks whether a rendition is there.
_LOOK_SECONDS = 0.2
# The end of a PDF stands in its last kilobyte.
_PDF_END = 1024
# Renditions that wait to be cut in one process; at two a second the last of them waits for a minute.
_MOST_WAITING = 120
# What cannot be cut is not tried again by every visitor: a drawing that takes its ten seconds would keep the studio for
# itself.
_NOT_AGAIN_SECONDS = 3600.0
_MOST_REFUSED = 1_000

log = structlog.get_logger("lotse.media")


class Library:
    """Media of an installation."""

    def __init__(self, settings: Settings, store: Store | None = None) -> None:
        self.settings = settings
        self.store = store if store is not None else store_of(settings)
        # One maker per picture in this process; others wait for what it makes.
        self._making: dict[str, asyncio.Future[None]] = {}
        # What is being made by key: one task for all who ask for it, held here when they have left.
        self._begun: dict[str, asyncio.Task[int]] = {}
        # What cannot be cut, and until when nobody tries.
        self._refused: dict[str, tuple[float, Refusal]] = {}

    async def take(
        self,
        database: Database,
        stream: AsyncIterable[bytes],
        *,
        title: str = "",
        source_url: str | None = None,
        expected_sha256: bytes | None = None,
        limit: int = MAX_BYTES,
        by: str,
        at: datetime,
    ) -> Medium:
        """Take a file in: measured and hashed while it comes, judged by its content, pictures straightened in sRGB and
        without metadata, drawings written anew. The same file again, or one that is the same picture, is one medium.

        Refusals in this order: `MediaTooLarge`, `MediaTypeNotAllowed`, `StoreFull`, `MediaBroken`, `MediaMismatch`,
        `TooManyPixels`, `PictureMoves`, `DrawingNotSafe`, `StoreUnavailable`.
        """
        async with incoming(self.settings, stream, limit=limit) as came:
            if expected_sha256 is not None and came.sha256 != expected_sha256:
                raise MediaMismatch(expected=expected_sha256.hex(), found=came.sha256.hex())
            new, file = await self._judged(database, came)
            if isinstance(new, Medium):
                # What came before in the same bytes; it is wanted again.
                new = NewMedium(new.name, new.kind, new.media_type, new.size, new.width, new.height, new.title)
            title = _plain(title)
            new = NewMedium(
                new.name, new.kind, new.media_type, new.size, new.width, new.height, title, source_url=source_url
            )
            return await self._keep(database, new, file, came.sha256, by=by, at=at)

    async def _judged(self, database: Database, came: Incoming) -> tuple[NewMedium | Medium, Path | None]:
        """What came, as it is kept, with the file that holds it; None if the store has it."""
        kind = kind_of(came.head)
        async with database.reading() as conn:
            known = await conn.maybe(SQL.by_upload, Medium, sha256=came.sha256)
        if known is not None and await self._has(known):
            return known, None
        if kind == "picture":
            taken = await studio.take(came.path, came.folder)
            return await asyncio.to_thread(
                _named, taken.path, kind, taken.ending, taken.width, taken.height
            ), taken.path
        if kind == "drawing":
            drawing = drawn_anew(await asyncio.to_thread(_small, came.path))
            file = came.folder / "kept.svg"
            await asyncio.to_thread(file.write_bytes, drawing.content)
            return await asyncio.to_thread(_named, file, kind, "svg", drawing.width, drawing.height), file
        await asyncio.to_thread(_check_document, came.path)
        return await asyncio.to_thread(_named, came.path, kind, "pdf", None, None), came.path

    async def _has(self, known: Medium) -> bool:
        name = names.parsed(known.name)
        found = await self.store.find(names.key_of(name)) if name else None
        return found is not None and found.size == known.size

    async def _keep(
        self, database: Database, new: NewMedium, file: Path | None, came_as: bytes, *, by: str, at: datetime
    ) -> Medium:
        key = names.key_of(_name(new.name))
        if file is not None:
            await self.store.put(key, file)
        async with database.transaction() as tx:
            await tx.execute(SQL.hold, name=new.name)
            if file is not None and await self.store.find(key) is None:
                await self.store.put(key, file)  # removed between the two, as unused
            return (await commands.put(tx, [(new, came_as)], by=by, at=at))[0]

    async def take_drawings(
        self,
        database: Database,
        drawings: Sequence[tuple[bytes, str]],
        *,
        alts: Sequence[dict[str, str]] = (),
        kept: bool = False,
        by: str,
        at: datetime,
    ) -> list[str]:
        """Many drawings with their titles, by a program that made them; their names, in order. `alts` say what each
        shows, by language. Refusals as for `take`, of the first that is refused; none is kept then."""
        anew = await asyncio.to_thread(lambda: [drawn_anew(content) for content, _ in drawings])
        said: Sequence[dict[str, str]] = alts or [{} for _ in anew]
        new: list[tuple[NewMedium, bytes | None]] = []
        contents: dict[str, bytes] = {}
        for (content, title), drawing, alt in zip(drawings, anew, said, strict=True):
            name = Name(sha256(drawing.content).hexdigest(), drawing.width, drawing.height, "svg")
            contents[names.key_of(name)] = drawing.content
            row = NewMedium(
                str(name), "drawing", name.media_type, len(drawing.content), drawing.width, drawing.height,
                _plain(title), alt=alt, kept=kept,
            )  # fmt: skip
            new.append((row, sha256(content).digest()))
        await self.store.put_all(list(contents.items()))
        async with database.transaction() as tx:
            stored = await commands.put(tx, new, by=by, at=at)
        return [medium.name for medium in stored]

    # -- out

    async def find(self, name: Name) -> Opened | None:
        """The bytes of a medium. Refusal: `StoreUnavailable`."""
        return await self.store.find(names.key_of(name))

    async def rendition(self, name: Name, cut: Rendition, *, waits: bool = True) -> Opened | None:
        """A rendition; made now if it is missing, by one for all who wait, and to its end when they leave. None if its
        picture is not there.

        Refusals: `StoreUnavailable`, `StudioBusy` (also for who does not wait), and those of the studio for a picture
        that it cannot cut.
        """
        key = names.rendition_key(name, cut)
        found = await self.store.find(key)
        if found is not None:
            return found
        if await self.find(name) is None:  # asked here and not by the maker, so that no place is taken by what is not
            return None
        making = self._begun.get(key)
        if making is None:
            self._check_refused(name)
            if len(self._begun) >= _MOST_WAITING:
                raise StudioBusy(waiting=len(self._begun))
            making = self._begun[key] = asyncio.create_task(self.cut(name, [cut]))
            making.add_done_callback(lambda task: self._made(key, name, task))
        if not waits:
            raise StudioBusy(waiting=len(self._begun))
        # Whoever makes all of them puts each set away as it is done; this one need not wait for the last.
        while not making.done():
            await asyncio.wait({making}, timeout=_LOOK_SECONDS)
            # Not every server that speaks S3 shows an object only when it is whole.
            if not making.done() and (found := await self.store.find(key)) is not None and found.size:
                return found
        making.result()
        return await self.store.find(key)

    def _check_refused(self, name: Name) -> None:
        until, refusal = self._refused.get(str(name), (0.0, None))
        if refusal is not None and asyncio.get_running_loop().time() < until:
            raise refusal

    def _made(self, key: str, name: Name, task: asyncio.Task[int]) -> None:
        del self._begun[key]
        error = None if task.cancelled() else task.exception()
        if isinstance(error, MediaBroken | TooManyPixels):
            log.warning("cannot be cut", media=str(name), error=str(error))
            if len(self._refused) >= _MOST_REFUSED:
                self._refused.clear()
            self._refused[str(name)] = (asyncio.get_running_loop().time() + _NOT_AGAIN_SECONDS, error)

    async def cut(self, name: Name, wanted: Sequence[Rendition] | None = None) -> int:
        """Make the renditions of a picture that are missing (of those that are wanted); how many.

        One maker per picture: in this process by a future, on this machine by a lock on a file. Two machines that share
        a store may both make one, of the same bytes.
        """
        digest = str(name)
        while (making := self._making.get(digest)) is not None:
            await asyncio.shield(making)
        mine = self._making[digest] = asyncio.get_running_loop().create_future()
        try:
            async with self._alone(name):
                return await self._cut(name, names.renditions(name) if wanted is None else wanted)
        finally:
            del self._making[digest]
            mine.set_result(None)

    async def _cut(self, name: Name, wanted: Sequence[Rendition]) -> int:
        missing = [one for one in wanted if await self.store.find(names.rendition_key(name, one)) is None]
        opened = await self.find(name) if missing else None
        if opened is None:
            return 0
        async with room(self.settings) as folder:
            source = opened.path
            if source is None:
                source = folder / f"source.{name.ending}"
                await self._fetched(opened, source)
            work = studio.draw if name.is_drawing else studio.cut
            # WebP before AVIF: it is done in a tenth of its time, and somebody may be waiting.
            for format in ("jpg", *reversed(names.FORMATS)):
                these = [one for one in missing if one.format == format]
                if these:
                    sizes = [(one.width, name.height_at(one.width)) for one in these]
                    await work(source, folder, sizes, [format])
                for one in these:
                    await self.store.put(names.rendition_key(name, one), folder / f"{one.width}.{one.format}")
        return len(missing)

    async def _fetched(self, opened: Opened, target: Path) -> None:
        with target.open("xb") as file:
            async for piece in self.store.read(opened):
                await asyncio.to_thread(file.write, piece)

    @asynccontextmanager
    async def _alone(self, name: Name) -> AsyncGenerator[None]:
        folder = self.settings.home / "media" / ".making"
        folder.mkdir(parents=True, exist_ok=True)
        # 256 locks for all pictures: two that share one wait for each other once in a while, and nothing piles up.
        handle = os.open(folder / name.digest[:2], os.O_RDWR | os.O_CREAT, 0o600)
        try:
            # Tried again and again rather than waited for: a page's worth of waiting threads would be all there are.
            while not await asyncio.to_thread(_locked, handle):  # noqa: ASYNC110 - another process has it: no event tells
                await asyncio.sleep(_LOOK_SECONDS)
            yield
        finally:
            os.close(handle)

    # -- away

    async def remove(self, database: Database, name: str, *, unused_before: datetime | None = None) -> bool:
        """Remove a medium that nothing refers to, with its files; whether it was there (and unused for so long).
        Refusals: `MediaInUse`, `StoreUnavailable`."""
        known = _name(name)
        async with database.transaction() as tx:
            await tx.execute(SQL.hold, name=name)
            gone = await commands.remove(tx, name=name, unused_before=unused_before)
            if gone:
                # Before the commit: a crash leaves the row, whose file is missed by `lotse check` and put back by the
                # next upload, rather than bytes that nobody knows.
                await self.store.remove(names.key_of(known))
            return gone


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _name(text: str) -> Name:
    name = names.parsed(text)
    if name is None:
        raise ValueError(f"{text!r} is no name of a medium")
    return name


def _named(file: Path, kind: str, ending: str, width: int | None, height: int | None) -> NewMedium:
    digest = sha256()
    size = 0
    with file.open("rb") as opened:
        while piece := opened.read(1024 * 1024):
            digest.update(piece)
            size += len(piece)
    name = Name(digest.hexdigest(), width, height, ending)
    return NewMedium(str(name), kind, name.media_type, size, width, height, "")


def _small(path: Path) -> bytes:
    """A drawing's text, with one byte more than it may have at most."""
    with path.open("rb") as file:
        return file.read(MAX_DRAWING_BYTES + 1)


def _check_document(path: Path) -> None:
    """A PDF has an end. What is in it is not looked at: it is served as a PDF and nothing else, in a sandbox."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _PDF_END))
        if b"%%EOF" not in file.read():
            raise MediaBroken(rule="it begins like a PDF and has no end: it may have been cut off on its way")


def _plain(title: str) -> str:
    """A file's name as a title: its last part, printable, bounded."""
    last = title.replace("\\", "/").rpartition("/")[2]
    return "".join(letter for letter in last if letter.isprintable()).strip()[:200]
