"""`lotse db …`: look after the database, the embedded one and a given one alike.

Each command prints what it did; what it cannot do it says in one line and exits with 1 (see `errors`).
"""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from lotse.kernel import clock, postgres
from lotse.kernel.settings import Settings

db = App(name="db", help="Look after the database: upgrade, check, stop, psql, backup, restore.")


@db.command
def upgrade(*, phase: Literal["all", "pre", "post"] = "all") -> None:
    """Bring the database to this version of Lotse.

    Parameters
    ----------
    phase
        For an upgrade without a break: `pre` before the new version runs, `post` once no old one runs. `all` is both.
    """
    from lotse.kernel import migrate

    with postgres.attached(Settings.load()) as dsn:
        done = migrate.upgrade(dsn, phase=phase, progress=print)
    print(f"{len(done)} migrations applied" if done else "the database is up to date")


@db.command
def check() -> int:
    """Say whether the server fits and the database is up to date; exit with 1 if not."""
    from lotse.kernel.postgres import health

    with postgres.attached(Settings.load()) as dsn:
        found = health.look(dsn)
    print(f"PostgreSQL {found.version} at {found.place}, {found.size_mb} MB")
    for problem in found.problems:
        print(f"problem: {problem}", file=sys.stderr)
    if not found.problems:
        print("the database is up to date")
    return 1 if found.problems else 0


@db.command
def stop() -> None:
    """Stop the embedded PostgreSQL. Refused while other processes use it."""
    settings = Settings.load()
    if settings.database_url:
        print("LOTSE_DATABASE_URL is set: that server is not started or stopped by Lotse")
    else:
        print("stopped" if postgres.stop(settings) else "it was not running")


@db.command
def psql(*arguments: Annotated[str, Parameter(allow_leading_hyphen=True)]) -> int:
    """Open PostgreSQL's own shell on the database, e.g. `lotse db psql -c 'select 1'`.

    Parameters
    ----------
    arguments
        Passed on to psql.
    """
    from lotse.kernel.postgres import clients

    with postgres.attached(Settings.load()) as dsn:
        return clients.psql(dsn, *arguments)


@db.command
def backup(file: Path, /) -> None:
    """Write the whole database to FILE while others go on working.

    Parameters
    ----------
    file
        Appears when it is complete; must not exist yet.
    """
    from lotse.kernel.postgres import dump

    with postgres.attached(Settings.load()) as dsn:
        size_bytes = dump.backup(dsn, file)
    print(f"wrote {file} ({size_bytes / 1_000_000:.1f} MB)")


@db.command
def restore(file: Path, /, *, replace: Annotated[bool, Parameter(negative="")] = False) -> None:
    """Read a backup into the empty database.

    Parameters
    ----------
    file
        Written by `lotse db backup`, by this or an older version.
    replace
        The database is not empty: restore beside it, then swap. The former database is kept under another name.
    """
    from lotse.kernel.postgres import dump

    with postgres.attached_alone(Settings.load()) as dsn:
        former = dump.replace(dsn, file, at=clock.now()) if replace else dump.restore(dsn, file)
    print(f"restored {file}; `lotse db upgrade` brings it to this version of Lotse")
    if former:
        print(
            f"the former database is kept as {former}; when nobody misses it: "
            f"lotse db psql -c 'drop database \"{former}\"'"
        )
