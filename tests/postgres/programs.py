"""Small programs that the tests run as processes of their own, and servers of other versions."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from lotse.kernel.postgres import binaries
from lotse.kernel.postgres.account import account_for, switch

# The wheel also carries this one; a real old server for what must refuse or upgrade it.
OLD_MAJOR = 16
_LOTSE = [sys.executable, "-c", "from lotse.cli import main; main()"]


def lotse(*arguments: str, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    return subprocess.run(
        [*_LOTSE, *arguments], check=False, capture_output=True, text=True, env={**os.environ, **env}, timeout=120
    )


def python(source: str, *arguments: str, home: Path) -> "subprocess.Popen[str]":
    """Start a program that finds `settings` of a home; talk to it through its pipes."""
    head = f"from lotse.kernel.settings import Settings\nsettings = Settings.load({{'LOTSE_HOME': {str(home)!r}}})\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + source, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def old_program(name: str) -> Path:
    """A program of PostgreSQL 16."""
    return binaries.package() / "pginstall" / "bin" / name


@contextmanager
def old_server(folder: Path) -> Generator[str]:
    """A running PostgreSQL 16 with its data in `folder`/data; its URL."""
    account = account_for("lotse-postgres", 0)
    data = folder / "data"
    data.mkdir(mode=0o700)
    if account:
        os.chown(data, account.uid, account.gid)

    def run(name: str, *arguments: str) -> None:
        subprocess.run(
            [str(old_program(name)), *arguments],
            check=True,
            cwd=data,
            stdout=subprocess.DEVNULL,
            timeout=60,
            **switch(account),
        )

    run(
        "initdb",
        "-D",
        "/proc/self/cwd",
        "--username=lotse",
        "--auth=trust",
        "--no-sync",
        "--encoding=UTF8",
        "--locale=C",
    )
    options = "-c listen_addresses= -c unix_socket_directories=. -c fsync=off"
    run("pg_ctl", "start", "--wait", "--silent", "-D", "/proc/self/cwd", "--log=log", f"--options={options}")
    try:
        yield f"postgresql://lotse@/postgres?host={data}&port=5432"
    finally:
        run("pg_ctl", "stop", "--mode=immediate", "--silent", "-D", "/proc/self/cwd")
