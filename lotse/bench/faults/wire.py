"""A socket between the clients and Lotse that can be cut: what was sent may have arrived, what comes back is lost."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

_CHUNK = 64 * 1024

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Wire:
    """Hands bytes on in both directions until it is cut."""

    def __init__(self, connect: Callable[[], Awaitable[Pair]]) -> None:
        self._connect = connect
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> int:
        """Abort every connection, both of its ends; how many there were."""
        cut = len(self._open) // 2
        for writer in self._open:
            writer.transport.abort()
        self._open.clear()
        return cut

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            far_reader, far_writer = await self._connect()
        except OSError:  # nobody listens there just now: the client sees its connection end
            writer.transport.abort()
            return
        ends = {writer, far_writer}
        self._open |= ends
        try:
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    # The other direction ends with this one: neither HTTP nor the desk's frames go on over a half-closed connection.
    writer.close()


@asynccontextmanager
async def to_port(port: int) -> AsyncGenerator[tuple[Wire, int]]:
    """A wire to a port of this machine, and the port where it begins."""
    wire = Wire(lambda: asyncio.open_connection("127.0.0.1", port))
    server = await asyncio.start_server(wire.carry, "127.0.0.1", 0)
    try:
        yield wire, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        wire.cut()


@asynccontextmanager
async def to_socket(path: Path, own: Path) -> AsyncGenerator[Wire]:
    """A wire to a Unix socket, beginning at `own`."""
    wire = Wire(lambda: asyncio.open_unix_connection(path))
    server = await asyncio.start_unix_server(wire.carry, own)
    try:
        yield wire
    finally:
        server.close()
        wire.cut()
