"""The desk over a Unix socket: msgspec frames, many requests in flight on one connection.

A frame is four bytes of length (big endian) and a msgpack array. A request carries its idempotency key, so a client
that lost its connection sends it again and can never cause a second order; the desk answers what it answered before.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import msgspec
import structlog

from lotse.kernel import idempotency
from lotse.kernel.desk.desk import MAX_QUEUE, DeskBusy, InProcessDesk, OutcomeUnknown
from lotse.kernel.idempotency import Key
from lotse.kernel.refusals import Refusal

log = structlog.get_logger()

A = TypeVar("A", bound=msgspec.Struct)

# An order of two thousand lines is about one megabyte; nothing a desk does is larger.
MAX_FRAME = 8 * 1024 * 1024
# How long a client goes on asking again after the desk went away: a restart of the desk takes about a second.
PATIENCE_SECONDS = 10.0
RECONNECT_SECONDS = 0.05


class _Question(msgspec.Struct, array_like=True):
    sequence: int
    kind: str
    key: Key
    at: datetime
    request: msgspec.Raw


class _Reply(msgspec.Struct, array_like=True):
    sequence: int
    kept: bytes | None
    error: str | None


async def serve(desk: InProcessDesk, path: Path) -> None:
    """Answer on a socket that only this user can reach, until cancelled."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anybody waits; a desk that was killed leaves its socket; the supervisor runs one desk per path
    umask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(lambda r, w: _serve_client(desk, r, w), path=path, limit=MAX_FRAME)
    finally:
        os.umask(umask)
    async with server:
        await server.serve_forever()


async def _serve_client(desk: InProcessDesk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    decoders = {name: msgspec.msgpack.Decoder(kind.request) for name, kind in desk.known().kinds.items()}
    underway: set[asyncio.Task[None]] = set()

    async def answer(question: _Question) -> None:
        kept: bytes | None = None
        error: str | None = None
        try:
            request = decoders[question.kind].decode(question.request)
            kept = await desk.submit_raw(question.kind, request, key=question.key, at=question.at)
        except Refusal as refusal:
            kept = idempotency.encode_refusal(refusal)
        except Exception as bug:
            # The desk has logged it with its traceback; the asker gets its name and raises it as a bug there.
            error = f"{type(bug).__name__}: {bug}"
        if not writer.is_closing():
            _write_frame(writer, _Reply(question.sequence, kept, error))

    try:
        while (frame := await _read_frame(reader)) is not None:
            task = asyncio.create_task(answer(msgspec.msgpack.decode(frame, type=_Question)))
            underway.add(task)
            task.add_done_callback(underway.discard)
            await writer.drain()
    except (ConnectionError, msgspec.DecodeError) as error:
        log.warning("desk client dropped", error=repr(error))
    finally:
        writer.close()


class DeskClient:
    """A desk in another process of this host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence = 0
        self._pending: dict[int, asyncio.Future[_Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def submit(self, kind: str, request: msgspec.Struct, answer: type[A], *, key: Key, at: datetime) -> A:
        """Ask; ask again with the same key when the connection is lost, until `PATIENCE_SECONDS` are over.

        Refusal: `DeskBusy`, also when as much of this process waits for the desk as the desk itself would hold.
        """
        if len(self._pending) >= MAX_QUEUE:
            raise DeskBusy()
        body = msgspec.Raw(msgspec.msgpack.encode(request))
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                reply = await self._ask(kind, key, at, body)
                break
            except OSError as lost:
                if loop.time() >= until:
                    raise OutcomeUnknown(key=key.key) from lost
                await asyncio.sleep(RECONNECT_SECONDS)
        if reply.kept is None:
            raise RuntimeError(f"desk: {reply.error}")
        return idempotency.decode(reply.kept, answer)

    async def ready(self) -> bool:
        """Is somebody listening?"""
        try:
            await self._connected()
        except OSError:
            return False
        return True

    async def close(self) -> None:
        if self._reading:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._writer:
            self._writer.close()

    async def _ask(self, kind: str, key: Key, at: datetime, body: msgspec.Raw) -> _Reply:
        writer = await self._connected()
        self._sequence += 1
        sequence = self._sequence
        reply: asyncio.Future[_Reply] = asyncio.get_running_loop().create_future()
        self._pending[sequence] = reply
        try:
            _write_frame(writer, _Question(sequence, kind, key, at, body))
            await writer.drain()
            return await reply
        finally:
            self._pending.pop(sequence, None)

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is None or self._writer.is_closing():
                reader, self._writer = await asyncio.open_unix_connection(self._path, limit=MAX_FRAME)
                self._reading = asyncio.create_task(self._read(reader, self._writer))
            return self._writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (frame := await _read_frame(reader)) is not None:
                reply = msgspec.msgpack.decode(frame, type=_Reply)
                waiting = self._pending.get(reply.sequence)
                if waiting and not waiting.done():
                    waiting.set_result(reply)
        except OSError:
            pass  # told to everybody who waits, below
        finally:
            writer.close()
            for waiting in self._pending.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError("the desk closed its connection"))


@asynccontextmanager
async def connected(path: Path) -> AsyncGenerator[DeskClient]:
    """A client of the desk at `path` for the life of the block; connects when first asked."""
    client = DeskClient(path)
    try:
        yield client
    finally:
        await client.close()


def _write_frame(writer: asyncio.StreamWriter, message: msgspec.Struct) -> None:
    body = msgspec.msgpack.encode(message)
    if len(body) > MAX_FRAME:
        raise ValueError(f"a frame of {len(body)} bytes; {MAX_FRAME} are allowed")
    writer.write(len(body).to_bytes(4, "big") + body)


async def _read_frame(reader: asyncio.StreamReader) -> bytes | None:
    try:
        length = int.from_bytes(await reader.readexactly(4), "big")
        if length > MAX_FRAME:
            raise ConnectionError(f"a frame of {length} bytes announced; {MAX_FRAME} are allowed")
        return await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return None
