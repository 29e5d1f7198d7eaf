"""The processes of the embedded server: its main one found, strangers told apart, orphans ended."""

import logging
import os
import signal
import socket
import struct
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from lotse.kernel.postgres.cluster import LINUX, Cluster, socket_path
from lotse.kernel.postgres.errors import StartFailed
from lotse.kernel.postgres.logs import tail

_log = logging.getLogger("lotse.postgres")

# A busy server still answers within this; it is asked again until the time for the start is up.
_ANSWER_SECONDS = 2
# What works in a data folder and may be ended; a person's shell may be there too.
_PROGRAMS = {"postgres", "initdb", "pg_ctl"}


class Postmaster(NamedTuple):
    """What `postmaster.pid` says."""

    pid: int
    socket_folder: Path
    ready: bool


def postmaster(cluster: Cluster) -> Postmaster | None:
    """The server's main process, if it lives."""
    lines = tail(cluster.data / "postmaster.pid")
    if len(lines) < 5 or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    if not belongs(cluster, pid):
        return None
    folder = Path(os.path.normpath(cluster.data / lines[4].strip()))
    return Postmaster(pid, folder, ready=len(lines) > 7 and lines[7].strip() == "ready")


def belongs(cluster: Cluster, pid: int) -> bool:
    """Whether the process is this server's: one of PostgreSQL's programs, as its user, working in its data folder."""
    if not LINUX:  # the process id is all there is
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    process = Path(f"/proc/{pid}")
    try:
        if process.stat().st_uid != cluster.uid or (process / "comm").read_text().strip() not in _PROGRAMS:
            return False
        works_in = os.stat(process / "cwd")
    except OSError:  # gone, a zombie, or somebody else's
        return False
    return any(os.path.samestat(works_in, place.stat()) for place in (cluster.data, cluster.staging) if place.is_dir())


def end_orphans(cluster: Cluster) -> None:
    """End what a killed server left behind: a backend in the midst of a long computation does not notice by itself."""
    for entry in Path("/proc").glob("[0-9]*"):
        if belongs(cluster, int(entry.name)):
            _log.warning("ending process %s, left over from a killed PostgreSQL of %s", entry.name, cluster.home)
            with suppress(ProcessLookupError):
                os.kill(int(entry.name), signal.SIGKILL)


def forget_dead(cluster: Cluster) -> None:
    """Remove the traces of a server that was killed. Its lock is ours, so nothing of it lives.

    PostgreSQL itself would take any process with the old id for the old server; after a reboot, or in a restarted
    container, there often is one. A server that somebody started by hand has no lock, but works in the folder.
    """
    lines = tail(cluster.data / "postmaster.pid")
    if lines and lines[0].strip().isdigit() and belongs(cluster, int(lines[0])):
        raise StartFailed(f"a PostgreSQL that Lotse did not start works on {cluster.data} (pid {lines[0].strip()})")
    for stale in (
        cluster.data / "postmaster.pid",
        cluster.place / "log" / "start.log",
        *cluster.socket_folder().glob(".s.PGSQL.*"),
    ):
        stale.unlink(missing_ok=True)


def answers(folder: Path) -> bool:
    """Whether a server answers at the socket. That one can connect is not enough: the kernel does that for a dying one.

    Asks whether it speaks TLS (`SSLRequest` of the protocol), the one question that needs no log-in.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_SECONDS)
        try:
            probe.connect(socket_path(folder))
            probe.sendall(struct.pack("!ii", 8, 80877103))
            return probe.recv(1) in (b"N", b"S")
        except OSError:
            return False
