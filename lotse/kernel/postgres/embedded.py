"""The life of the embedded server of one LOTSE_HOME: started by its first user, stopped by its last.

Three locks in `LOTSE_HOME/postgres/<major>/` carry it. All are `flock`s, so a killed process leaves none behind.

- `users.lock`: every process that uses the server holds it shared. Who gets it exclusively may stop the server.
- `start.lock`: held while the server is made, started or stopped. One at a time.
- `server.lock`: the server itself inherits it, and so do all its children. It is free exactly when no process of the
  server lives any more, so a stale `postmaster.pid`, a reused process id, or backends that outlive their parent
  cannot be mistaken for anything else.

They are taken in this order. Nobody waits for `users.lock` with `start.lock` in hand.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from urllib.parse import quote

from lotse.kernel.postgres import processes
from lotse.kernel.postgres.cluster import DATABASE, PORT, ROLE, Cluster
from lotse.kernel.postgres.errors import InUse, NotDurable, StartFailed, StopFailed, naming_disk_errors
from lotse.kernel.postgres.locks import FileLock, holders, locked
from lotse.kernel.settings import Settings

_log = logging.getLogger("lotse.postgres")

# A fast shutdown writes what is in memory: at most shared_buffers (8 GB) to a slow disk.
_STOP_SECONDS = 300
# Orphans of a killed server notice within milliseconds; only one in the midst of a long computation does not.
_ORPHAN_SECONDS = 5
_POLL_SECONDS = 0.02


class Embedded:
    """The server below one LOTSE_HOME."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster = Cluster(settings)
        self._home = self._cluster.home
        self._place = self._cluster.place
        self._pid = os.getpid()

    # -- for those who use it

    @contextmanager
    def used(self) -> Generator[str]:
        """Hold the server for the life of the block, starting it if it is down; its DSN. The last one out stops it."""
        with naming_disk_errors(self._home):
            self._cluster.make_place()
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

    def revived(self) -> bool:
        """Start the server if it died while we use it; whether it had. Only inside `used`."""
        if processes.postmaster(self._cluster):
            return False
        with naming_disk_errors(self._home), self._starting():
            if processes.postmaster(self._cluster):  # another user of it was faster
                return False
            _log.warning("the PostgreSQL of %s died (%s); starting it again", self._home, self._cluster.log.reason())
            self._ensure_running()
            return True

    def _leave(self, users: FileLock) -> None:
        if os.getpid() != self._pid:
            return  # a forked child that runs to the end of the block; the lock is its parent's
        with self._starting():
            if users.try_exclusive():
                self._stop()

    @contextmanager
    def alone(self) -> Generator[str]:
        """As `used`, while nobody else may use it. Raises `InUse`. Who comes meanwhile waits."""
        with naming_disk_errors(self._home):
            self._cluster.make_place()
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

    # -- starting; the start lock is held

    def _ensure_running(self) -> str:
        """The DSN of the running server."""
        began = time.monotonic()
        deadline = began + self._settings.postgres_start_seconds
        while True:
            with locked(self._place / "server.lock") as server:
                if server.try_exclusive():
                    self._start(server, deadline)
                    break
            # Some process of the server lives: it serves, it still recovers, or it is about to die.
            postmaster = processes.postmaster(self._cluster)
            if postmaster is None:
                if time.monotonic() > began + _ORPHAN_SECONDS:
                    processes.end_orphans(self._cluster)
            elif postmaster.ready and processes.answers(postmaster.socket_folder):
                self._refuse_not_durable()
                break
            if time.monotonic() > deadline:
                raise self._not_ready()
            time.sleep(_POLL_SECONDS)
        postmaster = processes.postmaster(self._cluster)
        if postmaster is None:
            raise StartFailed(f"the PostgreSQL of {self._home} went away as it started: {self._cluster.log.reason()}")
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(postmaster.socket_folder))}&port={PORT}"

    def _start(self, server: FileLock, deadline: float) -> None:
        """Start the server, which inherits the lock. No process of it lives."""
        cluster = self._cluster
        cluster.prepare(keep=server.fd)
        processes.forget_dead(cluster)
        durable = "on" if self._settings.postgres_fsync else "off"
        if durable == "off":
            _log.warning("fsync is OFF for the PostgreSQL of %s: for tests only, a power cut destroys it", self._home)
        run = cluster.socket_folder()
        # On the command line, where nothing wins over them; what an operator may tune is in lotse.conf.
        options = {
            "listen_addresses": "",  # the private socket is the only way in
            "unix_socket_directories": "../run" if run == self._place / "run" else str(run),
            "unix_socket_permissions": "0777",  # the folder is private; peer says who comes
            "port": str(PORT),
            "fsync": durable,
            "full_page_writes": durable,
            "synchronous_commit": durable,
            "cluster_name": "lotse",
        }
        # For those who come later: the server tells only those whom it has let in.
        (self._place / "fsync").write_text(durable)
        cluster.log.mark()
        worked, _ = cluster.run(
            cluster.data,
            "pg_ctl",
            "start",
            "--wait",
            "--silent",
            f"--timeout={max(1, int(deadline - time.monotonic()))}",
            "--log=../log/start.log",
            "--options=" + " ".join(f"-c {name}={value}" for name, value in options.items()),
            keep=server.fd,
        )
        if not worked:
            if processes.postmaster(cluster):
                raise self._not_ready()
            raise cluster.failure("pg_ctl", cluster.log.reason())

    def _not_ready(self) -> StartFailed:
        return StartFailed(
            f"the PostgreSQL of {self._home} is not ready after {self._settings.postgres_start_seconds} s and perhaps "
            f"still recovers ({self._cluster.log.reason()}); try again, or set LOTSE_POSTGRES_START_SECONDS higher"
        )

    def _refuse_not_durable(self) -> None:
        if not self._settings.postgres_fsync:
            return
        if (self._place / "fsync").read_text() == "off":
            raise NotDurable(
                f"the running PostgreSQL of {self._home} was started with LOTSE_POSTGRES_FSYNC=off, for tests; "
                "run `lotse db stop` and try again"
            )

    # -- stopping; the start lock is held

    def _stop(self) -> bool:
        """Stop the server and wait; False if it was down."""
        with locked(self._place / "server.lock") as server:
            if server.try_exclusive():
                return False
        postmaster = processes.postmaster(self._cluster)
        if postmaster is None:
            self._wait_until_gone(_ORPHAN_SECONDS, lambda: processes.end_orphans(self._cluster))
            return True
        # Fast shutdown: open transactions are rolled back, then everything is written.
        with suppress(ProcessLookupError):
            os.kill(postmaster.pid, signal.SIGINT)
        self._wait_until_gone(_STOP_SECONDS, lambda: self._quit(postmaster.pid))
        if postmaster.socket_folder != self._place / "run":
            with suppress(OSError):  # somebody else's file in it is no harm
                postmaster.socket_folder.rmdir()
        return True

    def _wait_until_gone(self, seconds: float, otherwise: Callable[[], None]) -> None:
        """Wait until no process of the server lives; after `seconds` do `otherwise` and wait as long again."""
        with locked(self._place / "server.lock") as server:
            for last in (False, True):
                deadline = time.monotonic() + seconds
                while time.monotonic() < deadline:
                    if server.try_exclusive():
                        return
                    time.sleep(_POLL_SECONDS)
                if not last:
                    otherwise()
        raise StopFailed(f"processes of the PostgreSQL of {self._home} do not end: {self._cluster.log.reason()}")

    def _quit(self, pid: int) -> None:
        _log.warning("the PostgreSQL of %s does not stop; it will recover at its next start", self._home)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGQUIT)
