"""After `kill -9` of everything the next start has every committed row, whatever was left lying about."""

import os
import select
import signal
import subprocess
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from lotse.kernel.postgres import attached, embedded, revived
from lotse.kernel.postgres.account import account_for, switch
from lotse.kernel.postgres.locks import locked
from lotse.kernel.settings import Settings
from tests.postgres.programs import python

# Commits one row after the other and reports each after its commit.
WRITER = """
import psycopg
from lotse.kernel.postgres import attached
with attached(settings) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
    connection.execute("create table if not exists written (n bigint primary key)")
    n = connection.execute("select coalesce(max(n), 0) from written").fetchone()[0]
    while True:
        n += 1
        connection.execute("insert into written values (%s)", (n,))
        print(n, flush=True)
"""
# Computes without looking up, so that it does not notice that its server died.
BUSY = """
import psycopg
import threading
from lotse.kernel.postgres import attached
LONG = "select count(*) from generate_series(1, 20000) a, generate_series(1, 10000000) b"
IS_BUSY = "select 1 from pg_stat_activity where pid = %s and state = 'active' and query like '%%generate_series%%'"
with attached(settings) as dsn, psycopg.connect(dsn, autocommit=True) as connection, psycopg.connect(dsn) as watcher:
    connection.execute("set max_parallel_workers_per_gather = 0")
    watcher.autocommit = True
    pid = connection.info.backend_pid
    threading.Thread(target=connection.execute, args=(LONG,), daemon=True).start()
    while watcher.execute(IS_BUSY, (pid,)).fetchone() is None:
        pass
    print(pid, flush=True)  # not before: an idle backend would end with its client
    threading.Event().wait()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose cluster is made already, with fsync on."""
    settings = Settings.load({"LOTSE_HOME": str(tmp_path_factory.mktemp("home"))})
    with attached(settings):
        pass
    return settings


def place(settings: Settings) -> Path:
    return settings.home / "postgres" / "18"


def is_down(settings: Settings) -> bool:
    with locked(place(settings) / "server.lock") as lock:
        return lock.try_exclusive()


def server_processes(settings: Settings) -> list[int]:
    """Every process that works in the data folder."""
    data = (place(settings) / "data").stat()
    found: list[int] = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if os.path.samestat((entry / "cwd").stat(), data):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def postmaster(settings: Settings) -> int:
    return int((place(settings) / "data" / "postmaster.pid").read_text().split()[0])


def kill(*pids: int) -> None:
    """Kill all at once, then wait until they are dead: the kernel takes its time to end a process."""
    dying: list[int] = []
    for pid in pids:
        try:
            dying.append(os.pidfd_open(pid))
        except ProcessLookupError:
            continue
    for pidfd in dying:
        with suppress(ProcessLookupError):  # a child of one that was killed already
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    for pidfd in dying:
        assert select.select([pidfd], [], [], 30)[0], "a killed process does not end"
        os.close(pidfd)


def write_and_kill(settings: Settings, *, everything: bool) -> int:
    """Let a process commit rows, kill in the midst of it; the last row that it was told of."""
    with python(WRITER, home=settings.home) as writer:
        assert writer.stdout
        heard = [int(writer.stdout.readline()) for _ in range(50)]
        if everything:
            kill(writer.pid, *server_processes(settings))
        else:
            kill(postmaster(settings), writer.pid)
        heard += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return heard[-1]


def written(settings: Settings) -> tuple[int, int]:
    """How many rows there are, and the highest."""
    with attached(settings) as dsn, psycopg.connect(dsn) as connection:
        row = connection.execute("select count(*), max(n) from written").fetchone()
        assert row
        return row[0], row[1]


@pytest.mark.durable
@pytest.mark.parametrize("everything", [True, False], ids=["everything killed", "postmaster and client killed"])
def test_committed_rows_are_there_after_kill_9(made: Settings, everything: bool) -> None:
    told = write_and_kill(made, everything=everything)
    count, highest = written(made)
    # One more may be committed than its writer lived to hear of; none less, and no gap.
    assert count == highest
    assert told <= highest <= told + 1
    assert is_down(made)


@pytest.mark.parametrize("everything", [True, False], ids=["all of it killed", "postmaster killed"])
def test_a_server_that_dies_under_its_user_is_started_again(made: Settings, everything: bool) -> None:
    with attached(made) as dsn:
        assert not revived(made)
        kill(*(server_processes(made) if everything else [postmaster(made)]))
        assert revived(made)
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert not revived(made)
    assert is_down(made)


@pytest.fixture
def stranger() -> Generator[int]:
    """A living process of the user that the server runs as."""
    account = account_for("lotse-postgres", 0)
    with subprocess.Popen(["/bin/sleep", "600"], cwd="/", **switch(account)) as process:
        yield process.pid
        process.kill()


@pytest.mark.durable
def test_a_reused_process_id_is_not_taken_for_the_server(made: Settings, stranger: int) -> None:
    told = write_and_kill(made, everything=True)
    file = place(made) / "data" / "postmaster.pid"
    lines = file.read_text().splitlines()
    assert int(lines[0]) != stranger
    file.write_text("\n".join([str(stranger), *lines[1:]]) + "\n")
    assert written(made)[1] >= told
    os.kill(stranger, 0)  # and was left alone


@pytest.mark.durable
def test_a_backend_that_outlives_its_server_is_ended(made: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_ORPHAN_SECONDS", 0.2)
    with python(BUSY, home=made.home) as busy:
        assert busy.stdout
        backend = int(busy.stdout.readline())
        kill(postmaster(made), busy.pid)
    assert backend in server_processes(made)
    with attached(made) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert server_processes(made) == []


@pytest.mark.durable
def test_a_half_made_cluster_is_made_again(durable: Settings) -> None:
    making = python(
        "from lotse.kernel.postgres import attached\nwith attached(settings):\n    print('made', flush=True)\n",
        home=durable.home,
    )
    staging = place(durable) / "data.new"
    with making:
        while not (staging / "PG_VERSION").exists() and making.poll() is None:
            os.sched_yield()
        making.kill()
    assert not (place(durable) / "data").exists()
    # initdb itself was not killed and still writes; the next start waits for it, then begins anew.
    with attached(durable) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not staging.exists()


@pytest.mark.durable
def test_a_start_that_was_killed_is_taken_over(made: Settings) -> None:
    # Its lock and its server live on without it, as if `kill -9` had hit between start and use.
    source = (
        "import os, signal\n"
        "from lotse.kernel.postgres import processes\n"
        "processes.postmaster = lambda cluster: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from lotse.kernel.postgres import attached\n"
        "with attached(settings):\n    pass\n"
    )
    with python(source, home=made.home) as starter:
        assert starter.wait(timeout=60) == -signal.SIGKILL
    assert not is_down(made)
    with attached(made) as dsn, psycopg.connect(dsn) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert is_down(made)
