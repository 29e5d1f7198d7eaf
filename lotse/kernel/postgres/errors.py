"""What can go wrong between Lotse and its database, each with a name and one line for the operator.

The command line prints `str(error)` and exits with 1. Anything that is not one of these is a bug and propagates.
"""

import errno
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path


class PostgresError(Exception):
    """Base of all; the text is one line that says what is wrong, where, and what to do."""


class HomeNotWritable(PostgresError):
    """LOTSE_HOME cannot be made or written."""


class DiskFull(PostgresError):
    """No room on the disk of LOTSE_HOME."""


class NoAccount(PostgresError):
    """Lotse runs as root and there is no ordinary user that PostgreSQL could run as."""


class NoServerBinaries(PostgresError):
    """The wheel that brings PostgreSQL lacks a program or cannot be placed where the server's user reaches it."""


class OtherMajorVersion(PostgresError):
    """LOTSE_HOME holds a database of another major version of PostgreSQL."""


class StartFailed(PostgresError):
    """The embedded server did not come up."""


class StopFailed(PostgresError):
    """The embedded server did not go down."""


class InUse(PostgresError):
    """Other processes use the embedded server, so it must not be stopped or replaced."""


class NotDurable(PostgresError):
    """The running server was started with fsync off, for tests, and this process did not ask for that."""


class ServerUnreachable(PostgresError):
    """No server answers at LOTSE_DATABASE_URL, or it does not let us in."""


class ServerTooOld(PostgresError):
    """The server at LOTSE_DATABASE_URL is older than Lotse needs."""


class ServerUnfit(PostgresError):
    """The database at LOTSE_DATABASE_URL has a property that Lotse cannot work with."""


class NotABackup(PostgresError):
    """The file is not a backup made by `lotse db backup`, or it is damaged."""


class BackupFailed(PostgresError):
    """The backup was not written; no file is left behind."""


class RestoreFailed(PostgresError):
    """The backup was not restored; the database is as it was before."""


class NotEmpty(PostgresError):
    """The database to restore into already holds something."""


def explained(error: BaseException) -> PostgresError | None:
    """What an operator can put right, of the errors that a driver (asyncpg, psycopg) raises anywhere; else None.

    By SQLSTATE, which both drivers carry (PostgreSQL documentation, appendix A).
    """
    match getattr(error, "sqlstate", None):
        case "53100":
            return DiskFull(f"the database has no space left on its disk ({_line(error)})")
        case "53300":
            return InUse("the database has no connection left; end what holds so many, or raise max_connections")
        case "57P01" | "57P02" | "57P03":
            return ServerUnreachable(f"the database was shut down ({_line(error)})")
        case _:
            return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


@contextmanager
def naming_disk_errors(folder: Path) -> Generator[None]:
    """Turn what the operating system says about LOTSE_HOME into a named error."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"no space left on the disk of {folder}") from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG):
            place = error.filename or folder
            raise HomeNotWritable(
                f"LOTSE_HOME {folder} is not writable: {error.strerror} ({place}); set LOTSE_HOME to a folder of yours"
            ) from error
        if error.errno in (errno.ENOLCK, errno.ENOTSUP):
            raise HomeNotWritable(f"LOTSE_HOME {folder} is on a file system without locks; use a local disk") from error
        raise
