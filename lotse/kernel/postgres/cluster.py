"""The files of the embedded server below one LOTSE_HOME: made, given to the right user, configured.

    LOTSE_HOME/postgres/<major>/    ours; the server's user may pass, not write
        data/  run/  log/           the server's user's alone

As root the server runs as a user of its own, and LOTSE_HOME may lie where that user cannot go, as in /root. No folder
is opened for it: its programs are started *inside* the data folder and know it as /proc/self/cwd; sockets and logs are
`../run` and `../log`. So the parents of the data are never looked up.
"""

import errno
import hashlib
import logging
import os
import shutil
import stat
import subprocess
import time
from contextlib import suppress
from functools import cached_property
from pathlib import Path

from lotse.kernel.postgres import binaries, tuning
from lotse.kernel.postgres.account import Account, account_for, own_name, switch
from lotse.kernel.postgres.binaries import MAJOR
from lotse.kernel.postgres.errors import DiskFull, HomeNotWritable, OtherMajorVersion, PostgresError, StartFailed
from lotse.kernel.postgres.logs import ServerLog, reason
from lotse.kernel.settings import Settings

_log = logging.getLogger("lotse.postgres")

DATABASE = "lotse"
ROLE = "lotse"
PORT = 5432  # only part of the socket's name
# The path of a Unix socket may have 107 bytes on Linux, 103 elsewhere.
_SOCKET_PATH_BYTES = 103
# An empty cluster with Lotse's schema is 60 MB, its first log another 32; below this a start would die half way.
_ROOM_BYTES = 128 * 1024 * 1024
LINUX = Path("/proc/self/cwd").exists()


