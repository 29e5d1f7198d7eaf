"""The embedded server of one LOTSE_HOME: made, started, found, recovered and stopped.

Three locks in `LOTSE_HOME/postgres/<major>/` carry the life cycle. All are `flock`s, so a killed process leaves none.

- `users.lock`: every process that uses the server holds it shared. Who gets it exclusively may stop the server.
- `start.lock`: held while the server is made, started or stopped. One at a time.
- `server.lock`: the server itself inherits it, and so do all its children. It is free exactly when no process of the
  server lives any more, so a stale `postmaster.pid`, a reused process id, or backends that outlive their parent
  cannot be mistaken for anything else.

As root the server runs as a user of its own, and LOTSE_HOME may lie where that user cannot go, as in /root. No folder
is opened for it: the server is started *inside* its data folder and knows it as /proc/self/cwd; sockets and logs are
`../run` and `../log`. So the parents of the data are never looked up.
"""

import errno
import hashlib
import logging
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from lotse.kernel.postgres import binaries, tuning
from lotse.kernel.postgres.account import Account, account_for, own_name, switch
from lotse.kernel.postgres.binaries import MAJOR
from lotse.kernel.postgres.errors import (
    DiskFull,
    HomeNotWritable,
    InUse,
    NotDurable,
    OtherMajorVersion,
    StartFailed,
    StopFailed,
    naming_disk_errors,
)
from lotse.kernel.postgres.locks import FileLock, holders, locked
from lotse.kernel.settings import Settings

_log = logging.getLogger("lotse.postgres")

DATABASE = "lotse"
ROLE = "lotse"
PORT = 5432  # only part of the socket's name
# The path of a Unix socket may have 107 bytes on Linux, 103 elsewhere.
_SOCKET_PATH_BYTES = 103
# An empty cluster with Lotse's schema is 60 MB, its first log another 32; below this a start would die half way.
_ROOM_BYTES = 128 * 1024 * 1024
# A fast shutdown writes what is in memory: at most shared_buffers (8 GB) to a slow disk.
_STOP_SECONDS = 300
# Orphans of a killed server notice within milliseconds; only one in the midst of a long computation does not.
_ORPHAN_SECONDS = 5
_POLL_SECONDS = 0.02
# A busy server still answers within this; it is asked again until the time for the start is up.
_ANSWER_SECONDS = 2
_TAIL_BYTES = 64 * 1024
_LINUX = Path("/proc/self/cwd").exists()


class Postmaster(NamedTuple):
    """What `postmaster.pid` says."""

    pid: int
    socket_folder: Path
    ready: bool


