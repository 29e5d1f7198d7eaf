"""The desk over a Unix socket: msgspec frames, many requests in flight on one connection.

A frame is four bytes of length (big endian) and a msgpack array. A request carries its idempotency key, so a client
that lost its connection sends it again and can never cause a second order; the desk answers what it answered before.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

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


_encode = msgspec.msgpack.Encoder().encode
_question = msgspec.msgpack.Decoder(_Question).decode
_reply = msgspec.msgpack.Decoder(_Reply).decode


class _Frames(asyncio.Protocol):
    """Frames over a socket, many per system call.

    What is sent in one turn of the event loop goes out in one write, and what came in is taken apart in one go: a
    batch of answers is one write at the desk and one read at the api. With streams, each frame cost a write, two
    awaited reads and a drain.
    """

    def __init__(self, got: Callable[[bytes], None], lost: Callable[["_Frames"], None]) -> None:
        self._got = got
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._inbox = bytearray()
        self._outbox: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._inbox += data
        inbox, begin = self._inbox, 0
        while len(inbox) - begin >= 4:
            length = int.from_bytes(inbox[begin : begin + 4], "big")
            if length > MAX_FRAME:
                log.warning("desk connection dropped", error=f"a frame of {length} bytes; {MAX_FRAME} are allowed")
                self.close()
                return
            if len(inbox) - begin - 4 < length:
                break
            frame = bytes(inbox[begin + 4 : begin + 4 + length])
            begin += 4 + length
            try:
                self._got(frame)
            except msgspec.DecodeError as error:
                log.warning("desk connection dropped", error=repr(error))
                self.close()
                return
        del inbox[:begin]

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._outbox.clear()
        self._lost(self)

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, message: msgspec.Struct) -> None:
        """Goes out at the end of this turn. `ConnectionResetError` if nobody is there, `ValueError` for its size."""
        if not self.is_open:
            raise ConnectionResetError("the connection is closed")
        body = _encode(message)
        if len(body) > MAX_FRAME:
            raise ValueError(f"a frame of {len(body)} bytes; {MAX_FRAME} are allowed")
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.append(len(body).to_bytes(4, "big"))
        self._outbox.append(body)

    def close(self) -> None:
        if self._transport:
            self._flush()
            self._transport.close()

    def _flush(self) -> None:
        if self._outbox and self._transport and not self._transport.is_closing():
            # Unbounded buffering is not possible: a client has no more under way than the desk's queue holds.
            self._transport.write(b"".join(self._outbox))
        self._outbox.clear()


async def serve(desk: InProcessDesk, path: Path) -> None:
    """Answer on a socket that only this user can reach, until cancelled."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, before anybody waits; a desk that was killed leaves its socket; the supervisor runs one desk per path
    clients: set[_Client] = set()

    def accept() -> _Frames:
        client = _Client(desk, clients.discard)
        clients.add(client)
        return client.frames

    umask = os.umask(0o177)
    try:
        server = await asyncio.get_running_loop().create_unix_server(accept, path=str(path))
    finally:
        os.umask(umask)
    try:
        async with server:
            await server.serve_forever()
    finally:
        for client in list(clients):
            client.frames.close()


class _Client:
    """One connection at the desk."""

    def __init__(self, desk: InProcessDesk, gone: Callable[["_Client"], None]) -> None:
        self.frames = _Frames(self._asked, lambda _: gone(self))
        self._desk = desk

    def _asked(self, frame: bytes) -> None:
        question = _question(frame)
        try:
            kind = self._desk.known().kinds[question.kind]
            request = kind.decode(question.request)
            done = self._desk.enqueue(kind, request, key=question.key, at=question.at)
        except Exception as refused:
            self._answer(question.sequence, None, refused)
            return
        done.add_done_callback(lambda done: self._done(question.sequence, done))

    def _done(self, sequence: int, done: "asyncio.Future[bytes]") -> None:
        error = asyncio.CancelledError() if done.cancelled() else done.exception()
        self._answer(sequence, None if error else done.result(), error)

    def _answer(self, sequence: int, kept: bytes | None, error: BaseException | None) -> None:
        if not self.frames.is_open:
            return  # it asks again with its key, and is told then
        if isinstance(error, Refusal):
            self.frames.send(_Reply(sequence, idempotency.encode_refusal(error), None))
        elif error is not None:
            # The desk has logged it with its traceback; the asker gets its name and raises it as a bug there.
            self.frames.send(_Reply(sequence, None, f"{type(error).__name__}: {error}"))
        else:
            self.frames.send(_Reply(sequence, kept, None))


class DeskClient:
    """A desk in another process of this host."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sequence = 0
        self._pending: dict[int, tuple[_Frames, asyncio.Future[_Reply]]] = {}
        self._frames: _Frames | None = None
        self._connecting = asyncio.Lock()

    async def submit(self, kind: str, request: msgspec.Struct, answer: type[A], *, key: Key, at: datetime) -> A:
        """Ask; ask again with the same key when the connection is lost, until `PATIENCE_SECONDS` are over.

        Refusal: `DeskBusy`, also when as much of this process waits for the desk as the desk itself would hold.
        """
        if len(self._pending) >= MAX_QUEUE:
            raise DeskBusy()
        body = msgspec.Raw(_encode(request))
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            try:
                reply = await self._ask(kind, key, at, body)
                break
            except OSError as lost:
                if asyncio.get_running_loop().time() >= until:
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
        if self._frames:
            self._frames.close()

    async def _ask(self, kind: str, key: Key, at: datetime, body: msgspec.Raw) -> _Reply:
        frames = self._frames
        if frames is None or not frames.is_open:
            frames = await self._connected()
        self._sequence += 1
        sequence = self._sequence
        reply: asyncio.Future[_Reply] = asyncio.get_running_loop().create_future()
        self._pending[sequence] = (frames, reply)
        try:
            frames.send(_Question(sequence, kind, key, at, body))
            return await reply
        finally:
            del self._pending[sequence]

    async def _connected(self) -> _Frames:
        async with self._connecting:
            if self._frames is None or not self._frames.is_open:
                loop = asyncio.get_running_loop()
                _, self._frames = await loop.create_unix_connection(
                    lambda: _Frames(self._got, self._lost), str(self._path)
                )
            return self._frames

    def _got(self, frame: bytes) -> None:
        reply = _reply(frame)
        _, waiting = self._pending.get(reply.sequence, (None, None))
        if waiting and not waiting.done():
            waiting.set_result(reply)

    def _lost(self, frames: _Frames) -> None:
        for asked_on, waiting in self._pending.values():
            if asked_on is frames and not waiting.done():
                waiting.set_exception(ConnectionResetError("the desk closed its connection"))


@asynccontextmanager
async def connected(path: Path) -> AsyncGenerator[DeskClient]:
    """A client of the desk at `path` for the life of the block; connects when first asked."""
    client = DeskClient(path)
    try:
        yield client
    finally:
        await client.close()
