"""A PostgreSQL that the operator runs: looked at before it is used, never started, stopped or tuned."""

from lotse.kernel.postgres.errors import ServerTooOld, ServerUnfit, ServerUnreachable

# 17 brought the builtin collation C.UTF-8 (text sorts and folds the same on every machine) and transaction_timeout.
OLDEST_MAJOR = 17
# A server on the same network answers in milliseconds; more than this is a wrong address or a firewall.
_CONNECT_SECONDS = 10


def check(url: str) -> None:
    """Raise `ServerUnreachable`, `ServerTooOld` or `ServerUnfit` if Lotse cannot work there."""
    if not url.startswith(("postgresql://", "postgres://")):
        # Not repeated here, nor by psycopg: it may hold a password.
        raise ServerUnreachable("LOTSE_DATABASE_URL is not of the form postgresql://user:password@host:port/database")
    import psycopg  # here, because most commands use the embedded server, and psycopg takes half a second to load

    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_SECONDS, application_name="lotse check") as connection:
            number = connection.info.server_version
            encoding = connection.info.parameter_status("server_encoding")
    except psycopg.Error as error:
        raise ServerUnreachable(f"LOTSE_DATABASE_URL: {place(url)} does not answer: {_line(error)}") from error
    refuse_old(number, place(url))
    if encoding != "UTF8":
        raise ServerUnfit(f"LOTSE_DATABASE_URL: {place(url)} has encoding {encoding}; create it with encoding UTF8")


def refuse_old(number: int, where: str) -> None:
    """`number` is PostgreSQL's own version number, e.g. 180004."""
    if number < OLDEST_MAJOR * 10_000:
        major, minor = divmod(number, 10_000)
        raise ServerTooOld(
            f"LOTSE_DATABASE_URL: {where} is PostgreSQL {major}.{minor}; Lotse needs {OLDEST_MAJOR} or newer"
        )


def place(url: str) -> str:
    """The server and database in a URL, without user and password."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        return "the given URL"
    return f"{parts.get('host') or 'localhost'}:{parts.get('port') or 5432}/{parts.get('dbname') or ''}"


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