class Embedded:
    """The server below one LOTSE_HOME."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._home = settings.home.resolve()
        self._place = self._home / "postgres" / str(MAJOR)
        self._data = self._place / "data"
        self._staging = self._place / "data.new"
        self._pid = os.getpid()
        self._log_sizes: dict[Path, int] = {}

    # -- for those who use it

    @contextmanager
    def used(self) -> Generator[str]:
        """Hold the server for the life of the block, starting it if it is down; its DSN. The last one out stops it."""
        self._refuse_other_major()
        with naming_disk_errors(self._home):
            self._make_place()
            users = FileLock(self._place / "users.lock")
        try:
            with naming_disk_errors(self._home):
                if not users.try_shared():
                    # A stop takes moments, a restore minutes.
                    _log.info("waiting for %s", ", ".join(holders(users.path)) or "another process")
                    users.shared()
            try:
                with naming_disk_errors(self._home), self._starting():
                    dsn = self._ensure_running()
                yield dsn
            finally:
                self._leave(users)
        finally:
            users.close()

    @contextmanager
    def alone(self) -> Generator[str]:
        """As `used`, while nobody else may use it. Raises `InUse`. Who comes meanwhile waits."""
        self._refuse_other_major()
        with naming_disk_errors(self._home):
            self._make_place()
        with self._only_user():
            try:
                with naming_disk_errors(self._home), self._starting():
                    dsn = self._ensure_running()
                yield dsn
            finally:
                with self._starting():
                    self._stop()

    def stop(self) -> bool:
        """Stop the server; False if it was down. Raises `InUse`, `StopFailed`."""
        if not self._place.is_dir():
            return False
        with naming_disk_errors(self._home), self._only_user(), self._starting():
            return self._stop()

    @contextmanager
    def _only_user(self) -> Generator[None]:
        with locked(self._place / "users.lock") as users:
            if not users.try_exclusive():
                who = ", ".join(holders(users.path)) or "another process"
                raise InUse(f"the PostgreSQL of {self._home} is in use by {who}; stop that first")
            yield

    @contextmanager
    def _starting(self) -> Generator[None]:
        with locked(self._place / "start.lock") as lock:
            lock.exclusive()
            yield

    def _leave(self, users: FileLock) -> None:
        if os.getpid() != self._pid:
            return  # a forked child that runs to the end of the block; the lock is its parent's
        with self._starting():
            if users.try_exclusive():
                self._stop()

    # -- making

    def _make_place(self) -> None:
        try:
            self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileNotFoundError as error:  # the kernel's own folders, such as /proc
            raise HomeNotWritable(f"LOTSE_HOME {self._home} cannot be made; set it to a folder of yours") from error
        self._place.parent.mkdir(mode=0o700, exist_ok=True)
        if not self._place.is_dir():
            self._place.mkdir(mode=0o711, exist_ok=True)
        if self._place.stat().st_uid == os.geteuid():
            # The server's user finds `../run` and `../log` through it, whatever the umask. It cannot write here, so it
            # cannot lead root astray with links.
            self._place.chmod(0o711)

    def _refuse_other_major(self) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        for version in sorted((self._home / "postgres").glob("*/data/PG_VERSION")):
            other = version.parent.parent.name
            if other == str(MAJOR):
                continue
            raise OtherMajorVersion(
                f"{version.parent} is a database of PostgreSQL {other}, this Lotse runs PostgreSQL {MAJOR}: "
                f"with the Lotse that made it run `lotse db backup FILE`, move {version.parent.parent} away, "
                "then run `lotse db restore FILE` with this one (docs/operations/postgres.md)"
            )

    @cached_property
    def _account(self) -> Account | None:
        return account_for(self._settings.postgres_user, self._place.stat().st_uid)

    @cached_property
    def _bin(self) -> Path:
        return binaries.bin_for(self._account)

    def _create(self, server: FileLock) -> None:
        """Make the cluster beside its place and move it there when it is whole."""
        began = time.monotonic()
        staging = self._staging
        shutil.rmtree(staging, ignore_errors=True)  # of a start that was killed
        self._make_folder(staging)
        durable = self._settings.postgres_fsync
        self._tool(
            staging,
            "initdb",
            f"--username={ROLE}",
            "--auth=peer",
            "--encoding=UTF8",
            # The wheel has no ICU, and the machine's own locales differ from machine to machine. Language-aware order
            # is made by stored keys.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--data-checksums",
            *([] if durable else ["--no-sync"]),
            keep=server.fd,
        )
        # Only who can reach the private socket and is the server's own user or root gets in, without a password.
        self._write(staging, "pg_hba.conf", "local all all peer map=lotse\nlocal replication all peer map=lotse\n")
        self._write(staging, "lotse.conf", "")
        # `alter system` (postgresql.auto.conf) is read after this and wins.
        self._write(staging, "postgresql.conf", "include 'lotse.conf'  # written anew at each start\n")
        self._tool(
            staging,
            "postgres",
            "--single",
            f"-cfsync={'on' if durable else 'off'}",
            "template1",
            stdin=f"create database {DATABASE}\n",
            keep=server.fd,
        )
        os.rename(staging, self._data)
        _sync_folder(self._place)
        _log.info("made a PostgreSQL %s cluster in %s in %.1f s", MAJOR, self._data, time.monotonic() - began)

    def _adopt(self) -> None:
        """Give the data to the server's user if it is another's: a copied home, or another LOTSE_POSTGRES_USER."""
        account = self._account
        if account is None or self._data.stat().st_uid == account.uid:
            return
        for top in (self._data, self._place / "log"):
            for folder, _, files in os.walk(top):
                for path in (folder, *(f"{folder}/{name}" for name in files)):
                    os.chown(path, account.uid, account.gid, follow_symlinks=False)
        _log.info("gave the database in %s to the user %s", self._data, account.name)

    def _make_folder(self, folder: Path) -> None:
        """A folder of the server's user alone."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account:
            os.chown(folder, self._account.uid, self._account.gid, follow_symlinks=False)

    def _write(self, folder: Path, name: str, text: str) -> None:
        """Replace a file in a folder of the server's user: whole or not at all, and never through a link."""
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        scratch = f"{name}.new"
        try:
            with suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=inside)
            fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
            with os.fdopen(fd, "w") as file:
                if self._account:
                    os.fchown(fd, self._account.uid, self._account.gid)
                file.write(text)
                file.flush()
                os.fsync(fd)
            os.rename(scratch, name, src_dir_fd=inside, dst_dir_fd=inside)
            os.fsync(inside)
        finally:
            os.close(inside)

    # -- starting

    def _ensure_running(self) -> str:
        """The DSN of the running server. The start lock is held."""
        deadline = time.monotonic() + self._settings.postgres_start_seconds
        patience = time.monotonic() + _ORPHAN_SECONDS
        while True:
            with locked(self._place / "server.lock") as server:
                if server.try_exclusive():
                    self._start(server, deadline)
                    break
            # Some process of the server lives: it serves, it still recovers, or it is about to die.
            postmaster = self._postmaster()
            if postmaster is None:
                if time.monotonic() > patience:
                    self._end_orphans()
            elif postmaster.ready and _answers(postmaster.socket_folder):
                self._refuse_not_durable()
                break
            if time.monotonic() > deadline:
                raise StartFailed(f"the PostgreSQL of {self._home} is not ready: {self._said()}")
            time.sleep(_POLL_SECONDS)
        postmaster = self._postmaster()
        if postmaster is None:
            raise StartFailed(f"the PostgreSQL of {self._home} went away as it started: {self._said()}")
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(postmaster.socket_folder))}&port={PORT}"

    def _start(self, server: FileLock, deadline: float) -> None:
        """Start the server, which inherits the lock. No process of it lives."""
        for name in ("run", "log"):
            self._make_folder(self._place / name)
        if not self._data.exists():
            self._refuse_full_disk()
            self._create(server)
        self._adopt()
        run = self._run_folder()
        self._forget_dead_server()
        users = dict.fromkeys([self._account.name if self._account else own_name(), "root"])
        self._write(self._data, "pg_ident.conf", "".join(f'lotse "{name}" all\n' for name in users))
        settings = self._settings
        memory = settings.postgres_memory_mb
        self._write(
            self._data,
            "lotse.conf",
            tuning.configuration(
                memory * tuning.MIB if memory else tuning.machine_memory_bytes(),
                tuning.shared_memory_bytes(),
                shutil.disk_usage(self._place).total,
            ),
        )
        if not settings.postgres_fsync:
            _log.warning("fsync is OFF for the PostgreSQL of %s: for tests only, a power cut destroys it", self._home)
        options = {
            "listen_addresses": "",  # the private socket is the only way in
            "unix_socket_directories": "../run" if run == self._place / "run" else str(run),
            "unix_socket_permissions": "0777",  # the folder is private; peer says who comes
            "port": str(PORT),
            "fsync": "on" if settings.postgres_fsync else "off",
            "full_page_writes": "on" if settings.postgres_fsync else "off",
            "synchronous_commit": "on" if settings.postgres_fsync else "off",
            "cluster_name": "lotse",
        }
        # For those who come later: the server tells only those whom it has let in.
        (self._place / "fsync").write_text("on" if settings.postgres_fsync else "off")
        self._log_sizes = {path: path.lstat().st_size for path in self._logs()}
        self._tool(
            self._data,
            "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--timeout={max(1, int(deadline - time.monotonic()))}",
            "--log=../log/start.log",
            "--options=" + " ".join(f"-c {name}={value}" for name, value in options.items()),
            keep=server.fd,
        )

    def _tool(self, place: Path, name: str, *arguments: str, keep: int, stdin: str = "") -> None:
        """Run one of PostgreSQL's programs as the server's user, inside the data folder `place`; it inherits `keep`."""
        here = "/proc/self/cwd" if _LINUX else str(place)
        verb = [arguments[0]] if name in ("pg_ctl", "postgres") else []
        try:
            done = subprocess.run(
                [str(self._bin / name), *verb, "-D", here, *arguments[len(verb) :]],
                check=False,
                cwd=place,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=[keep],
                **switch(self._account),
            )
        except PermissionError as error:
            raise StartFailed(f"cannot run {name} as {self._account}: {error.strerror}") from error
        if done.returncode != 0:
            said = self._said() if name == "pg_ctl" else _reason(done.stdout.splitlines())
            if self._postmaster():
                raise StartFailed(
                    f"the PostgreSQL of {self._home} still recovers after {self._settings.postgres_start_seconds} s; "
                    "try again, or give it more in LOTSE_POSTGRES_START_SECONDS"
                )
            if os.strerror(errno.ENOSPC) in done.stdout + said:
                raise DiskFull(f"no space left on the disk of {self._home} ({said})")
            raise StartFailed(f"PostgreSQL's {name} failed in {place}: {said}")

    def _run_folder(self) -> Path:
        """The folder of the socket: in LOTSE_HOME, or a private one with a short name if LOTSE_HOME lies too deep."""
        run = self._place / "run"
        if len(os.fsencode(_socket_path(run))) <= _SOCKET_PATH_BYTES:
            return run
        uid = self._account.uid if self._account else os.geteuid()
        base = Path("/run") if self._account and os.access("/run", os.W_OK) else Path("/tmp")  # noqa: S108 - owner and mode are checked below
        run = base / f"lotse-{uid}-{hashlib.sha256(os.fsencode(self._place)).hexdigest()[:16]}"
        self._make_folder(run)
        found = run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != uid or stat.S_IMODE(found.st_mode) != 0o700:
            raise HomeNotWritable(f"{run} is not a private folder of ours; remove it or use a shorter LOTSE_HOME")
        return run

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self._place).free
        if free < _ROOM_BYTES:
            raise DiskFull(
                f"no space left on the disk of {self._home}: {free // tuning.MIB} MB free, "
                f"the database needs {_ROOM_BYTES // tuning.MIB} MB to start"
            )

    def _refuse_not_durable(self) -> None:
        if not self._settings.postgres_fsync:
            return
        try:
            durable = (self._place / "fsync").read_text() != "off"
        except FileNotFoundError:
            durable = True
        if not durable:
            raise NotDurable(
                f"the running PostgreSQL of {self._home} was started with LOTSE_POSTGRES_FSYNC=off, for tests; "
                "run `lotse db stop` and try again"
            )

    # -- finding, recovering

    def _postmaster(self) -> Postmaster | None:
        """The server's main process, if it lives."""
        lines = _lines(self._data / "postmaster.pid")
        if len(lines) < 5 or not lines[0].strip().isdigit():
            return None
        pid = int(lines[0])
        if not self._is_ours(pid):
            return None
        folder = Path(os.path.normpath(self._data / lines[4].strip()))
        return Postmaster(pid, folder, ready=len(lines) > 7 and lines[7].strip() == "ready")

    def _is_ours(self, pid: int) -> bool:
        """Whether the process belongs to this server: it works in the data folder and is the data's owner's."""
        if not _LINUX:  # the process id is all there is
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return False
            return True
        try:
            if Path(f"/proc/{pid}").stat().st_uid != (self._account.uid if self._account else os.geteuid()):
                return False
            place = os.stat(f"/proc/{pid}/cwd")
        except OSError:  # gone, a zombie, or somebody else's
            return False
        return any(os.path.samestat(place, folder.stat()) for folder in (self._data, self._staging) if folder.is_dir())

    def _end_orphans(self) -> None:
        """End what a killed server left behind; a backend in the midst of a long computation does not notice itself."""
        for entry in Path("/proc").glob("[0-9]*"):
            if self._is_ours(int(entry.name)):
                _log.warning("ending process %s, left over from a killed PostgreSQL of %s", entry.name, self._home)
                with suppress(ProcessLookupError):
                    os.kill(int(entry.name), signal.SIGKILL)

    def _wait_until_gone(self, seconds: float, otherwise: Callable[[], None]) -> None:
        """Wait until no process of the server lives; after `seconds` do `otherwise` and wait as long again."""
        with locked(self._place / "server.lock") as server:
            for last in (False, True):
                deadline = time.monotonic() + seconds
                while not server.try_exclusive():
                    if time.monotonic() > deadline:
                        break
                    time.sleep(_POLL_SECONDS)
                else:
                    return
                if not last:
                    otherwise()
        raise StopFailed(f"processes of the PostgreSQL of {self._home} do not end: {self._said()}")

    def _forget_dead_server(self) -> None:
        """Remove the traces of a server that was killed. Its lock is ours, so nothing of it lives.

        PostgreSQL itself would take any process with the old id for the old server; after a reboot, or in a restarted
        container, there often is one. A server that somebody started by hand has no lock, but works in the folder.
        """
        lines = _lines(self._data / "postmaster.pid")
        if lines and lines[0].strip().isdigit() and self._is_ours(int(lines[0])):
            raise StartFailed(f"a PostgreSQL that Lotse did not start works on {self._data} (pid {lines[0].strip()})")
        for stale in (
            self._data / "postmaster.pid",
            self._place / "log" / "start.log",
            *self._run_folder().glob(".s.PGSQL.*"),
        ):
            stale.unlink(missing_ok=True)

    def _stop(self) -> bool:
        """Stop the server and wait; False if it was down. The start lock is held."""
        with locked(self._place / "server.lock") as server:
            if server.try_exclusive():
                return False
        postmaster = self._postmaster()
        if postmaster is None:
            self._wait_until_gone(_ORPHAN_SECONDS, self._end_orphans)
            return True
        # Fast shutdown: open transactions are rolled back, then everything is written.
        with suppress(ProcessLookupError):
            os.kill(postmaster.pid, signal.SIGINT)
        self._wait_until_gone(_STOP_SECONDS, lambda: self._quit(postmaster.pid))
        if postmaster.socket_folder != self._place / "run":
            with suppress(OSError):  # somebody else's file in it is no harm
                postmaster.socket_folder.rmdir()
        return True

    def _quit(self, pid: int) -> None:
        _log.warning("the PostgreSQL of %s does not stop; it will recover at its next start", self._home)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)

    def _said(self) -> str:
        """What the server complained about last; if we started it, since then."""
        return _reason([line for path in self._logs() for line in _lines(path, self._log_sizes.get(path, 0))])

    def _logs(self) -> list[Path]:
        return sorted((self._place / "log").glob("*.log"), key=lambda path: path.lstat().st_mtime)


