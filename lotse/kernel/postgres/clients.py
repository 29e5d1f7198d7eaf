"""PostgreSQL's own client programs (`psql`, `pg_dump`, `pg_restore`) on a DSN."""

import os
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from lotse.kernel.postgres.binaries import program


def target(dsn: str) -> tuple[str, dict[str, str]]:
    """A connection string without the password, which `ps` would show to everybody, and the environment that has it."""
    parts = conninfo_to_dict(dsn)
    # psql's libreadline was built elsewhere and looks for terminals where Debian has none.
    env = {"TERMINFO_DIRS": "/etc/terminfo:/lib/terminfo:/usr/share/terminfo", **os.environ}
    password = parts.pop("password", None)
    if password is not None:
        env["PGPASSWORD"] = str(password)
    return make_conninfo("", **parts), env


def run(name: str, *arguments: str, env: dict[str, str] | None = None) -> tuple[bool, str]:
    """Run a program to its end; whether it worked, and all that it complained about."""
    done = subprocess.run(
        [str(program(name)), *arguments],
        check=False,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
    )
    return done.returncode == 0, done.stderr


def psql(dsn: str, *arguments: str) -> int:
    """Hand the terminal to `psql`; its exit code. It is a child, so that this process keeps the server's lock."""
    conninfo, env = target(dsn)
    with _left_to_child(signal.SIGINT):  # Ctrl-C cancels the statement in psql, it does not end us
        return subprocess.run([str(program("psql")), conninfo, *arguments], check=False, env=env).returncode


@contextmanager
def _left_to_child(number: signal.Signals) -> Generator[None]:
    # A handler, unlike SIG_IGN, is not inherited by the program.
    before = signal.signal(number, _let_pass)
    try:
        yield
    finally:
        signal.signal(number, before)


def _let_pass(number: int, frame: FrameType | None) -> None:
    pass
