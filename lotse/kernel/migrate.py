"""Bring a database to this version of Lotse: plain SQL files per domain, in the order of the domains.

A domain's `sql/migrations/` holds `0001_init.sql`, then `0002_name.pre.sql` (before the new code runs: add, never take
away) and `0002_name.post.sql` (once no old code runs: drop, tighten). `sql/public.sql` (functions) is applied anew
whenever its text changed. A test proves that the replayed migrations equal `sql/schema.sql`.

yoyo keeps the books (what ran when, by whom). Two things of it are replaced, each for a reason: its lock is a row that
a killed process leaves behind, so an advisory lock stands around everything; and it splits files with sqlparse, which
breaks function bodies, so a file goes to the server whole (a file with `-- transactional: false`, for concurrent
indexes, holds one statement).
"""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import psycopg
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.migrations import Migration, MigrationList, StepCollector

from lotse.kernel import seams

Phase = Literal["all", "pre", "post"]

# A migration that cannot get its lock in two seconds would make every later query queue behind it: give up, try again.
LOCK_TIMEOUT_MS = 2_000
ATTEMPTS = 5
_ADVISORY_KEY = 0x6C6F7473655F6D69  # "lotse_mi": one upgrade at a time per database


class _Backend(PostgresqlPsycopgBackend):
    """yoyo's tables live in a schema of their own, reached through Lotse's own connection string."""

    def __init__(self, dsn: str, migration_table: str = "applied") -> None:
        super().__init__(dsn, migration_table)

    def connect(self, dburi: str) -> "psycopg.Connection[Any]":
        connection = psycopg.connect(
            dburi, autocommit=True, application_name="lotse migrate", options=f"-c lock_timeout={LOCK_TIMEOUT_MS}"
        )
        connection.execute("create schema if not exists migrations")
        connection.execute(
            "create table if not exists migrations.functions (package text primary key, sha256 bytea not null)"
        )
        self.schema = "migrations"
        return connection

    def list_tables(self, **_: Any) -> list[str]:
        # yoyo's own asks its parsed URL for the database's name; a DSN with a socket is not such a URL.
        rows = self.execute("select tablename::text from pg_tables where schemaname = 'migrations'").fetchall()
        return [name for (name,) in rows]


class _File(Migration):
    """One SQL file, sent whole."""

    def load(self) -> None:
        if self.loaded:
            return
        self.source = Path(self.path).read_text("utf-8")
        self.use_transactions = "-- transactional: false" not in self.source
        self._depends = set[Migration]()
        collector = StepCollector(migration=self)
        collector.add_step(self.source)
        self.steps = collector.create_steps(self.use_transactions)


def packages() -> tuple[str, ...]:
    """Every package that owns a PostgreSQL schema, the kernel first, then the domains from the lowest up."""
    return ("lotse.kernel", *(domain.package for domain in seams.domains()))


def known() -> list[str]:
    """Every migration of this version, applied or not, without asking the database: what `/ready` compares with."""
    return [
        f"{package.rsplit('.', 1)[-1]}/{entry.name.removesuffix('.sql')}"
        for package in packages()
        if (folder := files(package) / "sql" / "migrations").is_dir()
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".sql")
    ]


def pending(dsn: str) -> list[str]:
    """The migrations that have not run yet, e.g. `catalog/0002_weight.pre`."""
    with _locked(dsn) as backend:
        return [migration.id for migration in _to_apply(backend, "all")]


def upgrade(dsn: str, *, phase: Phase = "all", progress: Callable[[str], None] = lambda name: None) -> list[str]:
    """Apply what is pending, each file in its own transaction; the names of what ran.

    `phase="pre"` stops before the post halves, so that old code can go on until the new code runs everywhere.
    """
    done: list[str] = []
    with _locked(dsn) as backend:
        for migration in _to_apply(backend, phase):
            progress(migration.id)
            _apply(backend, migration)
            done.append(migration.id)
        _refresh_functions(backend.connection)
        _make_months(backend.connection)
    return done


def build_from_schema(dsn: str) -> None:
    """Create everything from the `schema.sql` files alone: what the migrations are compared with."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for package in packages():
            for name in ("schema.sql", "public.sql"):
                text = _read(package, name)
                if text:
                    connection.execute(text.encode())
        _make_months(connection)


@contextmanager
def _locked(dsn: str) -> Generator[_Backend]:
    with psycopg.connect(dsn, autocommit=True) as guard:
        guard.execute("select pg_advisory_lock(%s)", (_ADVISORY_KEY,))
        with _Backend(dsn) as backend:
            backend.init_database()
            backend.break_lock()  # whoever left it is dead: we hold the real lock
            yield backend


def _to_apply(backend: _Backend, phase: Phase) -> list[Migration]:
    found: list[Migration] = []
    for package in packages():
        folder = files(package) / "sql" / "migrations"
        if not folder.is_dir():
            continue
        domain = package.rsplit(".", 1)[-1]
        for path in sorted(Path(str(entry)) for entry in folder.iterdir() if entry.name.endswith(".sql")):
            if phase == "all" or (phase == "post") == path.name.endswith(".post.sql"):
                found.append(_File(f"{domain}/{path.name.removesuffix('.sql')}", str(path), str(folder)))
    applied = set(backend.get_applied_migration_hashes())
    # All pre halves of all domains come before the first post half, as they do in two deployments.
    return sorted((m for m in found if m.hash not in applied), key=lambda m: m.path.endswith(".post.sql"))


def _apply(backend: _Backend, migration: Migration) -> None:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            backend.apply_migrations_only(MigrationList([migration]))
            return
        except psycopg.errors.LockNotAvailable:
            if attempt == ATTEMPTS:
                raise
            time.sleep(attempt)  # let the queries that wait behind us pass


def _refresh_functions(connection: "psycopg.Connection[Any]") -> None:
    """Apply each `public.sql` whose text is not the one applied last; all in one transaction."""
    with connection.transaction():
        known = dict(connection.execute("select package, sha256 from migrations.functions").fetchall())
        for package in packages():
            text = _read(package, "public.sql")
            digest = sha256(text.encode()).digest()
            if text and known.get(package) != digest:
                connection.execute(text.encode())
                connection.execute(
                    "insert into migrations.functions values (%s, %s)"
                    " on conflict (package) do update set sha256 = excluded.sha256",
                    (package, digest),
                )


def _make_months(connection: "psycopg.Connection[Any]") -> None:
    """Make this month's partitions and the next three: what is imported before the first worker runs needs them."""
    connection.execute("select kernel.ensure_months(now(), 3)")


def _read(package: str, name: str) -> str:
    path = files(package) / "sql" / name
    return path.read_text("utf-8") if path.is_file() else ""