def _reason(lines: list[str]) -> str:
    """The line that says why; the last one if none does."""
    for mark in ("PANIC:", "FATAL:", "ERROR:", "error:", "could not"):
        for line in reversed(lines):
            if mark in line:
                return line[line.index(mark) :].strip()
    return lines[-1].strip() if lines else "it gave no reason"


def _lines(path: Path, begin: int = 0) -> list[str]:
    """The last lines of a file in a folder of the server's user, from byte `begin`; none if it is absent or a link."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    with os.fdopen(fd, "rb") as file:
        file.seek(max(begin, os.fstat(fd).st_size - _TAIL_BYTES))  # a log may be long
        return file.read().decode(errors="replace").splitlines()


def _socket_path(folder: Path) -> str:
    return f"{folder}/.s.PGSQL.{PORT}"


def _answers(folder: Path) -> bool:
    """Whether a server answers at the socket. That one can connect is not enough: the kernel does that for a dying one.

    Asks whether it speaks TLS (`SSLRequest` of the protocol), the one question that needs no log-in.
    """
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(_ANSWER_SECONDS)
        try:
            probe.connect(_socket_path(folder))
            probe.sendall(struct.pack("!ii", 8, 80877103))
            return probe.recv(1) in (b"N", b"S")
        except OSError:
            return False


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
