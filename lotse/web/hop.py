"""One hop of HTTP/1.1: asks a server that we run ourselves, over connections that are kept open.

A page request passes here twenty times for each order, so what a general client does besides (cookies, redirects,
proxies, decompression, URLs taken apart and put together) is left out: 0.2 ms of CPU per request instead of 0.9.
The answer is parsed by httptools, which is Node's parser.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httptools

Headers = list[tuple[bytes, bytes]]

# More of an answer than this is not read ahead of the visitor who takes it.
_AHEAD_BYTES = 512 * 1024
# How long a connection may take to be made: the other end is this machine or its neighbour.
_CONNECT_SECONDS = 2.0


class NotReached(Exception):
    """No connection could be made; nothing was sent."""


class Broken(Exception):
    """The connection ended before the answer did. `fresh`: it had answered nothing before, so it was no idle one that
    the other end had just closed."""

    def __init__(self, message: str, *, fresh: bool) -> None:
        super().__init__(message)
        self.fresh = fresh


class Answer:
    """An answer whose head is there. `whole` is its body if all of it came with the head, else read `chunks`."""

    __slots__ = ("_line", "headers", "status")

    def __init__(self, line: "_Line", status: int, headers: Headers) -> None:
        self._line = line
        self.status = status
        self.headers = headers

    @property
    def whole(self) -> bytes | None:
        return self._line.taken() if self._line.is_complete else None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises `Broken`, `TimeoutError`."""
        while (chunk := await self._line.read()) is not None:
            yield chunk


class Hop:
    """Connections to one server: a Unix socket's path or `host:port`. At most `most` requests are under way."""

    def __init__(self, address: str, *, most: int, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        self._idle: deque[_Line] = deque()
        self._places = asyncio.Semaphore(most)

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def ask(self, head: bytes, body: AsyncIterator[bytes] | None, *, chunked: bool) -> "Asked":
        """Send a request; use what it returns as a context, so that the connection is given back.

        `head` ends with an empty line and says `chunked` if the body's length is unknown. Raises `NotReached`,
        `Broken`, `TimeoutError`, and whatever reading the body raises.
        """
        await self._places.acquire()
        line: _Line | None = None
        try:
            line = self._kept() or await self._connected()
            answer = await line.ask(head, body, chunked, self._timeout_seconds)
        except BaseException:
            if line is not None:
                line.close()
            self._places.release()
            raise
        return Asked(self, line, answer)

    def give_back(self, line: "_Line") -> None:
        """The context's end: a connection whose answer was read to its end serves again."""
        self._places.release()
        if line.is_reusable:
            self._idle.append(line)
        else:
            line.close()

    def _kept(self) -> "_Line | None":
        while self._idle:
            line = self._idle.pop()  # the one used last is the least likely to have been closed meanwhile
            if line.is_reusable:
                return line
        return None

    async def _connected(self) -> "_Line":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                if "/" in self._address:
                    _, line = await loop.create_unix_connection(_Line, self._address)
                else:
                    host, _, port = self._address.rpartition(":")
                    _, line = await loop.create_connection(_Line, host.strip("[]"), int(port))
        except (OSError, TimeoutError) as error:
            raise NotReached(f"{self._address}: {error}") from error
        return line


class Asked:
    """The context of one answer."""

    __slots__ = ("_hop", "_line", "answer")

    def __init__(self, hop: Hop, line: "_Line", answer: Answer) -> None:
        self._hop = hop
        self._line = line
        self.answer = answer

    async def __aenter__(self) -> Answer:
        return self.answer

    async def __aexit__(self, *_: object) -> None:
        self._hop.give_back(self._line)


class _Line(asyncio.Protocol):
    """One connection with one request at a time under way."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: Any = None
        self._parser: Any = None
        self._headers: Headers = []
        self._chunks: deque[bytes] = deque()
        self._ahead = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._writable: asyncio.Future[None] | None = None
        self._timeout_seconds = 0.0
        self._asked = 0
        self._has_head = False
        self._error: Exception | None = None
        self.is_complete = False
        self._keeps = False
        self._is_sent = False
        self._lost = False

    # -- what the hop calls

    @property
    def is_reusable(self) -> bool:
        return self.is_complete and self._keeps and self._is_sent and not self._lost and not self._chunks

    async def ask(
        self, head: bytes, body: AsyncIterator[bytes] | None, chunked: bool, timeout_seconds: float
    ) -> Answer:
        self._parser = httptools.HttpResponseParser(self)
        self._headers = []
        self._has_head = self.is_complete = self._keeps = self._is_sent = False
        self._timeout_seconds = timeout_seconds
        self._asked += 1
        if body is None:
            self._transport.write(head)
            self._is_sent = True
        else:
            await self._send(head, body, chunked)
        while not self._has_head:
            if self._lost or self._error:
                raise self._broken()
            await self._wait()
        return Answer(self, self._parser.get_status_code(), self._headers)

    async def read(self) -> bytes | None:
        """The next piece of the body; None after the last."""
        while not self._chunks:
            if self.is_complete:
                return None
            if self._lost or self._error:
                raise self._broken()
            await self._wait()
        chunk = self._chunks.popleft()
        self._ahead -= len(chunk)
        if self._paused and self._ahead < _AHEAD_BYTES:
            self._paused = False
            self._transport.resume_reading()
        return chunk

    def taken(self) -> bytes:
        """All that came and was not read yet."""
        body = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        self._ahead = 0
        return body

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _send(self, head: bytes, body: AsyncIterator[bytes], chunked: bool) -> None:
        self._transport.write(head)
        async for chunk in body:
            if self._transport.is_closing():
                return  # it has said all it wanted to say
            if chunked:
                self._transport.writelines((b"%x\r\n" % len(chunk), chunk, b"\r\n"))
            else:
                self._transport.write(chunk)
            if self._writable is not None:
                await self._writable
            if self._lost or self._has_head:
                return  # it does not want to hear the rest
        if chunked:
            self._transport.write(b"0\r\n\r\n")
        self._is_sent = True

    async def _wait(self) -> None:
        self._waiter = waiter = self._loop.create_future()
        # A handle and not a timeout context: this is on the way of every page.
        timer = self._loop.call_later(self._timeout_seconds, _late, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _broken(self) -> Broken:
        return Broken(repr(self._error) if self._error else "the connection was closed", fresh=self._asked == 1)

    # -- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self.is_complete:
            self.close()  # nobody asked
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._error = error
            self.close()
        if self._ahead > _AHEAD_BYTES and not self._paused and not self.is_complete:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._error = self._error or exc
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    # -- what the parser calls

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._chunks.append(body)
        self._ahead += len(body)

    def on_message_complete(self) -> None:
        self._keeps = self._parser.should_keep_alive()
        self.is_complete = True


def _late(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError("no answer in time"))


def joined(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Header lines and the empty line after them."""
    return b"".join([b"%b: %b\r\n" % header for header in headers]) + b"\r\n"