class Cluster:
    """Where the embedded server of one LOTSE_HOME keeps its files."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.home = settings.home.resolve()
        self.place = self.home / "postgres" / str(MAJOR)
        self.data = self.place / "data"
        self.staging = self.place / "data.new"
        self.log = ServerLog(self.place / "log")

    @cached_property
    def account(self) -> Account | None:
        """Who the server runs as; None: as ourselves."""
        return account_for(self._settings.postgres_user, self.place.stat().st_uid)

    @property
    def uid(self) -> int:
        """The user id that the server runs as."""
        return self.account.uid if self.account else os.geteuid()

    def make_place(self) -> None:
        """Make the folder that everything is in. Raises `OtherMajorVersion`, `HomeNotWritable`."""
        self._refuse_other_major()
        try:
            self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileNotFoundError as error:  # the kernel's own folders, such as /proc
            raise HomeNotWritable(f"LOTSE_HOME {self.home} cannot be made; set it to a folder of yours") from error
        self.place.parent.mkdir(mode=0o700, exist_ok=True)
        if not self.place.is_dir():
            self.place.mkdir(mode=0o711, exist_ok=True)
        if self.place.stat().st_uid == os.geteuid():
            # The server's user finds `../run` and `../log` through it, whatever the umask. It cannot write here, so it
            # cannot lead root astray with links.
            self.place.chmod(0o711)

    def _refuse_other_major(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        for version in sorted((self.home / "postgres").glob("*/data/PG_VERSION")):
            other = version.parent.parent.name
            if other == str(MAJOR):
                continue
            raise OtherMajorVersion(
                f"{version.parent} is a database of PostgreSQL {other}, this Lotse runs PostgreSQL {MAJOR}: "
                f"with the Lotse that made it run `lotse db backup FILE`, move {version.parent.parent} away, "
                "then run `lotse db restore FILE` with this one (docs/operations/postgres.md)"
            )

    def prepare(self, *, keep: int) -> None:
        """Have everything ready for a start. No process of the server lives; `keep` is the descriptor of its lock."""
        for name in ("run", "log"):
            self._make_folder(self.place / name)
        if not self.data.exists():
            self._refuse_full_disk()
            self._create(keep)
        self._adopt()
        self._configure()

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.place).free
        if free < _ROOM_BYTES:
            raise DiskFull(
                f"no space left on the disk of {self.home}: {free // tuning.MIB} MB free, "
                f"the database needs {_ROOM_BYTES // tuning.MIB} MB to start"
            )

    def _create(self, keep: int) -> None:
        """Make the data beside its place and move it there when it is whole."""
        began = time.monotonic()
        shutil.rmtree(self.staging, ignore_errors=True)  # of a start that was killed
        self._make_folder(self.staging)
        durable = self._settings.postgres_fsync
        self._must(
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
            keep=keep,
        )
        # Only who can reach the private socket and is the server's own user or root gets in, without a password.
        self._write(self.staging, "pg_hba.conf", "local all all peer map=lotse\nlocal replication all peer map=lotse\n")
        self._write(self.staging, "lotse.conf", "")
        # `alter system` (postgresql.auto.conf) is read after this and wins.
        self._write(self.staging, "postgresql.conf", "include 'lotse.conf'  # written anew at each start\n")
        self._must(
            "postgres",
            "--single",
            f"-cfsync={'on' if durable else 'off'}",
            "template1",
            stdin=f"create database {DATABASE}\n",
            keep=keep,
        )
        os.rename(self.staging, self.data)
        _sync_folder(self.place)
        _log.info("made a PostgreSQL %s cluster in %s in %.1f s", MAJOR, self.data, time.monotonic() - began)

    def _adopt(self) -> None:
        """Give the data to the server's user if it is another's: a copied home, or another LOTSE_POSTGRES_USER."""
        account = self.account
        if account is None or self.data.stat().st_uid == account.uid:
            return
        for top in (self.data, self.place / "log"):
            for folder, _, files in os.walk(top):
                for path in (folder, *(f"{folder}/{name}" for name in files)):
                    os.chown(path, account.uid, account.gid, follow_symlinks=False)
        _log.info("gave the database in %s to the user %s", self.data, account.name)

    def _configure(self) -> None:
        users = dict.fromkeys([self.account.name if self.account else own_name(), "root"])
        self._write(self.data, "pg_ident.conf", "".join(f'lotse "{name}" all\n' for name in users))
        memory = self._settings.postgres_memory_mb
        self._write(
            self.data,
            "lotse.conf",
            tuning.configuration(
                memory * tuning.MIB if memory else tuning.machine_memory_bytes(),
                tuning.shared_memory_bytes(),
                shutil.disk_usage(self.place).total,
            ),
        )

    def socket_folder(self) -> Path:
        """The folder of the socket: in LOTSE_HOME, or a private one with a short name if LOTSE_HOME lies too deep."""
        run = self.place / "run"
        if len(os.fsencode(socket_path(run))) <= _SOCKET_PATH_BYTES:
            return run
        base = Path("/tmp")  # noqa: S108 - owner and mode are checked below
        if self.account and os.access("/run", os.W_OK):
            base = Path("/run")
        run = base / f"lotse-{self.uid}-{hashlib.sha256(os.fsencode(self.place)).hexdigest()[:16]}"
        self._make_folder(run)
        found = run.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.uid or stat.S_IMODE(found.st_mode) != 0o700:
            raise HomeNotWritable(f"{run} is not a private folder of ours; remove it or use a shorter LOTSE_HOME")
        return run

    def _make_folder(self, folder: Path) -> None:
        """A folder of the server's user alone."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            os.chown(folder, self.account.uid, self.account.gid, follow_symlinks=False)

    def _write(self, folder: Path, name: str, text: str) -> None:
        """Replace a file in a folder of the server's user: whole or not at all, and never through a link."""
        inside = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        scratch = f"{name}.new"
        try:
            with suppress(FileNotFoundError):
                os.unlink(scratch, dir_fd=inside)
            fd = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=inside)
            with os.fdopen(fd, "w") as file:
                if self.account:
                    os.fchown(fd, self.account.uid, self.account.gid)
                file.write(text)
                file.flush()
                os.fsync(fd)
            os.rename(scratch, name, src_dir_fd=inside, dst_dir_fd=inside)
            os.fsync(inside)
        finally:
            os.close(inside)

    # -- PostgreSQL's programs

    def _must(self, name: str, *arguments: str, keep: int, stdin: str = "") -> None:
        worked, said = self.run(self.staging, name, *arguments, keep=keep, stdin=stdin)
        if not worked:
            raise self.failure(name, reason(said.splitlines()))

    def run(self, folder: Path, name: str, *arguments: str, keep: int, stdin: str = "") -> tuple[bool, str]:
        """Run a program as the server's user on the data in `folder`; whether it worked, and what it said.

        It inherits the descriptor `keep`: as long as it or a child of it lives, the server's lock is held.
        """
        here = "/proc/self/cwd" if LINUX else str(folder)
        verb = [arguments[0]] if name in ("pg_ctl", "postgres") else []
        try:
            done = subprocess.run(
                [str(self._bin / name), *verb, "-D", here, *arguments[len(verb) :]],
                check=False,
                cwd=folder,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                pass_fds=[keep],
                **switch(self.account),
            )
        except PermissionError as error:
            raise StartFailed(f"cannot run {name} as {self.account}: {error.strerror}") from error
        return done.returncode == 0, done.stdout

    def failure(self, name: str, said: str) -> PostgresError:
        """The error for a program that failed."""
        if os.strerror(errno.ENOSPC) in said:
            return DiskFull(f"no space left on the disk of {self.home} ({said})")
        return StartFailed(f"PostgreSQL's {name} failed in {self.data}: {said}")

    @cached_property
    def _bin(self) -> Path:
        return binaries.bin_for(self.account)


def socket_path(folder: Path) -> str:
    """The socket in its folder, as libpq and asyncpg look for it."""
    return f"{folder}/.s.PGSQL.{PORT}"


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
