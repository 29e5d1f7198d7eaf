"""Backups: one file in PostgreSQL's custom format, whole or not there; and back again, whole or not at all."""

import errno
import os
import secrets
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from lotse.kernel.postgres import clients
from lotse.kernel.postgres.errors import BackupFailed, InUse, NotABackup, NotEmpty, RestoreFailed

# Renaming and creating databases is done from another one; every PostgreSQL has this one.
_MAINTENANCE = "postgres"
_RESTORING = "_restoring_"

_TABLES = """
select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
"""
_OTHERS = "select count(*) from pg_stat_activity where datname = %s and pid <> pg_backend_pid()"
_LEFT_OVER = "select datname from pg_database where starts_with(datname, %s)"


def backup(dsn: str, file: Path) -> int:
    """Write the database to `file`, as it is at this moment, while others go on; the size in bytes.

    The file appears under its name when it is complete, read back once and on the disk. It is readable for its owner
    only: it holds the customers. Raises `BackupFailed`, also if `file` exists.
    """
    file = file.absolute()
    if file.exists():
        raise BackupFailed(f"{file} exists already; name another file, nothing is overwritten")
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        os.close(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise BackupFailed(f"{file} cannot be written: {error.strerror}") from error
    try:
        conninfo, env = clients.target(dsn)
        worked, said = clients.run("pg_dump", "--format=custom", f"--file={partial}", f"--dbname={conninfo}", env=env)
        if not worked:
            raise BackupFailed(f"{file} was not written: {_reason(said)}")
        _refuse_broken(partial)
        _sync(partial)
        _name(partial, file)
        _sync(file.parent)
        return file.stat().st_size
    except NotABackup as error:
        raise BackupFailed(f"{file} was not written: what pg_dump wrote cannot be read back ({error})") from error
    except OSError as error:
        raise BackupFailed(f"{file} was not written: {error.strerror}") from error
    finally:
        partial.unlink(missing_ok=True)


def restore(dsn: str, file: Path) -> None:
    """Restore a backup into an empty database, in one transaction. Raises `NotABackup`, `NotEmpty`, `RestoreFailed`."""
    _refuse_broken(file)
    with psycopg.connect(dsn, autocommit=True) as connection:
        if connection.execute(_TABLES.encode()).fetchone() != (0,):
            raise NotEmpty(
                f"the database {connection.info.dbname} is not empty; "
                "--replace restores beside it and then takes its place"
            )
    _fill(dsn, file, "--single-transaction")
    _analyze(dsn)


def replace(dsn: str, file: Path, *, at: datetime) -> str:
    """Restore a backup beside the database, then swap the names; the name under which the former database is kept.

    Nothing happens to the database until the backup is in completely. Raises `NotABackup`, `InUse`, `RestoreFailed`.
    """
    _refuse_broken(file)
    name = str(conninfo_to_dict(dsn)["dbname"])
    fresh = f"{name}{_RESTORING}{secrets.token_hex(4)}"
    former = f"{name}_before_{at:%Y%m%d_%H%M%S}"
    try:
        with psycopg.connect(_at(dsn, _MAINTENANCE), autocommit=True) as connection:
            _refuse_used(connection, name)
            for (left_over,) in connection.execute(_LEFT_OVER, (f"{name}{_RESTORING}",)).fetchall():
                connection.execute(
                    SQL("drop database {}").format(Identifier(left_over))
                )  # of a restore that was killed
            connection.execute(
                SQL(
                    "create database {} template template0 encoding 'UTF8'"
                    " locale_provider builtin builtin_locale 'C.UTF-8' locale 'C'"
                ).format(Identifier(fresh))
            )
            try:
                _fill(_at(dsn, fresh), file, f"--jobs={os.cpu_count() or 1}")
                _analyze(_at(dsn, fresh))
                _refuse_used(connection, name)
                with connection.transaction():
                    connection.execute(
                        SQL("alter database {} rename to {}").format(Identifier(name), Identifier(former))
                    )
                    connection.execute(
                        SQL("alter database {} rename to {}").format(Identifier(fresh), Identifier(name))
                    )
            except BaseException:
                with suppress(psycopg.Error):  # if even this fails, the next restore drops it
                    connection.execute(SQL("drop database if exists {} with (force)").format(Identifier(fresh)))
                raise
    except psycopg.errors.ObjectInUse as error:
        raise InUse(f"the database {name} is in use: {_reason(str(error))}") from error
    except psycopg.Error as error:
        raise RestoreFailed(f"{file} was not restored: {_reason(str(error))}") from error
    return former


def _fill(dsn: str, file: Path, *options: str) -> None:
    conninfo, env = clients.target(dsn)
    worked, said = clients.run(
        "pg_restore",
        "--format=custom",
        "--exit-on-error",
        # Whoever restores owns it: the other machine's roles need not exist here.
        "--no-owner",
        "--no-privileges",
        *options,
        f"--dbname={conninfo}",
        str(file),
        env=env,
    )
    if not worked:
        raise RestoreFailed(f"{file} was not restored, the database is as it was: {_reason(said)}")


def _analyze(dsn: str) -> None:
    """Backups carry no statistics; without them the first pages would be planned blindly."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("analyze")


def _refuse_broken(file: Path) -> None:
    """Read the whole file once, so that a damaged one is found before anything is touched."""
    if not file.is_file():
        raise NotABackup(f"there is no file {file}")
    worked, said = clients.run("pg_restore", "--format=custom", f"--file={os.devnull}", str(file))
    if not worked:
        raise NotABackup(f"{file} is not a backup of `lotse db backup`, or it is damaged: {_reason(said)}")


def _refuse_used(connection: "psycopg.Connection[tuple[object, ...]]", name: str) -> None:
    row = connection.execute(_OTHERS, (name,)).fetchone()
    if row != (0,):
        raise InUse(
            f"the database {name} is in use by {row[0] if row else 'other'} connections; stop what uses it first"
        )


def _at(dsn: str, database: str) -> str:
    return make_conninfo(dsn, dbname=database)


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    for line in lines:
        if "error:" in line or "ERROR:" in line:
            return line
    return lines[-1] if lines else "no reason given"


def _name(partial: Path, file: Path) -> None:
    """Give the finished file its name, without overwriting."""
    try:
        os.link(partial, file)  # unlike a rename, this cannot overwrite
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS):
            raise
        # A disk without links (exFAT, some network disks): claim the name, then take it.
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        os.replace(partial, file)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
