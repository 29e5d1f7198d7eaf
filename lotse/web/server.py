"""One granian server in this process, on a socket that is already open.

Granian's embedded server, because its ordinary one puts a parent process before every worker and wants to bind the
address itself: here the supervisor keeps the public socket, so a restart of the role refuses no connection, and each
role is exactly one process with one uvloop.
"""

import asyncio
import errno
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

import structlog
from granian import _granian
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

log = structlog.get_logger()

# Browsers come in bursts when a shop opens its sale; the kernel holds them while the role restarts.
BACKLOG = 2048
# Connections at once; the next ones wait in the backlog. A browser keeps up to six open for HEADER_TIMEOUT_MS after its
# last request, so these are some two thousand visitors without a proxy in front. One costs a few kilobytes; how much is
# worked on at once is another matter (see bounds.py).
CONNECTIONS = 10_000
# What Lotse opens itself: the database, the desk, pages, files.
_OTHER_FILES = 256
# What the slowest honest client needs to send its headers; others only occupy a place.
HEADER_TIMEOUT_MS = 10_000


class _OnSocket(Server):
    """Granian on a given socket instead of an address."""

    def __init__(self, app: Any, listener: socket.socket) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,  # what needs opening is open before the application is made
            http=HTTPModes.http1,  # behind a proxy or on the same machine; a browser speaks HTTP/2 to the proxy
            http1_settings=HTTP1Settings(header_read_timeout=HEADER_TIMEOUT_MS),
            websockets=False,
            backlog=BACKLOG,
            backpressure=_connections(),
            log_enabled=False,
        )
        self._listener = listener

    def _init_shared_socket(self) -> None:
        is_unix = self._listener.family == socket.AF_UNIX
        # Granian closes it, so it must not be ours any more.
        holder: Any = _granian.SocketHolder  # its types name no arguments
        self._shd = holder(self._listener.detach(), is_unix, BACKLOG)
        self._sfd = self._shd.get_fd()


def _connections() -> int:
    """As many as the process may have open; most systems grant few until they are asked for more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS + _OTHER_FILES
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return max(128, most - _OTHER_FILES)


async def serve(app: Any, listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer requests until `stop` is set; those under way are finished first. Closes the listener."""
    server = _OnSocket(app, listener)
    serving = asyncio.create_task(server.serve(), name="granian")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    server.stop()
    await serving


class PortTaken(Exception):
    """Somebody else listens there, or the address is none of this machine's; one line."""


def listen_tcp(host: str, port: int) -> socket.socket:
    """A listening socket. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OverflowError:
        raise PortTaken(f"cannot listen on {host}, port {port}: a port is a number up to 65535") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            other = f"choose another one: lotse up --port {port + 1}"
            raise PortTaken(f"port {port} on {host} is in use; {other}") from None
        raise PortTaken(f"cannot listen on {host}, port {port}: {error.strerror or error}") from None


def listen_unix(path: Path) -> socket.socket:
    """A listening socket that only this user reaches; takes the place of one that a dead process left."""
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    umask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(umask)
    listener.listen(BACKLOG)
    return listener


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set the event."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
