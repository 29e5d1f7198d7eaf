"""Where media lie: a folder below `LOTSE_HOME`, or a bucket of S3. Nothing is ever overwritten with something else,
because a key says the content.

The client of S3 is obstore (the Rust crate object_store in a wheel): it streams, signs, retries with pauses and has
types; botocore's relatives bring forty times as much code and a pinned forest of versions. The folder is ours, because
obstore's local store does not wait for the disk.
"""

import asyncio
import errno
import os
import re
import secrets
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from lotse.kernel.media.contracts import StoreFull, StoreUnavailable
from lotse.kernel.settings import Settings, SettingsError

if TYPE_CHECKING:
    from obstore.store import S3Store

# A reader that is slow gets the next piece when it has taken this one.
PIECE_BYTES = 256 * 1024
# A bucket that does not answer in this time is down; who waits is a visitor.
_S3_SECONDS = 10
_S3_RETRIES = 2
# A folder is read and written by threads; a disk serves a few at once best.
_AT_ONCE = 8
_BUCKET = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[\w./-]*))?")


class Opened(Struct, frozen=True):
    """Something of the store to read: its size in bytes, and its file if it has one on this machine."""

    key: str
    size: int
    path: Path | None


class Store(Protocol):
    """What media need of a store. Every method may refuse with `StoreUnavailable`, writing ones with `StoreFull`."""

    async def put(self, key: str, file: Path) -> None:
        """Keep a file under a key; what is there already is the same and stays. Returns once it would survive a power
        cut."""
        ...

    async def put_all(self, contents: Sequence[tuple[str, bytes]]) -> None:
        """Keep many small contents."""
        ...

    async def find(self, key: str) -> Opened | None:
        """What lies under a key."""
        ...

    def read(self, opened: Opened, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Its bytes from `start` up to and without `end`, in pieces."""
        ...

    async def remove(self, prefix: str) -> int:
        """Take away what lies at this key and beside it (its renditions); how many files."""
        ...

    def listed(self) -> AsyncIterator[tuple[str, int]]:
        """Every key with its size, in no order."""
        ...


def store_of(settings: Settings) -> Store:
    """The store that the settings name. `SettingsError` for an address that is none."""
    if not settings.media_store:
        return Folder(settings.home / "media", durable=settings.postgres_fsync)
    found = _BUCKET.fullmatch(settings.media_store)
    if found is None:
        raise SettingsError(f"LOTSE_MEDIA_STORE: s3://bucket or s3://bucket/folder, not {settings.media_store!r}")
    return Bucket(settings, found["bucket"], (found["prefix"] or "").strip("/"))


class Folder:
    """Files below a folder. A file appears whole or not at all: it is written beside its place, and moved there after
    the disk has it; then the folder's entry is waited for."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        """`durable` off is for tests: nothing is waited for, as in `LOTSE_POSTGRES_FSYNC`."""
        self._root = root
        self._durable = durable

    async def put(self, key: str, file: Path) -> None:
        await asyncio.to_thread(self._keep, key, file)

    async def put_all(self, contents: Sequence[tuple[str, bytes]]) -> None:
        await asyncio.to_thread(self._keep_all, contents)

    async def find(self, key: str) -> Opened | None:
        path = self._root / key
        try:
            size = (await asyncio.to_thread(path.stat)).st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unavailable(error) from error
        return Opened(key, size, path)

    async def read(self, opened: Opened, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        end = opened.size if end is None else min(end, opened.size)
        if opened.path is None:
            raise TypeError("this was opened by another store")
        try:
            handle = await asyncio.to_thread(os.open, opened.path, os.O_RDONLY)
        except OSError as error:
            raise _unavailable(error) from error
        try:
            while start < end:
                piece = await asyncio.to_thread(os.pread, handle, min(PIECE_BYTES, end - start), start)
                if not piece:
                    raise StoreUnavailable(reason=f"{opened.key} is shorter than it was")
                start += len(piece)
                yield piece
        finally:
            os.close(handle)

    async def remove(self, prefix: str) -> int:
        return await asyncio.to_thread(self._remove, prefix)

    async def listed(self) -> AsyncIterator[tuple[str, int]]:
        for key, size in await asyncio.to_thread(self._list):
            yield key, size

    def _keep(self, key: str, file: Path) -> None:
        target = self._root / key
        if target.exists():
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            beside = target.parent / f".put-{secrets.token_hex(8)}"
            try:
                _copy(file, beside, durable=self._durable)
                beside.replace(target)
            except BaseException:
                with suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise
            if self._durable:
                _wait_for_entry(target.parent, self._root)
        except OSError as error:
            raise _unavailable(error) from error

    def _keep_all(self, contents: Sequence[tuple[str, bytes]]) -> None:
        def keep(one: tuple[str, bytes]) -> None:
            key, content = one
            target = self._root / key
            if target.exists():
                return
            beside = target.parent / f".put-{secrets.token_hex(8)}"
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with beside.open("wb") as file:
                    file.write(content)
                    file.flush()
                    if self._durable:
                        os.fsync(file.fileno())
                beside.replace(target)
            except OSError as error:
                with suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise _unavailable(error) from error

        # The disk waits for several at once as long as for one.
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(keep, contents))
        if self._durable:
            for folder in sorted({(self._root / key).parent for key, _ in contents}):
                _wait_for_entry(folder, self._root)

    def _remove(self, prefix: str) -> int:
        target = self._root / prefix
        removed = 0
        try:
            beside = target.with_name(target.name + ".d")
            for path in sorted(beside.glob("*")) if beside.is_dir() else ():
                path.unlink(missing_ok=True)
                removed += 1
            if beside.is_dir():
                with suppress(OSError):  # a rendition is being made at this moment; the next sweep takes it
                    beside.rmdir()
            if target.exists():
                target.unlink(missing_ok=True)
                removed += 1
        except OSError as error:
            raise _unavailable(error) from error
        return removed

    def _list(self) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        for folder, _, names in os.walk(self._root):
            inside = Path(folder)
            if inside.name.startswith("."):
                continue
            for name in names:
                if not name.startswith("."):
                    path = inside / name
                    with suppress(FileNotFoundError):  # removed since
                        found.append((path.relative_to(self._root).as_posix(), path.stat().st_size))
        return found


class Bucket:
    """Objects below a prefix of a bucket. S3 shows an object whole or not at all."""

    def __init__(self, settings: Settings, bucket: str, prefix: str) -> None:
        self._settings = settings
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._opened: S3Store | None = None

    async def put(self, key: str, file: Path) -> None:
        import obstore

        try:
            await obstore.put_async(self._store(), self._prefix + key, file, attributes=_attributes(key))
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error

    async def put_all(self, contents: Sequence[tuple[str, bytes]]) -> None:
        import obstore

        places = asyncio.Semaphore(_AT_ONCE)

        async def keep(key: str, content: bytes) -> None:
            async with places:
                await obstore.put_async(self._store(), self._prefix + key, content, attributes=_attributes(key))

        try:
            await asyncio.gather(*(keep(key, content) for key, content in contents))
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error

    async def find(self, key: str) -> Opened | None:
        import obstore

        try:
            found = await obstore.head_async(self._store(), self._prefix + key)
        except FileNotFoundError:
            return None
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error
        return Opened(key, found["size"], None)

    async def read(self, opened: Opened, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        import obstore

        end = opened.size if end is None else min(end, opened.size)
        if start >= end:
            return
        try:
            answer = await obstore.get_async(self._store(), self._prefix + opened.key, options={"range": (start, end)})
            async for piece in answer.stream(min_chunk_size=PIECE_BYTES):
                yield bytes(piece)
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error

    async def remove(self, prefix: str) -> int:
        import obstore

        try:
            keys = [prefix] if await self.find(prefix) else []
            async for batch in obstore.list(self._store(), prefix=f"{self._prefix}{prefix}.d/"):  # pyright: ignore[reportUnknownMemberType] - its stubs know arrow
                keys += [found["path"].removeprefix(self._prefix) for found in batch]
            if keys:
                await obstore.delete_async(self._store(), [self._prefix + key for key in keys])
        except FileNotFoundError:
            return 0  # somebody else removed it
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error
        return len(keys)

    async def listed(self) -> AsyncIterator[tuple[str, int]]:
        import obstore

        try:
            async for batch in obstore.list(self._store(), prefix=self._prefix or None):  # pyright: ignore[reportUnknownMemberType] - its stubs know arrow
                for found in batch:
                    yield found["path"].removeprefix(self._prefix), found["size"]
        except (obstore.exceptions.BaseError, OSError) as error:
            raise _refused(error) from error

    def _store(self) -> "S3Store":
        if self._opened is None:
            from obstore.store import S3Store  # a wheel of 10 MB, loaded by those who use it

            settings = self._settings
            given: dict[str, Any] = {"region": settings.media_s3_region}
            if settings.media_s3_endpoint:
                given |= {"endpoint": settings.media_s3_endpoint, "virtual_hosted_style_request": False}
            if settings.media_s3_key_id:  # without one obstore asks as AWS's own tools do: environment, role, instance
                given |= {
                    "access_key_id": settings.media_s3_key_id,
                    "secret_access_key": settings.media_s3_secret,
                }
            self._opened = S3Store(
                self._bucket,
                **given,
                client_options={
                    "allow_http": settings.media_s3_endpoint.startswith("http://"),
                    "connect_timeout": timedelta(seconds=_S3_SECONDS / 4),
                    "timeout": timedelta(seconds=_S3_SECONDS * 3),
                },
                retry_config={"max_retries": _S3_RETRIES, "retry_timeout": timedelta(seconds=_S3_SECONDS)},
            )
        return self._opened


def _attributes(key: str) -> dict[str, str]:
    """What a CDN in front of the bucket needs."""
    from lotse.kernel.media.names import TYPES

    return {
        "Content-Type": TYPES.get(key.rpartition(".")[2], "application/octet-stream"),
        "Cache-Control": "public, max-age=31536000, immutable",
    }


def _copy(source: Path, target: Path, *, durable: bool) -> None:
    with source.open("rb") as incoming, target.open("xb") as file:
        while piece := incoming.read(1024 * 1024):
            file.write(piece)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        if durable:
            os.fsync(file.fileno())


def _wait_for_entry(folder: Path, root: Path) -> None:
    """A file's name is in its folder, the folder's in its own: all the way up to what was there before."""
    while True:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        if folder == root or root not in folder.parents:
            return
        folder = folder.parent


def _unavailable(error: OSError) -> StoreFull | StoreUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull()
    return StoreUnavailable(reason=error.strerror or type(error).__name__)


def _refused(error: Exception) -> StoreFull | StoreUnavailable:
    """What the S3 server said, without addresses and keys: the sentence before obstore's own account of it."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull()
    said = str(error).partition("\n")[0]
    if "InsufficientStorage" in said or "QuotaExceeded" in said or "507" in said:
        return StoreFull()
    return StoreUnavailable(reason=f"S3: {re.sub(r'https?://[^ ]+', 'the bucket', said)[:200]}")
