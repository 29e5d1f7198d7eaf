"""What `lotse db check` looks at: the server's version and durability, and whether the schema is current."""

import psycopg
from msgspec import Struct

from lotse.kernel.postgres import given

_SHOULD_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")


class Health(Struct, frozen=True):
    """`problems` is empty if all is well; each is one line."""

    version: str
    place: str
    size_mb: int
    problems: list[str]


def look(dsn: str) -> Health:
    """Look at the database. Raises `ServerTooOld`."""
    from lotse.kernel import migrate  # the commands that only start and stop need no migrations

    with psycopg.connect(dsn, autocommit=True) as connection:
        given.refuse_old(connection.info.server_version, given.place(dsn))
        problems = [
            f"{name} is {value}: a power cut can lose orders that were confirmed"
            for name, value in connection.execute(
                "select name, setting from pg_settings where name = any(%s) and setting = 'off'", (list(_SHOULD_BE_ON),)
            )
        ]
        size = connection.execute("select pg_database_size(current_database()) / 1000000").fetchone()
        # Asking for what is pending writes yoyo's own tables, and an empty database must stay empty for a restore.
        new = connection.execute("select to_regnamespace('migrations') is null").fetchone() == (True,)
        version = f"{connection.info.server_version // 10_000}.{connection.info.server_version % 10_000}"
    if new:
        problems.append("the database is empty; run `lotse db upgrade`, or `lotse db restore FILE`")
    elif pending := migrate.pending(dsn):
        problems.append(f"{len(pending)} migrations are pending ({', '.join(pending)}); run `lotse db upgrade`")
    return Health(version=version, place=given.place(dsn), size_mb=int(size[0]) if size else 0, problems=problems)
