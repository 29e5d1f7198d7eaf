"""PostgreSQL for Lotse: the embedded one below LOTSE_HOME, or the one that LOTSE_DATABASE_URL names.

    with attached(settings) as dsn:
        ...

Every process of Lotse wraps its work in this. The schema and the pool are not its job (`migrate`, `db`).
"""

from collections.abc import Generator
from contextlib import contextmanager

from lotse.kernel.postgres import given
from lotse.kernel.postgres.embedded import Embedded
from lotse.kernel.postgres.errors import PostgresError, explained
from lotse.kernel.settings import Settings

__all__ = ["PostgresError", "attached", "attached_alone", "explained", "revived", "stop"]


@contextmanager
def attached(settings: Settings) -> Generator[str]:
    """The DSN of the database (for asyncpg, psycopg and libpq), usable while the block lasts.

    Starts the embedded server if it is down (2 s; 10 s the first time) and stops it when its last user leaves. A given
    server is only looked at: reachable, new enough, UTF-8. Blocks; raises a `PostgresError` with one line of text.
    """
    if settings.database_url:
        given.check(settings.database_url)
        yield settings.database_url
    else:
        with Embedded(settings).used() as dsn:
            yield dsn


@contextmanager
def attached_alone(settings: Settings) -> Generator[str]:
    """As `attached`, but nobody else may use the embedded server meanwhile. Raises `InUse`.

    Of a given server Lotse does not know the other users.
    """
    if settings.database_url:
        with attached(settings) as dsn:
            yield dsn
    else:
        with Embedded(settings).alone() as dsn:
            yield dsn


def revived(settings: Settings) -> bool:
    """Start the embedded server if it died under us; whether it had. For those inside `attached`; blocks.

    The DSN stays the same. Raises a `PostgresError`. Of a given server others take care.
    """
    return False if settings.database_url else Embedded(settings).revived()


def stop(settings: Settings) -> bool:
    """Stop the embedded server; False if there is none or it was down. Raises `InUse`, `StopFailed`."""
    return False if settings.database_url else Embedded(settings).stop()
