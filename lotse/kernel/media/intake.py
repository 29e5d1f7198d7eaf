"""Files on their way in: a stream becomes a file on this machine's disk, measured, hashed and bounded while it comes.

Nothing is held in memory, so many large uploads at once cost disk and not the process. What was begun and never ended
(a crash) lies in a folder that the sweep empties.
"""

import asyncio
import errno
import hashlib
import secrets
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from lotse.kernel.media.contracts import MediaBroken, MediaTooLarge, StoreFull, StoreUnavailable
from lotse.kernel.media.kinds import HEAD_BYTES, kind_of
from lotse.kernel.settings import Settings

# A photograph of 60 megapixels with room, and a catalogue as PDF. At 10 Mbit/s it arrives in 25 s, before a request's
# deadline ends it.
MAX_BYTES = 30 * 1024 * 1024
# Written in pieces, so that a slow sender does not make a system call per packet.
_PIECE = 1024 * 1024
# No upload lasts longer.
_ABANDONED_SECONDS = 3600


class Incoming(Struct, frozen=True):
    """A file that came: where it lies, its first bytes, its size and hash."""

    path: Path
    head: bytes
    size: int
    sha256: bytes

    @property
    def folder(self) -> Path:
        """Room for what is made of it; goes with it."""
        return self.path.parent


@asynccontextmanager
async def incoming(
    settings: Settings, stream: AsyncIterable[bytes], *, limit: int = MAX_BYTES
) -> AsyncGenerator[Incoming]:
    """A stream as a file, for the block. Refusals: `MediaTooLarge`, `MediaBroken` (0 bytes), `MediaTypeNotAllowed` as
    soon as its beginning is there, `StoreFull`."""
    folder = _room(settings)
    try:
        yield await _received(folder / "as-it-came", stream, limit)
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


@asynccontextmanager
async def room(settings: Settings) -> AsyncGenerator[Path]:
    """A folder to work in, for the block."""
    folder = _room(settings)
    try:
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def sweep(settings: Settings) -> int:
    """Remove what crashes left behind; how many."""
    old = time.time() - _ABANDONED_SECONDS
    swept = 0
    root = _root(settings)
    for folder in root.iterdir() if root.is_dir() else ():
        with suppress(FileNotFoundError):
            if folder.stat().st_mtime < old:
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def _root(settings: Settings) -> Path:
    # Beside the store and not in /tmp, which may be memory.
    return settings.home / "media" / ".incoming"


def _room(settings: Settings) -> Path:
    folder = _root(settings) / secrets.token_hex(8)
    try:
        folder.mkdir(parents=True, mode=0o700)
    except OSError as error:
        raise _refused(error) from error
    return folder


async def _received(path: Path, stream: AsyncIterable[bytes], limit: int) -> Incoming:
    digest = hashlib.sha256()
    head = b""
    size = 0
    waiting = bytearray()
    try:
        with path.open("xb") as file:
            async for piece in stream:
                size += len(piece)
                if size > limit:
                    raise MediaTooLarge(size=size, limit=limit)
                if len(head) < HEAD_BYTES:
                    head = (head + piece)[:HEAD_BYTES]
                    if len(head) == HEAD_BYTES:
                        kind_of(head)  # a film of an hour is refused by its first kilobyte
                waiting += piece
                if len(waiting) >= _PIECE:
                    content, waiting = bytes(waiting), bytearray()
                    await asyncio.to_thread(_write, file, digest, content)
            await asyncio.to_thread(_write, file, digest, bytes(waiting))
    except OSError as error:
        raise _refused(error) from error
    if not size:
        raise MediaBroken(rule="it is empty: 0 bytes")
    return Incoming(path, head, size, digest.digest())


def _write(file: BinaryIO, digest: Any, content: bytes) -> None:
    file.write(content)
    digest.update(content)


def _refused(error: OSError) -> StoreFull | StoreUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull()
    return StoreUnavailable(reason=error.strerror or type(error).__name__)
